"""PyTorch's LSTM on CPU by its own matrix products and functions of one number instead of by oneDNN's layer.

oneDNN cuts a layer by the sizes of caches; qemu 7.2 also computes its code wrongly (outputs apart by 0.3).
"""

import sys
import warnings
from typing import Any, Dict, Optional, Tuple

OPERATION, KEY = "aten::lstm.input", "CompositeImplicitAutograd"
DONE: Dict[str, Any] = {}
"""The library that holds the replacement, as long as the process lives."""


def replace(_: str) -> None:
    """Replace the operation of this process; its gradient is then that of its parts."""
    torch = sys.modules["torch"]
    plain = torch.library.get_kernel(OPERATION, "CPU").call_boxed

    def lstm(keys: Any, *inputs: Any) -> Any:
        enabled = torch._C._get_mkldnn_enabled()
        torch._C._set_mkldnn_enabled(False)
        try:
            return plain(keys, *inputs)
        finally:
            torch._C._set_mkldnn_enabled(enabled)

    library = DONE["library"] = torch._C._dispatch_library("IMPL", "aten", "", __file__, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of every replacement
        library.impl(OPERATION[len("aten::") :], KEY, lstm, True)


def replaced(_: str) -> Optional[Tuple[bool, str]]:
    """Whether a layer's gradient comes from its parts."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    with torch.enable_grad():
        ones = torch.ones(8, 2, requires_grad=True)
        output, _, _ = torch.lstm(
            torch.ones(1, 1, 2), (torch.ones(1, 1, 2),) * 2, [ones, ones], False, 1, 0.0, False, False, False
        )
    names, left = set(), [output.grad_fn]
    while left:
        node = left.pop()
        names.add(type(node).__name__)
        left += [parent for parent, _ in node.next_functions if parent is not None]
    return not any("Mkldnn" in name for name in names), ", ".join(sorted(names))
