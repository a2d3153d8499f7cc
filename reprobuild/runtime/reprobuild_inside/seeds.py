"""Seeds of the generators that a script uses, set when it imports them and before its next line.

What is made from the machine's entropy otherwise (`random.Random()`, `numpy.random.default_rng()`, `torch.seed()`) is
made from this process's seed and a count: two calls give two streams, and each run the same two. `uuid`, `secrets`,
`tempfile` and `os.urandom` are left alone, because what they make must stay unique.
"""

import os
import random
import sys
from typing import Any, Set

from reprobuild_inside import own_seeds
from reprobuild_inside.found import FOUND
from reprobuild_inside.imports import after
from reprobuild_inside.lineage import HERE, PLAIN_SEED, Counts, Lineage
from reprobuild_inside.notes import short
from reprobuild_inside.settings import THREADS, number

UNIQUE = ("tempfile", "secrets", "uuid")
"""Modules of the standard library whose generators are never seeded."""
_DRAWN = Counts()
_SET: Set[str] = set()
"""Generators that have been seeded here, the script's own seeds aside."""


def seed_python() -> None:
    """Seed `random` now, in every forked child, and each framework after its import."""
    random.Random.seed = _random_seed  # type: ignore[method-assign]
    random.seed = random._inst.seed
    PLAIN_SEED(random._inst, HERE.lineage.seed())
    # Python seeds `random` from the machine's entropy in every forked child; this is registered later, so comes after.
    # https://github.com/python/cpython/blob/3.11/Lib/random.py (the end)
    os.register_at_fork(before=HERE.before_fork, after_in_child=_seed_forked)
    FOUND["seeds"].update({"random": HERE.lineage.seed(), "PYTHONHASHSEED": number("PYTHONHASHSEED", None)})
    for name, action in (
        ("numpy", _numpy),
        ("torch", _torch),
        ("torch._inductor.config", _inductor),
        ("tensorflow", _tensorflow),
        ("jax", _jax),
        ("cupy", _cupy),
        ("sklearn.utils.validation", own_seeds.watch_scikit_learn),
    ):
        after(name, action)


def draw(purpose: str, size: int) -> int:
    """Bits in the place of the machine's entropy: others at each call, and the same ones in each run."""
    return HERE.lineage.bits(purpose, _DRAWN.next(purpose), size)


def _random_seed(self: random.Random, a: Any = None, version: int = 2) -> None:
    """As random.Random.seed, with a derived seed where none is given.

    https://docs.python.org/3/library/random.html#random.seed
    """
    if a is not None:
        PLAIN_SEED(self, a, version)
        if self is random._inst:
            own_seeds.seen("random.seed", a)
            own_seeds.LIBRARIES.add("random")
            FOUND["seeds"]["random"] = short(a)
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") == "random":
        frame = frame.f_back
    unique = frame.f_globals.get("__name__") in UNIQUE
    PLAIN_SEED(self, None if unique else draw("random", 256), version)


_random_seed.__name__, _random_seed.__qualname__, _random_seed.__module__ = "seed", "Random.seed", "random"


def _seed_forked() -> None:
    """Seed a forked child's generators, which would be its parent's once more."""
    own_seeds.LIBRARIES.discard("random")  # Python does not hand it on to a forked child
    become(HERE.forked())


def become(lineage: Lineage) -> None:
    """Go on as another process of the run would: with other seeds, where the script did not set its own."""
    global _DRAWN  # in a forked child, another thread may have held its lock
    HERE.become(lineage)
    _DRAWN = Counts()
    seed = lineage.seed()
    if "random" not in own_seeds.LIBRARIES:
        PLAIN_SEED(random._inst, seed)
        FOUND["seeds"]["random"] = seed
    if "numpy" in _SET and "numpy" not in own_seeds.LIBRARIES:
        own_seeds.PLAIN["numpy"](seed)
        FOUND["seeds"]["numpy"] = seed
    if "torch" in _SET and "torch" not in own_seeds.LIBRARIES:
        # Of the CPU alone: a device must not be touched after a fork.
        sys.modules["torch"].default_generator.manual_seed(seed)
        FOUND["seeds"]["torch"] = seed
    if "cupy" in _SET:
        _set_cupy()


