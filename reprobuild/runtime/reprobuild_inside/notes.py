"""Lines of the script's own code that the record shall name: each place once, with how often it was passed."""

import os
import reprlib
import sys
from types import FrameType
from typing import Any, Dict, Optional, Tuple

from reprobuild_inside.found import FOUND, problem, tell

KINDS = ("own_seeds", "unseeded", "not_seeded", "programs")
MOST = 100
"""Places of a kind; more are counted in none."""
LONGEST = 80
"""Characters of a value or word."""
START = os.getcwd()
STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
RUNTIME = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
PACKAGES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_KNOWN: Dict[Tuple[object, ...], Dict[str, Any]] = {}
_FILES: Dict[str, str] = {}
_REPR = reprlib.Repr()
"""Of a value of any size, and of one that cannot be shown."""
_REPR.maxstring = _REPR.maxother = LONGEST


def begin() -> None:
    """Start this process's notes; those of the process that it was forked from are told by that one."""
    _KNOWN.clear()
    FOUND.update({kind: [] for kind in KINDS})


def note(kind: str, key: Tuple[object, ...], **facts: Any) -> None:
    """Keep a fact with this key, or count it again; what is new is told at once: this process may be killed."""
    known = _KNOWN.get((kind, *key))
    if known is not None:
        known["count"] += 1
    elif len(FOUND[kind]) < MOST:
        facts["count"] = 1
        _KNOWN[(kind, *key)] = facts
        FOUND[kind].append(facts)
        try:
            tell()
        except Exception as error:  # whatever the script did to the process: its training goes on
            problem(kind, error)


def note_place(kind: str, what: str, frame: Optional[FrameType], **facts: Any) -> None:
    """Keep what happened in a frame of the script's own code; nothing for no frame."""
    if frame is not None:
        file, line = own_file(frame), frame.f_lineno
        note(kind, (what, file, line), what=what, file=file, line=line, **facts)


def own_file(frame: FrameType) -> str:
    """The file of a frame relative to where the process began; "" for one of Python, a package or this runtime."""
    name = frame.f_code.co_filename
    if name not in _FILES:
        _FILES[name] = _own(name, frame.f_globals.get("__name__"))
    return _FILES[name]


def _own(name: str, module: object) -> str:
    if name.startswith("<"):  # of `python -c`, or made by a package at run time
        return name if module == "__main__" else ""
    path = os.path.abspath(os.path.join(START, name))
    if path.startswith((STANDARD, RUNTIME)) or any(part in path for part in PACKAGES):
        return ""
    return path[len(START) + 1 :] if path.startswith(START.rstrip(os.sep) + os.sep) else path


def caller(depth: int = 2) -> Optional[FrameType]:
    """The frame that called the function that asks, if it is the script's own code."""
    frame = sys._getframe(depth)
    return frame if own_file(frame) else None


def user(depth: int = 2) -> Optional[FrameType]:
    """The innermost frame of the script's own code; none for what a package does while it is imported."""
    frame: Optional[FrameType] = sys._getframe(depth)
    while frame is not None and not own_file(frame):
        if frame.f_code.co_name == "<module>":
            return None
        frame = frame.f_back
    return frame


def short(value: object) -> object:
    """A seed as JSON has it: a number that fits, else a short text."""
    try:
        value = value.__index__()  # type: ignore[attr-defined]
    except Exception:  # an array of several numbers and a tracer have it too, and refuse
        pass
    if isinstance(value, (int, float)) and abs(value) < 2**63:
        return value
    return _REPR.repr(value)[:LONGEST] if not isinstance(value, int) else "%x" % value
