"""Seeds that a script sets itself: they win, and the record says where they came from."""

import sys
import time
from types import FrameType
from typing import Any, Callable, Dict, Optional, Set

from reprobuild_inside import notes
from reprobuild_inside.found import FOUND, problem
from reprobuild_inside.notes import short
from reprobuild_inside.wrapping import wrap

LIBRARIES: Set[str] = set()
"""Whose global generator has the script's own seed."""
PLAIN: Dict[str, Callable[..., Any]] = {}
"""How a library's global generator is seeded without a word about it."""
FRAMEWORKS_OWN = ("torch.utils.data._utils.worker",)
"""Modules that seed a worker themselves, by what their generator in the main process drew."""
DAY = 86400.0
STARTED = time.time()


def seen(what: str, value: object, depth: int = 2) -> bool:
    """Keep that a seed was given, and where in the script's own code; False when a framework gives it to a worker."""
    if sys._getframe(depth).f_globals.get("__name__") in FRAMEWORKS_OWN:
        return False
    try:
        frame = notes.user(depth)
        notes.note_place("own_seeds", what, frame, value=short(value))
        if is_clock(value, time.time()):
            notes.note_place("unseeded", "the clock as a seed of " + what, frame)
    except Exception as error:  # whatever was given: the script has seeded
        problem("own_seeds", error)
    return True


def is_clock(value: object, now: float) -> bool:
    """True for a number of seconds, milli-, micro- or nanoseconds that the clock showed within the last day.

    Milliseconds are often taken modulo 2**32, because NumPy allows no larger seed.
    """
    if not isinstance(value, (int, float)) or not 10**6 <= value < 2**63:
        return False
    if any(now - DAY < value / scale <= now + 1 for scale in (1.0, 1e3, 1e6, 1e9)):
        return True
    first = max(STARTED, now - 60) * 1e3
    return isinstance(value, int) and (value - int(first)) % 2**32 <= now * 1e3 - first


def watch(name: str, what: str, *modules: Any, library: str = "") -> None:
    """Keep what is given as first argument to a function, if a seed is; it may be that of a library's generator."""

    def make(original: Any) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            value = args[0] if args else kwargs.get("seed")
            # default_rng takes generators and their sources too; an object of the script's is not asked itself.
            kind = type(value)
            if value is not None and not hasattr(kind, "bit_generator") and not hasattr(kind, "generate_state"):
                if seen(what, value) and library:
                    LIBRARIES.add(library)
                    FOUND["seeds"][library] = short(value)
            return made

        return function

    wrap(name, make, *modules)


def watch_numpy(module: Any) -> None:
    PLAIN["numpy"] = module.random.seed
    watch("seed", "numpy.random.seed", module.random, library="numpy")
    watch("default_rng", "numpy.random.default_rng", module.random)


def watch_torch(module: Any, seed: Callable[[], int]) -> None:
    """Watch PyTorch's seed; `seed` takes the place of torch.seed, which asks the machine."""
    plain = module.manual_seed, getattr(module, "seed", None)
    wrap("seed", lambda _: seed, module, getattr(module, "random", None))
    watch("manual_seed", "torch.manual_seed", module, getattr(module, "random", None), library="torch")
    # torch.jit.script knows functions by their identity.
    known = getattr(getattr(getattr(module, "jit", None), "_builtins", None), "_builtin_table", None) or {}
    for original, wrapper in zip(plain, (module.manual_seed, getattr(module, "seed", None))):
        if id(original) in known:
            known[id(wrapper)] = known[id(original)]


def watch_scikit_learn(validation: Any) -> None:
    """scikit-learn's estimators ask this function; without a seed it takes NumPy's global generator.

    https://scikit-learn.org/stable/glossary.html#term-random_state
    """

    def make(original: Any) -> Callable[..., Any]:
        def check_random_state(seed: Any) -> Any:
            if isinstance(seed, int) and len(FOUND["own_seeds"]) < notes.MOST and not _drawn(sys._getframe(2)):
                seen("random_state", seed)
            return original(seed)

        return check_random_state

    wrap("check_random_state", make, validation)


def _drawn(frame: Optional[FrameType]) -> bool:
    """True below an ensemble, which draws a seed for each of its members."""
    while frame is not None and not notes.own_file(frame):
        if str(frame.f_globals.get("__name__")).startswith("sklearn.ensemble"):
            return True
        frame = frame.f_back
    return False
