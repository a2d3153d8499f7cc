"""Intel's MKL as a library of its own, which builds of NumPy and SciPy share; PyTorch's wheels have one linked in."""

import ctypes
from typing import Optional, Tuple

from reprobuild_inside.pins import loaded_files

BRANCH, COMPATIBLE = 1, 3
"""MKL_CBWR_BRANCH and MKL_CBWR_COMPATIBLE of mkl_types.h."""


def branch(_: str) -> Optional[Tuple[bool, str]]:
    """Whether MKL computes by the branch that every CPU has; None where no MKL is loaded as a library."""
    for path in loaded_files("libmkl_rt"):
        found = ctypes.CDLL(path).MKL_CBWR_Get(BRANCH)
        return found == COMPATIBLE, "branch %d, wanted %d" % (found, COMPATIBLE)
    return None
