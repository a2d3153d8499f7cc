"""Versions of the libraries in this process, and whether a specifier has them (PEP 440, plain releases only)."""

import operator
import os
import sys
from typing import Callable, Dict, Optional, Tuple

COMPARE: Dict[str, Callable[[Tuple[int, ...], Tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def lies_in(version: str, specifier: str) -> bool:
    """True when the version's release lies in each part of a specifier such as `>=1.20,<3`; False for no version."""
    release = _release(version)
    for part in specifier.split(","):
        sign = next((sign for sign in COMPARE if part.strip().startswith(sign)), "")
        if not sign or not release:
            return False
        if not COMPARE[sign](*_alike(release, _release(part.strip()[len(sign) :]))):
            return False
    return True


def _release(version: str) -> Tuple[int, ...]:
    import re  # late: most processes of a training look at no version

    found = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def _alike(one: Tuple[int, ...], other: Tuple[int, ...]) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
    """Both as long as the longer, with zeros: 2.0 is 2."""
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)), other + (0,) * (length - len(other))


def version_of(library: str) -> Optional[str]:
    """The version of a library of this process; empty when it tells none, None when it is not here."""
    special = SPECIAL.get(library)
    if special is not None:
        return special()
    module = sys.modules.get(MODULES.get(library, library))
    return None if module is None else str(getattr(module, "__version__", ""))


def _openblas() -> Optional[str]:
    from reprobuild_inside import pins_openblas

    return pins_openblas.version()


def _glibc() -> Optional[str]:
    """None with another C library (confstr(3))."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (OSError, ValueError):
        return None
    return version if name == "glibc" else None


def _python() -> str:
    return "%d.%d.%d" % sys.version_info[:3]


MODULES = {"scikit-learn": "sklearn"}
SPECIAL: Dict[str, Callable[[], Optional[str]]] = {"openblas": _openblas, "glibc": _glibc, "python": _python}
