"""What a script's own code asks of the machine that differs in each run, with the line where it asks.

The functions themselves are wrapped. An audit hook would see the same, and be called for each `id()` and `open()` of a
training besides. What Python's own modules and packages ask for is not told: names of temporary files, keys of
connections and identifiers are meant to be unique.
"""

import os
import random
import sys
from types import FrameType
from typing import Any, Callable, Dict, Optional, Tuple

from reprobuild_inside import notes
from reprobuild_inside.found import problem
from reprobuild_inside.wrapping import wrap

LISTING = {"glob", "os", "pathlib", "pathlib._abc", "pathlib._local", "fnmatch", "pathlib._os"}
"""Modules of the standard library that list a folder for whom calls them."""
_SORTED: Dict[Tuple[str, int], bool] = {}


def watch_unseeded() -> None:
    """Watch the machine's entropy and listings of folders."""
    wrap("urandom", _entropy("os.urandom"), os)
    wrap("getrandom", _entropy("os.getrandom"), os)
    # SystemRandom, and with it `secrets`, has a name of its own for os.urandom.
    random._urandom = os.urandom  # type: ignore[attr-defined]
    for name in ("listdir", "scandir"):
        wrap(name, _listing("os." + name), os)


def _entropy(what: str) -> Callable[[Any], Callable[..., Any]]:
    def make(original: Any) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            try:
                _note_entropy(what, sys._getframe(1))
            except Exception as error:
                problem(what, error)
            return original(*args, **kwargs)

        return function

    return make


def _note_entropy(what: str, frame: FrameType) -> None:
    if frame.f_globals.get("__name__") == "random":
        if frame.f_locals.get("self") is getattr(sys.modules.get("secrets"), "_sysrand", None):
            return
        what = "random.SystemRandom"
        while frame.f_back is not None and frame.f_globals.get("__name__") == "random":
            frame = frame.f_back
    if notes.own_file(frame):
        notes.note_place("unseeded", what, frame)


def _listing(what: str) -> Callable[[Any], Callable[..., Any]]:
    def make(original: Any) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            try:
                _note_listing(what, sys._getframe(1))
            except Exception as error:
                problem(what, error)
            return original(*args, **kwargs)

        return function

    return make


def _note_listing(what: str, start: FrameType) -> None:
    frame: Optional[FrameType] = start
    while frame is not None and frame.f_globals.get("__name__") in LISTING:
        frame = frame.f_back
    if frame is None or not notes.own_file(frame):
        return
    place = frame.f_code.co_filename, frame.f_lineno
    if place not in _SORTED:
        from reprobuild_inside.listings import is_sorted, read_source

        _SORTED[place] = is_sorted(read_source(place[0]), place[1])
    if not _SORTED[place]:
        notes.note_place("unseeded", "the order of a folder's files, by " + what, frame)
