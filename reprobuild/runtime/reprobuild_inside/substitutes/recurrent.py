"""PyTorch's LSTM on CPU by its own matrix products and functions of one number instead of by oneDNN's layer.

oneDNN cuts a layer by the sizes of caches; qemu 7.2 also computes its code wrongly (outputs apart by 0.3).
"""

import os
import sys
import threading
import warnings
from typing import Any, Dict, List, Optional, Tuple

OPERATION, KEY = "aten::lstm.input", "CompositeImplicitAutograd"
DONE: Dict[str, Any] = {}
"""The library that holds the replacement, as long as the process lives."""


def replace(_: str) -> None:
    """Replace the operation of this process; its gradient is then that of its parts."""
    torch: Any = sys.modules["torch"]
    plain = torch.library.get_kernel(OPERATION, "CPU").call_boxed
    without = _WithoutOneDnn(torch)

    def lstm(keys: Any, *inputs: Any) -> Any:
        if not _would_be_onednns(torch, inputs[0]):
            return plain(keys, *inputs)
        if _is_regular(torch, *inputs):
            return _composed(torch, *inputs)
        with without:
            return plain(keys, *inputs)

    library = DONE["library"] = torch._C._dispatch_library("IMPL", "aten", "", __file__, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of every replacement
        library.impl(OPERATION[len("aten::") :], KEY, lstm, True)


def _would_be_onednns(torch: Any, value: Any) -> bool:
    return bool(value.device.type == "cpu" and value.dtype is not torch.float64 and value.numel() > 0)


def _is_regular(torch: Any, value: Any, hidden: List[Any], weights: List[Any], biases: bool, *options: Any) -> bool:
    """Whether no product in the layer could be oneDNN's, and its numbers are as many as they have to be."""
    layers, both = int(options[0]), bool(options[3])
    if torch.is_autocast_enabled("cpu") or torch._C._get_fp32_precision_getter("mkldnn", "matmul") in ("bf16", "tf32"):
        return False
    if any(each.dtype is not torch.float32 or each.device.type != "cpu" for each in (value, *hidden, *weights)):
        return False
    if len(hidden) != 2 or any(each.dim() != 3 or each.shape[0] != layers * (1 + both) for each in hidden):
        return False
    return len(weights) == layers * (1 + both) * _size(hidden, biases)


def _size(hidden: List[Any], biases: bool) -> int:
    """How many weights a direction of a layer has: two of products, as many biases, and that of a projection."""
    return 2 + 2 * biases + int(hidden[0].shape[2] != hidden[1].shape[2])


def _composed(
    torch: Any,
    value: Any,
    hidden: List[Any],
    weights: List[Any],
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    both: bool,
    batch_first: bool,
) -> Tuple[Any, Any, Any]:
    """The layers' outputs and last states, each operation in the order in which PyTorch's own composition has it.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    """
    rows, size = value.transpose(0, 1) if batch_first else value, _size(hidden, biases)
    states = list(zip(hidden[0].unbind(0), hidden[1].unbind(0)))
    for layer in range(layers):
        if dropout and train and layer:
            rows = torch.dropout(rows, dropout, True)
        outputs = []
        for place in range(layer * (1 + both), (layer + 1) * (1 + both)):
            given = weights[place * size : (place + 1) * size]
            backward = both and place % 2 == 1
            output, states[place] = _direction(torch, rows, states[place], given, biases, backward)
            outputs.append(output)
        rows = torch.cat(outputs, rows.dim() - 1) if both else outputs[0]
    if batch_first:
        rows.transpose_(0, 1)
    return rows, torch.stack([state[0] for state in states], 0), torch.stack([state[1] for state in states], 0)


def _direction(
    torch: Any, rows: Any, state: Tuple[Any, Any], weights: List[Any], biases: bool, backward: bool
) -> Tuple[Any, Tuple[Any, Any]]:
    """What one direction of a layer makes of all steps, and the state that it ends in."""
    linear = torch.nn.functional.linear
    of_rows, of_state = weights[2:4] if biases else (None, None)
    projection = weights[-1] if len(weights) % 2 else None
    steps = linear(rows, weights[0], of_rows).unbind(0)
    output, cell = state
    outputs = []
    for step in reversed(steps) if backward else steps:
        gates = linear(output, weights[1], of_state).add_(step).unsafe_chunk(4, 1)
        enter, forget, new, leave = gates[0].sigmoid_(), gates[1].sigmoid_(), gates[2].tanh_(), gates[3].sigmoid_()
        cell = (forget * cell).add_(enter * new)
        output = leave * cell.tanh()
        if projection is not None:
            output = torch.matmul(output, projection.t())
        outputs.append(output)
    return torch.stack(outputs[::-1] if backward else outputs, 0), (output, cell)


class _WithoutOneDnn:
    """oneDNN is left out of the whole process as long as any thread asks for that, and then as it was before.

    For numbers of which products could be oneDNN's too: float16 and bfloat16 on CPUs that have instructions for them.
    """

    def __init__(self, torch: Any) -> None:
        self.get, self.set = torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled
        self.lock, self.count, self.before = threading.RLock(), 0, False
        os.register_at_fork(after_in_child=self._begin_child)

    def __enter__(self) -> None:
        with self.lock:
            if not self.count:
                self.before = self.get()
                self.set(False)
            self.count += 1

    def __exit__(self, *_: Any) -> None:
        with self.lock:
            self.count -= 1
            if not self.count:
                self.set(self.before)

    def _begin_child(self) -> None:
        """The other threads are not here any more."""
        if self.count:
            self.set(self.before)
        self.lock, self.count = threading.RLock(), 0


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
