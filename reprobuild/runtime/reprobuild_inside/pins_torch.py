"""PyTorch on CPU: its own kernels, its thread pools, and the MKL that is linked into `libtorch_cpu.so`."""

import sys
from typing import Any, Optional, Tuple

from reprobuild_inside.pins import loaded_files

AVX2_STRICT = 10 | 0x10000
"""MKL_CBWR_AVX2 | MKL_CBWR_STRICT: one order of sums, whatever the number of threads (mkl_types.h)."""
BRANCH_AND_STRICT = -1
"""MKL_CBWR_ALL: ask for both."""
YES = bytes.fromhex("b801000000c3")  # mov eax, 1; ret
READ_EXECUTE, READ_WRITE_EXECUTE = 5, 7


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


def set_mkl_branch(_: str) -> None:
    """Let MKL take its kernels for AVX2 on every maker's CPU that has AVX2, before it has chosen any.

    It takes them on Intel's alone: on others it says so here, and its slowest kernels use approximations that differ
    between chips. The function that tells it the maker is replaced, as https://danieldk.eu/Posts/2020-08-31-MKL-Zen.html
    does with a preloaded library; this needs no file and reaches nothing but this process.
    """
    import ctypes

    library = _mkl()
    if library is None:
        raise LookupError("no MKL in libtorch_cpu.so")
    place = ctypes.cast(library.mkl_serv_intel_cpu_true, ctypes.c_void_p).value or 0
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    page = place & -4096
    size = place + len(YES) - page
    if protect(page, size, READ_WRITE_EXECUTE):
        raise OSError(ctypes.get_errno(), "the process may not change its code")
    ctypes.memmove(place, YES, len(YES))
    protect(page, size, READ_EXECUTE)
    # https://www.intel.com/content/www/us/en/docs/onemkl/developer-reference-c/2024-2/mkl-cbwr-set.html
    refused = library.mkl_serv_cbwr_set(AVX2_STRICT)
    if refused:
        raise ValueError("mkl_cbwr_set: %d: it has chosen already, or the CPU has no AVX2" % refused)


def mkl_branch(_: str) -> Optional[Tuple[bool, str]]:
    """Whether MKL computes with its kernels for AVX2, in one order of sums."""
    library = _mkl()
    if library is None:
        return None
    found = library.mkl_serv_cbwr_get(BRANCH_AND_STRICT)
    if found != AVX2_STRICT:
        return False, "MKL_CBWR is %#x, not %#x (AVX2, STRICT)" % (found, AVX2_STRICT)
    return True, "AVX2, STRICT"


def _mkl() -> Any:
    import ctypes

    for path in loaded_files("libtorch_cpu."):
        library = ctypes.CDLL(path)
        if hasattr(library, "mkl_serv_cbwr_set"):
            return library
    return None
