"""OpenBLAS in every copy that is loaded: NumPy's and SciPy's wheels bring one each, Debian has one for all.

Their functions: https://www.openmathlib.org/OpenBLAS/docs/extensions/ ; wheels put `scipy_` before and `64_` behind.
"""

import ctypes
import re
from typing import Any, Callable, List, Optional, Tuple

from reprobuild_inside.pins import loaded_files

FILES = ("libscipy_openblas", "libopenblas")


def copies() -> List[Tuple[str, ctypes.CDLL]]:
    """Each loaded copy, by its file; it is mapped already, so that this only finds it again."""
    return [(path, ctypes.CDLL(path)) for path in loaded_files(*FILES)]


def version() -> Optional[str]:
    """The oldest version among the copies; None without any."""
    told = [re.search(r"OpenBLAS (\d+(?:\.\d+)*)", _text(library, "openblas_get_config")) for _, library in copies()]
    found = [match.group(1) if match else "0" for match in told]
    return min(found, key=lambda text: [int(part) for part in text.split(".")]) if found else None


def set_threads(value: str) -> None:
    """As many threads as asked for, more than there are processors too."""
    for _, library in copies():
        symbol = _symbol(library, "openblas_set_num_threads")
        if symbol is not None:
            symbol(int(value))


def threads(value: str) -> Optional[Tuple[bool, str]]:
    """Whether each copy computes with that many threads."""
    return _each(lambda library: str(_call(library, "openblas_get_num_threads")), value, "threads")


def core(value: str) -> Optional[Tuple[bool, str]]:
    """Whether each copy took the kernels of that core."""
    return _each(lambda library: _text(library, "openblas_get_corename"), value, "core")


def _each(ask: Callable[[ctypes.CDLL], str], value: str, what: str) -> Optional[Tuple[bool, str]]:
    told = [(path.rpartition("/")[2], ask(library)) for path, library in copies()]
    wrong = ["%s: %s %s, not %s" % (name, what, found, value) for name, found in told if found != value]
    if not told:
        return None
    return not wrong, "; ".join(wrong) or "%s %s" % (what, value)


def _symbol(library: ctypes.CDLL, name: str) -> Any:
    for prefix in ("scipy_", ""):
        for suffix in ("", "64_", "_64"):
            symbol = getattr(library, prefix + name + suffix, None)
            if symbol is not None:
                return symbol
    return None


def _call(library: ctypes.CDLL, name: str) -> Any:
    symbol = _symbol(library, name)
    return None if symbol is None else symbol()


def _text(library: ctypes.CDLL, name: str) -> str:
    symbol = _symbol(library, name)
    if symbol is None:
        return ""
    symbol.restype = ctypes.c_char_p
    return (symbol() or b"").decode(errors="replace").strip()