def _numpy(module: Any) -> None:
    module.random.seed(HERE.lineage.seed())
    FOUND["seeds"]["numpy"] = HERE.lineage.seed()
    _SET.add("numpy")
    own_seeds.watch_numpy(module)
    # Every generator that is made without a seed asks SeedSequence, and it asks this function, found by its name at
    # each call: RandomState, the bit generators and default_rng stay the types that they are.
    # https://github.com/numpy/numpy/blob/v2.4.0/numpy/random/bit_generator.pyx (SeedSequence.__init__)
    module.random.bit_generator.randbits = lambda size: draw("numpy", size)
    module.random.SeedSequence()
    if "numpy" not in _DRAWN.counters:
        raise RuntimeError("generators that are made without a seed cannot be seeded in this version")


def _torch(module: Any) -> None:
    module.manual_seed(HERE.lineage.seed())
    module.set_num_threads(THREADS)
    # Warn where an operation has no deterministic form: an error would end trainings that are reproducible enough.
    # `use_deterministic_algorithms` imports a compiler to tell it too, which takes seconds: see `_inductor`.
    # https://docs.pytorch.org/docs/stable/generated/torch.set_deterministic_debug_mode.html
    module.set_deterministic_debug_mode("warn")
    module.backends.cudnn.benchmark = False
    module.backends.cudnn.deterministic = True
    FOUND["seeds"]["torch"] = HERE.lineage.seed()
    _SET.add("torch")
    plain = module.manual_seed

    def seed() -> int:
        drawn = draw("torch", 63)
        plain(drawn)
        return drawn

    own_seeds.watch_torch(module, seed)


def _inductor(module: Any) -> None:
    # The compiler's part of torch.use_deterministic_algorithms, in versions where it has one.
    # https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
    if hasattr(module, "deterministic"):
        module.deterministic = sys.modules["torch"].are_deterministic_algorithms_enabled()


def _tensorflow(module: Any) -> None:
    module.random.set_seed(HERE.lineage.seed())
    # https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism
    module.config.experimental.enable_op_determinism()
    module.config.threading.set_intra_op_parallelism_threads(THREADS)
    FOUND["seeds"]["tensorflow"] = HERE.lineage.seed()
    FOUND["switches"]["tf.config.experimental.enable_op_determinism"] = True
    own_seeds.watch("set_seed", "tensorflow.random.set_seed", module.random)


def _jax(module: Any) -> None:
    # JAX has no global generator: keys are made from seeds in the script. Only its switch can be set from outside.
    module.config.update("jax_threefry_partitionable", True)
    FOUND["switches"]["jax_threefry_partitionable"] = True
    for name in ("key", "PRNGKey"):
        own_seeds.watch(name, "jax.random." + name, getattr(module, "random", None))


def _cupy(module: Any) -> None:
    # CuPy reads CUPY_SEED when a device's generator is first used; seeding now would take memory of an unused GPU.
    # https://docs.cupy.dev/en/stable/reference/environment.html
    _set_cupy()
    _SET.add("cupy")
    own_seeds.watch("seed", "cupy.random.seed", getattr(module, "random", None))


def _set_cupy() -> None:
    """Unless the variable is the user's own: one that a parent's runtime set is that parent's seed."""
    given = os.environ.get("CUPY_SEED")
    if given is None or given == os.environ.get("REPROBUILD_CUPY_SEED"):
        os.environ["CUPY_SEED"] = os.environ["REPROBUILD_CUPY_SEED"] = str(HERE.lineage.seed())
    FOUND["seeds"]["cupy"] = number("CUPY_SEED", None)
