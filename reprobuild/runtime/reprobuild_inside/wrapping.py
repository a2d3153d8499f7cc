"""Functions of a library with something of ours before or after, that still pass for the library's own."""

import os
from functools import update_wrapper
from typing import Any, Callable

SETS = ("supports_fd", "supports_dir_fd", "supports_effective_ids", "supports_follow_symlinks")


def wrap(name: str, make: Callable[[Any], Callable[..., Any]], module: Any, *others: Any) -> None:
    """Put `make(original)` in the place of a module's function, and of the same in others; nothing when it has none.

    It is pickled by the module and name where it now stands, as `multiprocessing` does with a function that it calls.
    """
    original = getattr(module, name, None)
    if original is None:
        return
    wrapper: Any = update_wrapper(make(original), original)
    if not isinstance(module, type):
        wrapper.__module__, wrapper.__qualname__ = module.__name__, name
    for place in (module, *others):
        if getattr(place, name, None) is original:
            setattr(place, name, wrapper)
    for offered in SETS:  # shutil.rmtree looks there for os.scandir, and would be less safe without it
        functions = getattr(os, offered)
        if original in functions:
            functions.add(wrapper)
