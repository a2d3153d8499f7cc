"""PyTorch on CPU: its own kernels, its thread pools, and the MKL that is linked into `libtorch_cpu.so`."""

import sys
from typing import Any, Optional, Tuple

from reprobuild_inside.pins import loaded_files

BRANCH, COMPATIBLE = 1, 3
"""MKL_CBWR_BRANCH and MKL_CBWR_COMPATIBLE, as mkl_cbwr_get takes and gives them.

https://www.intel.com/content/www/us/en/docs/onemkl/developer-reference-c/2024-2/mkl-cbwr-get.html
"""


def capability(value: str) -> Optional[Tuple[bool, str]]:
    """Whether ATen computes with the kernels that were asked for."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    found = str(torch.backends.cpu.get_cpu_capability())
    return found == value, "ATen computes with %s" % found


def set_threads(value: str) -> None:
    """As many threads as asked for, more than there are processors too; between operations one."""
    torch: Any = sys.modules["torch"]
    torch.set_num_threads(int(value))


def threads(value: str) -> Optional[Tuple[bool, str]]:
    """Whether an operation is split among that many threads."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    found = str(torch.get_num_threads())
    return found == value, "%s threads" % found


def set_nnpack(_: str) -> None:
    """Leave NNPACK, which chooses by sizes of caches, out of convolutions."""
    torch: Any = sys.modules["torch"]
    torch.backends.nnpack.set_flags(False)


def nnpack(_: str) -> Optional[Tuple[bool, str]]:
    """Whether NNPACK stays out of convolutions."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    used = torch._C._get_nnpack_enabled()
    return not used, "NNPACK is %s" % ("used" if used else "left out")


def mkl_branch(_: str) -> Optional[Tuple[bool, str]]:
    """Whether MKL computes in the branch that all makers' CPUs have."""
    library = _mkl()
    if library is None:
        return None
    found = library.mkl_serv_cbwr_get(BRANCH)
    return found == COMPATIBLE, "MKL_CBWR is %d (COMPATIBLE is %d)" % (found, COMPATIBLE)


def _mkl() -> Any:
    import ctypes

    for path in loaded_files("libtorch_cpu."):
        library = ctypes.CDLL(path)
        if hasattr(library, "mkl_serv_cbwr_get"):
            return library
    return None
