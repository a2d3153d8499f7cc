"""The whole battery: which libraries there are, what each computes, and how long that took."""

import os
import platform
from typing import Any, Dict, Iterable, Iterator

from . import VERSION
from .battery import Case, cases
from .children import Battery, Teller, Told, run_apart

WAITING = {"OMP_WAIT_POLICY": "passive", "OPENBLAS_THREAD_TIMEOUT": "4"}
"""Threads that wait for others sleep rather than spin: a busy machine takes a tenth of the time, and no bit changes.

https://gcc.gnu.org/onlinedocs/libgomp/OMP_005fWAIT_005fPOLICY.html,
https://www.openmathlib.org/OpenBLAS/docs/runtime_variables/
"""
LIBRARIES = ("libm", "math", "numpy", "scipy", "torch")


def probe(libraries: Iterable[str]) -> Dict[str, Any]:
    """JSON values; of libraries that are not there nothing is said, and of those that do not load, why."""
    for variable, value in WAITING.items():
        os.environ.setdefault(variable, value)
    told = Told()
    cpu = _cpu(told)
    for name in libraries:
        run_apart(name, _battery(name), told)
    return {
        "probe": VERSION,
        "python": platform.python_version(),
        "libraries": told.versions,
        "cpu": cpu,
        "operations": told.operations,
        "problems": ["%s: %s" % item for item in sorted(told.problems.items())],
        "seconds": {name: round(seconds, 3) for name, seconds in told.seconds.items()},
    }


def _cpu(told: Told) -> Dict[str, Any]:
    """What the processor tells of itself, emulated or not."""
    try:
        from reprobuild_inside.cpu import read_cpu

        return read_cpu()
    except Exception as error:  # no memory that may be executed, no ctypes
        told.problems["cpu"] = "%s: %s" % (type(error).__name__, error)
        return {}


def _battery(library: str) -> Battery:
    parts = {"libm": _libm, "math": _math, "numpy": _numpy, "scipy": _scipy, "torch": _torch}

    def run(teller: Teller) -> Iterator[Case]:
        try:
            yield from parts[library](teller)
        except ModuleNotFoundError as error:
            if error.name != library:
                teller.tell("problem", library, str(error))
        except Exception as error:  # any library, any version
            teller.tell("problem", library, "%s: %s" % (type(error).__name__, error))

    return run


def _libm(teller: Teller) -> Iterator[Case]:
    from . import of_libm

    teller.tell("version", "libm", " ".join(platform.libc_ver()))
    yield from cases("libm", of_libm.ROWS, of_libm.Library())
    teller.elapsed("libm")


def _math(teller: Teller) -> Iterator[Case]:
    from . import of_math

    teller.tell("version", "math", platform.python_version())
    yield from cases("math", of_math.ROWS, None)
    teller.elapsed("math")


def _numpy(teller: Teller) -> Iterator[Case]:
    import numpy

    from . import of_numpy

    teller.tell("version", "numpy", str(numpy.__version__))
    teller.elapsed("numpy.import")
    yield from cases("numpy", of_numpy.ROWS, of_numpy.Context(numpy))
    teller.elapsed("numpy")


def _scipy(teller: Teller) -> Iterator[Case]:
    import numpy
    import scipy

    from . import of_scipy

    context = of_scipy.Context(numpy)
    context.load()
    teller.tell("version", "scipy", str(scipy.__version__))
    teller.elapsed("scipy.import")
    yield from cases("scipy", of_scipy.ROWS, context)
    teller.elapsed("scipy")


def _torch(teller: Teller) -> Iterator[Case]:
    import torch

    from . import of_torch

    of_torch.load(torch)
    rows = of_torch.rows()
    teller.tell("version", "torch", str(torch.__version__))
    teller.elapsed("torch.import")
    for device in of_torch.devices(torch):
        name = "torch" if device == "cpu" else "torch.%s" % device.replace(":", "")
        yield from cases(name, rows, of_torch.Context(torch, device))
        teller.elapsed(name)
