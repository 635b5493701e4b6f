"""The code in the docs runs, and prints what the docs say."""

import doctest
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ROOT / "docs" / "code"
SECONDS = 50

NEEDS = {
    "from_ewoks.py": "ewoks",
    "gevent_own_hub.py": "gevent",
    "gevent_patched.py": "gevent",
}


def run(command: list[str], *, cwd: Path) -> str:
    # The docs show the default pool type, whatever this machine prefers.
    environment = {k: v for k, v in os.environ.items() if k != "EWOKSPPF_POOL_TYPE"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def assert_prints(printed: str, expected: str) -> None:
    checker = doctest.OutputChecker()
    if not checker.check_output(expected, printed, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE):
        assert printed == expected


@pytest.mark.parametrize("expected", sorted(CODE.glob("*.out")), ids=lambda path: path.stem)
def test_script_prints_what_the_docs_show(expected: Path, tmp_path: Path) -> None:
    script = expected.with_suffix(".py")
    needed = NEEDS.get(script.name)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    assert_prints(run([sys.executable, str(script)], cwd=tmp_path), expected.read_text())


def test_every_script_has_an_expected_output() -> None:
    scripts = {
        path.stem for path in CODE.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
    }
    assert scripts == {path.stem for path in CODE.glob("*.out")}


def test_graph_file_is_what_the_tutorial_saves(tmp_path: Path) -> None:
    run([sys.executable, str(CODE / "save_graph.py")], cwd=tmp_path)
    saved = json.loads((tmp_path / "exposure.json").read_text())
    assert saved == json.loads((CODE / "exposure.json").read_text())


def test_commands_print_what_the_docs_show() -> None:
    text = (CODE / "command_line.console").read_text()
    commands = re.findall(r"^\$ ewoksppf (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE)
    assert len(commands) == text.count("$ ewoksppf")
    for arguments, expected in commands:
        command = [sys.executable, "-m", "ewoksppf_core.cli", *shlex.split(arguments)]
        assert_prints(run(command, cwd=CODE), expected)


def test_readme_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tour, printed = re.findall(r"<!-- tour -->\n```\w+\n(.*?)```", readme, re.DOTALL)
    script = tmp_path / "tour.py"
    script.write_text(tour)
    assert_prints(run([sys.executable, str(script)], cwd=tmp_path), printed)
