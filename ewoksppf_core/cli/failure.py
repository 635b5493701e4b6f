"""Tell people and programs why a workflow failed."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import ewokscore

import ewoksppf_core

from .jsonable import describe_exception, message, type_name

_OURS = tuple(f"{Path(package.__file__ or '').parent}/" for package in (ewokscore, ewoksppf_core))
_MAX_FRAMES = 5
_EXAMPLES = f"{_OURS[0]}tests/"
_HEADER = "Traceback (most recent call last):\n"
_BETWEEN = re.compile(
    r"\n(?:The above exception was the direct cause of the following exception:"
    r"|During handling of the above exception, another exception occurred:)\n\n"
)
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)".*\n(?:    .*\n)*', re.MULTILINE)


def describe(error: BaseException, node: str | None) -> dict[str, Any]:
    """Return what JSON tells about a failure.

    :param node: label of the node which failed, None when no task did.
    """
    described = describe_exception(error)
    if node is not None:
        described["node"] = node
        described["traceback"] = _complete_traceback(error)
    others = _other_notes(error)
    if others:
        described["notes"] = others
    return described


def explain(error: BaseException, node: str | None, debug: bool) -> str:
    """Return what people are told about a failure.

    :param node: label of the node which failed, None when no task did.
    :param debug: tell everything.
    """
    if debug:
        return _format(error).rstrip()
    if isinstance(error, KeyboardInterrupt) and node is None:
        return "interrupted with Ctrl-C"
    lines = [message(error)]
    if node is not None and not isinstance(error, ewoksppf_core.EwoksPpfError):
        cause = error.__cause__
        if cause is not None:
            lines = [f"{type_name(cause)}: {message(cause)}"]
        elif not message(error):
            lines = [type_name(error)]
        lines[0] = f"node {node!r} failed: {lines[0]}"
        lines += _frames_of_the_task(error)
    elif node is None and not isinstance(error, ewoksppf_core.EwoksPpfError):
        lines = [f"{type_name(error)}: {message(error)}"]
    return "\n".join([*lines, *_other_notes(error)]).rstrip()


def _frames_of_the_task(error: BaseException) -> list[str]:
    """Return the traceback of the task itself, without the frames that ran it."""
    blocks = _BETWEEN.split(_complete_traceback(error))
    block = blocks[-2] if error.__cause__ is not None and len(blocks) > 1 else blocks[-1]
    frames = [
        match.group().rstrip()
        for match in _FRAME.finditer(block)
        if match["file"].startswith(_EXAMPLES) or not match["file"].startswith(_OURS)
    ]
    return frames[-_MAX_FRAMES:] if error.__cause__ is not None else []


def _complete_traceback(error: BaseException) -> str:
    """Return the traceback in the worker when it is known, otherwise the one in this process."""
    for text in (getattr(error, "traceback", ""), *getattr(error, "__notes__", ())):
        if isinstance(text, str) and _HEADER in text:
            return text[text.index(_HEADER) :]
    return "".join(traceback.format_exception(error))


def _other_notes(error: BaseException) -> list[str]:
    return [note for note in getattr(error, "__notes__", ()) if _HEADER not in note]


def _format(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    # Python 3.10 does not show notes.
    notes = (note for note in getattr(error, "__notes__", ()) if note not in text)
    return "\n".join([text, *notes])
