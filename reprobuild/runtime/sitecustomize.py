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
from typing import Any, Callable, Dict, Optional

FOUND: Dict[str, Any] = {"seeds": {}, "switches": {}, "problems": []}


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
    FOUND["switches"].update(
        {
            "torch.use_deterministic_algorithms": "warn_only",
            "torch.backends.cudnn.benchmark": False,
            "torch.backends.cudnn.deterministic": True,
        }
    )


def _tensorflow(module: Any) -> None:
    module.random.set_seed(SEED)
    # https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism
    module.config.experimental.enable_op_determinism()
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

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        try:
            self.after(module)
        except Exception as error:  # any framework, any version: told in the record
            FOUND["problems"].append("%s: %s: %s" % (module.__name__, type(error).__name__, error))


class _Finder(importlib.abc.MetaPathFinder):
    """Notices the first import of a framework by the script."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        after = AFTER_IMPORT.pop(name, None)
        if after is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, after)
        return spec


def _report() -> None:
    import json

    import reprobuild_survey

    FOUND.update(reprobuild_survey.survey())
    # A process has its own file, complete or not there: the reader takes the first process that finished.
    target = os.path.join(os.environ["REPROBUILD_FOUND"], "%08d.json" % os.getpid())
    with open(target + ".part", "w") as stream:
        json.dump(FOUND, stream, sort_keys=True, allow_nan=False)
    os.replace(target + ".part", target)


def _main() -> None:
    random.seed(SEED)
    FOUND["seeds"]["random"] = SEED
    FOUND["seeds"]["PYTHONHASHSEED"] = _number("PYTHONHASHSEED", None)
    sys.meta_path.insert(0, _Finder())
    if "REPROBUILD_FOUND" in os.environ and os.environ.get("REPROBUILD_MAIN") is None:
        os.environ["REPROBUILD_MAIN"] = str(os.getpid())
        main = os.getpid()
        atexit.register(lambda: _report() if os.getpid() == main else None)


def _next_sitecustomize() -> None:
    """The distribution's or user's own sitecustomize, which this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


_main()
_next_sitecustomize()
