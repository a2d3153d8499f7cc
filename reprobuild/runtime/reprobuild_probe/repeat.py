"""`python -m reprobuild_probe.repeat FILE OUTPUT`: calls that signatures describe, made again with integers' inputs.

The file holds `{"signatures": […], "settings": {…}, "seconds": …}` as `reprobuild_inside.signatures` tells them; what
comes back has a digest or an error for each signature in its order. A file may come from anyone: what is too
large is left out, and so is what remains when the time is over.
"""

import importlib
import json
import sys
import time
import warnings
from typing import Any, Dict, Iterator, List

from reprobuild_probe.numbers import Numbers
from reprobuild_probe.parts import Parts

NO_TIME = "no time was left"
SECONDS = 60.0
"""CPU time of all calls together, unless the file says so; what is left then is told as an error."""
LARGEST = 1 << 25
"""Elements of a call's inputs together, with the gaps that their strides leave."""
MEMORY = 8 << 30
"""Bytes that this process may reserve beyond what PyTorch's import has."""
ENOUGH, MOST = 2048, 16
"""Calls of a signature are made until so many numbers came out, with other inputs each: a sum of many is only one."""
SEED = 20260101
APART = 100
"""Salts of one call; the inputs of the next have others."""


class TooLarge(Exception):
    """Inputs that no machine should be asked for."""


def repeat(torch: Any, asked: Dict[str, Any]) -> Dict[str, Any]:
    """A result for each signature, with a digest or an error, and the pins that took in this process."""
    _set(torch, asked.get("settings", {}))
    until = time.process_time() + float(asked.get("seconds", SECONDS))
    numbers = Numbers(torch)
    results = [_attempt(torch, numbers, signature, until) for signature in asked["signatures"]]
    inside = sys.modules.get("reprobuild_inside.found")
    return {"results": results, "pins": inside.FOUND.get("pins", {}) if inside is not None else {}}


def _set(torch: Any, settings: Dict[str, Any]) -> None:
    """What the script had set when it ended."""
    if isinstance(settings.get("threads"), int):
        torch.set_num_threads(max(1, min(1024, settings["threads"])))
    torch.set_deterministic_debug_mode("warn" if settings.get("deterministic", True) else "default")
    if settings.get("matmul_precision") in ("highest", "high", "medium"):
        torch.set_float32_matmul_precision(settings["matmul_precision"])
    if "mkldnn" in settings:
        torch.backends.mkldnn.enabled = bool(settings["mkldnn"])
    for name in ("benchmark", "deterministic", "allow_tf32"):
        if name in settings.get("cudnn", {}):
            setattr(torch.backends.cudnn, name, bool(settings["cudnn"][name]))


def _attempt(torch: Any, numbers: Numbers, signature: Dict[str, Any], until: float) -> Any:
    if time.process_time() > until:
        return {"error": NO_TIME}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _result(torch, numbers, signature)
        except TooLarge as error:
            return {"error": "too large: %s" % error}
        except Exception as error:  # any operation, any version
            return {"error": "%s: %s" % (type(error).__name__, " ".join(str(error).split())[:160])}


def _result(torch: Any, numbers: Numbers, signature: Dict[str, Any]) -> Dict[str, Any]:
    operation = _find(torch, signature["operation"])
    elements = sum(_elements(value) for value in _tensors([signature["inputs"], signature["options"]]))
    if elements > LARGEST:
        raise TooLarge("%d elements" % elements)
    parts = Parts(torch)
    turn = 0
    while turn < MOST and parts.count < ENOUGH:
        torch.manual_seed(SEED + turn)
        makes = _Makes(torch, numbers, turn * APART)
        args = [makes.value(value) for value in signature["inputs"]]
        options = {name: makes.value(value) for name, value in signature["options"].items()}
        with torch.no_grad():
            result = operation(*args, **options)
        parts.add([result, *_written(operation, args, options)])
        turn += 1
        if not makes.salted and not _draws(operation):
            break
    return {"digest": parts.digest(), "values": parts.count // turn, "turns": turn}


def _find(torch: Any, title: str) -> Any:
    """The operation of a title such as `aten::add.Tensor`."""
    space, _, rest = title.partition("::")
    name, _, overload = rest.partition(".")
    return getattr(getattr(getattr(torch.ops, space), name), overload)


def _draws(operation: Any) -> bool:
    """Whether it takes random numbers, which are others in each call."""
    return any(str(tag).endswith("nondeterministic_seeded") for tag in operation.tags)


def _written(operation: Any, args: List[Any], options: Dict[str, Any]) -> Iterator[Any]:
    """The arguments that an operation writes into."""
    for place, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield args[place] if place < len(args) else options.get(argument.name)


def _tensors(value: Any) -> Iterator[Dict[str, Any]]:
    """All descriptions of tensors in a value."""
    if isinstance(value, dict) and "tensor" in value:
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def _elements(told: Dict[str, Any]) -> int:
    """How many elements the memory of a tensor has room for."""
    shape, strides = told["shape"], told["strides"]
    if len(shape) != len(strides) or len(shape) > 64 or any(number < 0 for number in (*shape, *strides)):
        raise TooLarge("a shape %s with strides %s" % (shape[:8], strides[:8]))
    return 0 if 0 in shape else 1 + sum((size - 1) * step for size, step in zip(shape, strides))


class _Makes:
    """Makes the arguments of one call; `salted` once one of them is made of other numbers in each call."""

    def __init__(self, torch: Any, numbers: Numbers, salt: int) -> None:
        self.torch, self.numbers, self.salt, self.salted = torch, numbers, salt, False

    def value(self, told: Any) -> Any:
        """The argument that a description tells of."""
        if isinstance(told, list):
            return [self.value(item) for item in told]
        if not isinstance(told, dict):
            return told
        if "tensor" in told:
            return self._tensor(told)
        [(kind, value)] = told.items()
        if kind == "float":
            return float.fromhex(value)
        if kind == "complex":
            return complex(*map(float.fromhex, value))
        if kind == "device":
            return self.torch.device(value)
        if kind == "generator":
            return self.torch.Generator(device=value).manual_seed(SEED)
        if kind in ("dtype", "layout", "memory_format"):
            return getattr(self.torch, value)
        raise ValueError("no argument is called %r" % kind)

    def _tensor(self, told: Dict[str, Any]) -> Any:
        self.salt += 1
        self.salted = True
        flat = self.numbers.take(told, _elements(told), self.salt)
        return flat.as_strided(tuple(told["shape"]), tuple(told["strides"])).to(told["device"])


def _bound(bytes_more: int) -> None:
    """Let an operation fail rather than this machine, whatever it asks for (setrlimit(2))."""
    import resource

    with open("/proc/self/statm") as stream:
        now = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + bytes_more, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main(arguments: List[str]) -> int:
    """0 when the file was read, whatever its calls did; 2 without one."""
    if len(arguments) != 2:
        sys.stderr.write("reprobuild_probe.repeat: give a file of signatures, and one to write\n")
        return 2
    with open(arguments[0]) as stream:
        asked = json.load(stream)
    torch = importlib.import_module("torch")
    _bound(MEMORY)
    told = repeat(torch, asked)
    with open(arguments[1], "w") as stream:
        json.dump(told, stream, sort_keys=True, allow_nan=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
