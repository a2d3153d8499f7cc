"""Runs in the image before the user's first line, in every Python process that a training starts.

Seeds the generators of what the script itself imports, when it imports it, and tells at the end what was in force. It
imports no framework, needs the standard library of Python 3.8 or later alone, and never ends a training: what it could
not do is told in the record.
"""

import atexit
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import sys
from typing import Any, Callable, Dict, Optional, Set

FOUND: Dict[str, Any] = {"seeds": {}, "switches": {}, "problems": [], "complete": False}


def _number(name: str, default: Optional[int]) -> Optional[int]:
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else default


SEED = _number("REPROBUILD_SEED", 0)
THREADS = _number("REPROBUILD_THREADS", 1)


def _numpy(module: Any) -> None:
    module.random.seed(SEED)
    FOUND["seeds"]["numpy"] = SEED


def _torch(module: Any) -> None:
    module.manual_seed(SEED)
    module.set_num_threads(THREADS)
    # Warn where an operation has no deterministic form: an error would end trainings that are reproducible enough.
    # https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
    module.use_deterministic_algorithms(True, warn_only=True)
    module.backends.cudnn.benchmark = False
    module.backends.cudnn.deterministic = True
    FOUND["seeds"]["torch"] = SEED


def _tensorflow(module: Any) -> None:
    module.random.set_seed(SEED)
    # https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism
    module.config.experimental.enable_op_determinism()
    module.config.threading.set_intra_op_parallelism_threads(THREADS)
    FOUND["seeds"]["tensorflow"] = SEED
    FOUND["switches"]["tf.config.experimental.enable_op_determinism"] = True


def _jax(module: Any) -> None:
    # JAX has no global generator: keys are made from seeds in the script. Only its switch can be set from outside.
    module.config.update("jax_threefry_partitionable", True)
    FOUND["switches"]["jax_threefry_partitionable"] = True


AFTER_IMPORT: Dict[str, Callable[[Any], None]] = {
    "numpy": _numpy,
    "torch": _torch,
    "tensorflow": _tensorflow,
    "jax": _jax,
}


class _Loader(importlib.abc.Loader):
    """The framework's own loader, and the seeding after it."""

    def __init__(self, loader: Any, after: Callable[[Any], None]) -> None:
        self.loader, self.after = loader, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        _FINDER.done.add(module.__name__)
        try:
            self.after(module)
        except Exception as error:  # any framework, any version: told in the record
            FOUND["problems"].append("%s: %s: %s" % (module.__name__, type(error).__name__, error))
        _tell()


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps the loader of a framework until the script's first import of it has succeeded.

    A script may look for a framework without importing it (`importlib.util.find_spec`), and may reload one.
    """

    def __init__(self) -> None:
        self.done: Set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        after = AFTER_IMPORT.get(name)
        if after is None or name in self.done:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                # A namespace package, perhaps a folder of that name, has no loader with code to run.
                if hasattr(spec.loader, "exec_module") and spec.origin is not None:
                    spec.loader = _Loader(spec.loader, after)
                return spec
        return None


_FINDER = _Finder()
# A script may replace its process by another Python (exec), which then is the main process.
_FIRST = os.environ.get("REPROBUILD_MAIN", str(os.getpid())) == str(os.getpid())
_MAIN = os.getpid() if _FIRST and "REPROBUILD_FOUND" in os.environ else 0


def _tell() -> None:
    """Write what is known so far, in case that this process does not end by itself."""
    if os.getpid() != _MAIN:  # a child, forked or started, is not the training's main process
        return
    import json

    # A process has its own file, complete or not there; the reader takes the process that computed longest.
    target = os.path.join(os.environ["REPROBUILD_FOUND"], "%08d.json" % _MAIN)
    FOUND["cpu_seconds"] = sum(os.times()[:4])
    try:
        with open(target + ".part", "w") as stream:
            json.dump(FOUND, stream, sort_keys=True, allow_nan=False)
        os.replace(target + ".part", target)
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write("reprobuild: cannot tell what was in force: %s\n" % error)


def _report() -> None:
    if os.getpid() != _MAIN:
        return
    import reprobuild_survey

    FOUND.update(reprobuild_survey.survey(FOUND["problems"]))
    FOUND["seeds"].update(reprobuild_survey.seeds())
    FOUND["switches"].update(reprobuild_survey.switches())
    FOUND["complete"] = True
    _tell()


def _next_sitecustomize() -> None:
    """The distribution's or user's own sitecustomize, which this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


random.seed(SEED)
# Python seeds `random` from the machine's entropy in every forked child; this is registered later and so comes after.
# https://github.com/python/cpython/blob/3.11/Lib/random.py (the end)
os.register_at_fork(after_in_child=lambda: random.seed(SEED))
FOUND["seeds"].update({"random": SEED, "PYTHONHASHSEED": _number("PYTHONHASHSEED", None)})
sys.meta_path.insert(0, _FINDER)
if _MAIN:
    os.environ["REPROBUILD_MAIN"] = str(_MAIN)
    atexit.register(_report)
    _tell()
_next_sitecustomize()
