"""The pins of the run's numerics profile: applied after the import of what they pin, and checked in this process.

`$REPROBUILD_NUMERICS` names the table (`reprobuild/kb/pins.toml` as this run has it). Each pin's `call` and `check` are
functions below this package that take the pin's value; a check says whether the pin took, and what it found.
"""

import os
import sys
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from reprobuild_inside.found import FOUND
from reprobuild_inside.imports import after
from reprobuild_inside.versions import lies_in, version_of

Pin = Dict[str, Any]
Took = Tuple[bool, str]
TABLE = os.environ.get("REPROBUILD_NUMERICS", "")
PINS: List[Pin] = []


def pin_arithmetic() -> None:
    """Read the table; apply now what is no library's, and the rest after its import."""
    if not TABLE:
        return
    import json

    try:
        with open(TABLE, "rb") as stream:
            PINS.extend(json.loads(stream.read().decode())["pins"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        FOUND["problems"].append("numerics: %s: %s" % (type(error).__name__, error))
    FOUND["pins"] = {}
    _bear_names()
    for pin in PINS:
        if not pin["after"]:
            apply_pin(pin)
        for name in pin["after"]:
            after(name, _applying(pin))


def _bear_names() -> None:
    """NumPy warns of features that its version does not know; where warnings are errors, it could not be imported."""
    if sys.warnoptions:
        import warnings

        warnings.filterwarnings("ignore", "During parsing environment variable", ImportWarning)


def _applying(pin: Pin) -> Callable[[Any], None]:
    def apply(_: Any) -> None:
        apply_pin(pin)

    return apply


def check_again() -> None:
    """Once more what was applied: a script may have set its own since, and libraries may have come."""
    for pin in PINS:
        found = FOUND["pins"].get(pin["id"])
        # That a variable is as before says nothing of when its library read it.
        if found is not None and (found["took"] or not _is_of_variables(pin)):
            _keep(pin, lambda pin=pin: _function(pin["check"])(pin["value"]))  # type: ignore[misc]


def apply_pin(pin: Pin) -> None:
    """Call what the pin calls, for a library of a version that it knows, and keep whether it took."""

    def act() -> Optional[Took]:
        if pin["call"]:
            _function(pin["call"])(pin["value"])
        return _function(pin["check"])(pin["value"])  # type: ignore[no-any-return]

    _keep(pin, act)


def _keep(pin: Pin, act: Callable[[], Optional[Took]]) -> None:
    """Keep what came of it under the pin's name; None says that the library is not in this process."""
    try:
        took = _unknown(pin) or _unset(pin) or act()
        if took is not None and took[0]:
            took = _changed(pin) or took
    except Exception as error:  # any library, any version: told in the record
        took = False, "%s: %s" % (type(error).__name__, error)
    if took is None:
        FOUND["pins"].pop(pin["id"], None)
    else:
        FOUND["pins"][pin["id"]] = {"took": took[0], "detail": took[1]}


def _unknown(pin: Pin) -> Optional[Took]:
    if not pin["versions"]:
        return None
    version = version_of(pin["library"])
    if version is None or lies_in(version, pin["versions"]):
        return None
    return False, "%s %s: the pins know %s" % (pin["library"], version or "of no version", pin["versions"])


def _unset(pin: Pin) -> Optional[Took]:
    """A variable that is not as the run set it, because a process between cleared or changed it."""
    for name, value in sorted(pin["environment"].items()):
        if BEGAN.get(name) != value:
            return False, "%s is %s, not %r" % (name, _shown(BEGAN, name), value)
    return None


def _changed(pin: Pin) -> Optional[Took]:
    """A variable that the script changed, of a pin that nothing else is seen of: its library may read it only now."""
    for name, value in sorted(pin["environment"].items()) if _is_of_variables(pin) else ():
        if os.environ.get(name) != value:
            return False, "%s is %s by the script's doing, not %r" % (name, _shown(os.environ, name), value)
    return None


def _shown(environment: Mapping[str, str], name: str) -> str:
    return repr(environment[name]) if name in environment else "not set"


def _is_of_variables(pin: Pin) -> bool:
    return str(pin["check"]).endswith(".variables")


BEGAN = dict(os.environ)
"""What this process began with, whatever its script does to `os.environ` later."""


def variables(_: str) -> Took:
    """The check of a pin of variables alone: in force when the process begins with them and the script leaves them."""
    return True, ""


def _function(name: str) -> Callable[[str], Any]:
    module, _, function = name.rpartition(".")
    __import__("reprobuild_inside." + module)
    return getattr(sys.modules["reprobuild_inside." + module], function)  # type: ignore[no-any-return]


def loaded_files(*parts: str) -> Iterator[str]:
    """Shared libraries of this process whose file names begin with one of `parts`, by path (proc(5))."""
    found = set()
    with open("/proc/self/maps") as stream:
        for line in stream:
            words = line.split(None, 5)
            path = words[5].strip() if len(words) == 6 else ""
            name = os.path.basename(path)
            if ".so" in name and name.startswith(parts):
                found.add(path)
    return iter(sorted(found))
