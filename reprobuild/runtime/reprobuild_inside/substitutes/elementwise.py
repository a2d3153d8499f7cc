"""PyTorch's functions of one number on CPU by NumPy's, where MKL's begin with an approximation by the CPU.

RCPPS and RSQRTPS promise a relative error below 1.5 * 2**-12 and no bits (Intel SDM, volume 2), so chips have them
differently. NumPy takes the square root of IEEE 754 from the CPU and the rest from the C library, without them.
Autograd, `vmap`, scripted modules and fake tensors are above the kernels that are replaced here and do not change.
"""

import sys
import warnings
from typing import Any, Callable, Dict, List, Optional, Tuple

NAMES = {
    "sqrt": "sqrt",
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "tan": "tan",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
}
"""PyTorch's name to NumPy's."""
Kernel = Callable[..., Any]
DONE: Dict[str, Any] = {}
"""The library that holds the replacements, as long as the process lives."""


def replace(_: str) -> None:
    """Replace the kernels of this process."""
    torch, numpy = sys.modules["torch"], __import__("numpy")
    kernels: Dict[str, Kernel] = {}
    for name, function in NAMES.items():
        kernels.update(_kernels(torch, numpy, name, getattr(numpy, function)))
    kernels.update(_powers(torch))
    # What torch.library.Library is made of: the class itself gives its kernels back before Python ends.
    library = DONE["library"] = torch._C._dispatch_library("IMPL", "aten", "CPU", __file__, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of every replacement
        for overload, kernel in kernels.items():
            library.impl(overload[len("aten::") :], "CPU", kernel, True)


def replaced(_: str) -> Optional[Tuple[bool, str]]:
    """Whether a call of each arrives at NumPy's."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    numpy = __import__("numpy")
    wrong: List[str] = []
    for dtype in (torch.float32, torch.float64):
        number = torch.arange(1, 33, dtype=dtype) / 33
        for name, function in sorted(NAMES.items()):
            with numpy.errstate(all="ignore"):
                if not numpy.array_equal(
                    getattr(torch, name)(number).numpy(), getattr(numpy, function)(number.numpy())
                ):
                    wrong.append("%s of %s" % (name, dtype))
    return not wrong and "library" in DONE, ", ".join(wrong) or ", ".join(sorted([*NAMES, "pow"]))


def _kernels(torch: Any, numpy: Any, name: str, function: Any) -> Dict[str, Kernel]:
    """The three overloads of a function: of a value, in place, and into a given tensor."""
    overloads = ("aten::" + name, "aten::%s_" % name, "aten::%s.out" % name)
    made, in_place, into = (torch.library.get_kernel(overload, "CPU").call_boxed for overload in overloads)
    compute = _computing(numpy, function)

    def of_value(keys: Any, value: Any) -> Any:
        if value.dtype not in (torch.float32, torch.float64):
            return made(keys, value)
        return compute(value, torch.empty_like(value))

    def of_itself(keys: Any, value: Any) -> Any:
        if value.dtype not in (torch.float32, torch.float64) or torch._debug_has_internal_overlap(value):
            return in_place(keys, value)  # which refuses numbers that lie in one another's place
        return compute(value, value)

    def into_given(keys: Any, value: Any, *, out: Any) -> Any:
        if value.dtype not in (torch.float32, torch.float64):
            return into(keys, value, out=out)
        result = compute(value, torch.empty_like(value))
        if out.dtype != value.dtype or out.shape != value.shape or torch._debug_has_internal_overlap(out):
            into(keys, value, out=out)  # which resizes and refuses as PyTorch does
        return out.copy_(result)

    return dict(zip(overloads, (of_value, of_itself, into_given)))


def _powers(torch: Any) -> Dict[str, Kernel]:
    """A power with the exponent 1/2 is PyTorch's square root, by a way that does not pass its replacement."""
    overloads = ("aten::pow.Tensor_Scalar", "aten::pow_.Scalar", "aten::pow.Tensor_Scalar_out")
    made, in_place, into = (torch.library.get_kernel(overload, "CPU").call_boxed for overload in overloads)

    def is_root(value: Any, exponent: Any) -> bool:
        return bool(exponent == 0.5) and value.dtype in (torch.float32, torch.float64)

    def of_value(keys: Any, value: Any, exponent: Any) -> Any:
        return torch.sqrt(value) if is_root(value, exponent) else made(keys, value, exponent)

    def of_itself(keys: Any, value: Any, exponent: Any) -> Any:
        return value.sqrt_() if is_root(value, exponent) else in_place(keys, value, exponent)

    def into_given(keys: Any, value: Any, exponent: Any, *, out: Any) -> Any:
        return torch.sqrt(value, out=out) if is_root(value, exponent) else into(keys, value, exponent, out=out)

    return dict(zip(overloads, (of_value, of_itself, into_given)))


def _computing(numpy: Any, function: Any) -> Callable[[Any, Any], Any]:
    def compute(value: Any, out: Any) -> Any:
        with numpy.errstate(all="ignore"):  # PyTorch is silent of square roots of negative numbers
            function(value.detach().numpy(), out=out.detach().numpy())
        return out

    return compute
