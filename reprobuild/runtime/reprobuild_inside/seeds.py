"""Seeds of the generators that a script uses, set when it imports them and before its next line."""

import os
import random
from typing import Any

from reprobuild_inside.found import FOUND
from reprobuild_inside.imports import after
from reprobuild_inside.settings import SEED, THREADS, number


def seed_python() -> None:
    """Seed `random` now, in every forked child, and each framework after its import."""
    random.seed(SEED)
    # Python seeds `random` from the machine's entropy in every forked child; this is registered later, so comes after.
    # https://github.com/python/cpython/blob/3.11/Lib/random.py (the end)
    os.register_at_fork(after_in_child=lambda: random.seed(SEED))
    FOUND["seeds"].update({"random": SEED, "PYTHONHASHSEED": number("PYTHONHASHSEED", None)})
    for name, action in (("numpy", _numpy), ("torch", _torch), ("tensorflow", _tensorflow), ("jax", _jax)):
        after(name, action)


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
