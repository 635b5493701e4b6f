"""Sphinx configuration of the documentation."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ewoksppf-core"
author = "the ewoksppf-core developers"
release = version_of("ewoksppf-core")
version = ".".join(release.split(".")[:2])

extensions = [
    "cli_help",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "requirements.txt"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

# Names outside of this package, which only the inventories on the web know.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|concurrent|enum|multiprocessing|networkx|pluggy|threading)\b.*"),
    ("py:.*", r"(Any|Callable|Executor|Future|Hashable|Iterable|Mapping|Sequence|TracebackType)"),
    ("py:class", r"[TP]|ewoksppf_core\.pool\.pool\.[TP]"),
]
if os.environ.get("READTHEDOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {"python": ("https://docs.python.org/3", None)}

html_theme = "pydata_sphinx_theme"
html_title = f"{project} {release}"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
}
