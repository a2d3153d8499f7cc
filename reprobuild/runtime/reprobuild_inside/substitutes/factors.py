"""Cholesky's factor of small matrices in float32 on CPU by that in float64, rounded.

MKL has its own code for up to 16 rows, which begins with RSQRTSS, an approximation that chips have differently.
"""

import sys
import warnings
from typing import Any, Dict, Optional, Tuple

SMALL = 16
DONE: Dict[str, Any] = {}
"""The library that holds the replacement, as long as the process lives."""


def replace(_: str) -> None:
    """Replace the kernels of this process; the gradient above them does not change."""
    torch: Any = sys.modules["torch"]
    made = torch.library.get_kernel("aten::linalg_cholesky_ex", "CPU").call_boxed
    into = torch.library.get_kernel("aten::linalg_cholesky_ex.L", "CPU").call_boxed
    older = torch.library.get_kernel("aten::cholesky", "CPU").call_boxed

    def is_small(value: Any) -> bool:
        return value.dtype is torch.float32 and value.dim() >= 2 and value.shape[-1] <= SMALL

    def rounded(factor: Any) -> Any:
        return torch.empty_strided(factor.shape, factor.stride(), dtype=torch.float32).copy_(factor)

    def of_value(keys: Any, value: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
        if not is_small(value):
            return made(keys, value, upper=upper, check_errors=check_errors)
        factor, told = made(keys, value.double(), upper=upper, check_errors=check_errors)
        return rounded(factor), told

    # The names of the arguments are PyTorch's.
    def into_given(keys: Any, value: Any, *, upper: bool = False, check_errors: bool = False, L: Any, info: Any) -> Any:
        into(keys, value, upper=upper, check_errors=check_errors, L=L, info=info)
        if is_small(value):
            L.copy_(of_value(keys, value, upper=upper, check_errors=check_errors)[0])
        return L, info

    def by_the_old_name(keys: Any, value: Any, upper: bool = False) -> Any:  # the form with `out` calls this one
        return rounded(older(keys, value.double(), upper)) if is_small(value) else older(keys, value, upper)

    library = DONE["library"] = torch._C._dispatch_library("IMPL", "aten", "CPU", __file__, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of every replacement
        library.impl("linalg_cholesky_ex", "CPU", of_value, True)
        library.impl("linalg_cholesky_ex.L", "CPU", into_given, True)
        library.impl("cholesky", "CPU", by_the_old_name, True)


def replaced(_: str) -> Optional[Tuple[bool, str]]:
    """Whether a small factor in float32 is the one in float64, rounded."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    steps = torch.arange(8, dtype=torch.float32)
    value = torch.eye(8) * 9 + steps[:, None] * steps / 7
    same = torch.equal(torch.linalg.cholesky(value), torch.linalg.cholesky(value.double()).float())
    return bool(same and "library" in DONE), "linalg.cholesky"
