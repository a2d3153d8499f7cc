"""PyTorch's zip of a state dict, without unpickling: `data.pkl` is read opcode by opcode, and nothing in it is called.

The layout is told in https://docs.pytorch.org/docs/stable/notes/serialization.html, the opcodes by pickletools.
A state dict needs a handful of opcodes and two functions; whatever else a file asks for makes it not readable.
"""

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

from reprobuild.guide.tensors.archive import open_zip
from reprobuild.guide.tensors.model import MAX_NAME, MAX_TENSORS, Tensor, UnreadableError
from reprobuild.guide.tensors.window import exactly

MAX_PICKLE = 32 << 20
MAX_OPCODES = 2_000_000
MAX_DEPTH = 16
_TENSOR, _PARAMETER = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"
_TYPED_TENSOR = "torch._utils _rebuild_tensor_v3"
"""Its type is its seventh argument, and its storage is of bytes."""
_ORDERED, _SIZE = "collections OrderedDict", "torch Size"
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "UntypedStorage": "bytes",
}
_VALUES = frozenset(
    (
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
        *("BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
    )
)
_NAMED: dict[str, Callable[[], Any]] = {
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "NONE": lambda: None,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}


class _Mark:
    """Where a row of values begins on the stack."""


class _Global(str):
    """A name that a pickle refers to; it is never looked up."""

    __slots__ = ()


class _Storage(str):
    """The type of the numbers of a storage."""

    __slots__ = ()


def read_torch(stream: BinaryIO) -> list[Tensor]:
    """The tensors by dotted name, in the order of the state dict."""
    if exactly(stream, 2) != b"PK":
        raise UnreadableError("not PyTorch's zip; what was saved in another way is a program, which reading would run")
    with open_zip(stream) as archive:
        found = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
        if len(found) != 1 or found[0].filename.count("/") != 1:
            raise UnreadableError("a zip without the data.pkl of a state dict")
        if found[0].file_size > MAX_PICKLE:
            raise UnreadableError(f"a data.pkl of {found[0].file_size} bytes")
        with archive.open(found[0]) as member:
            data = member.read(MAX_PICKLE + 1)
    return _flatten(_Reader().read(data))


class _Reader:
    """A machine with a stack and a memo, and no way to call anything."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self, data: bytes) -> Any:
        """The value that a pickle spells."""
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number > MAX_OPCODES:
                raise UnreadableError(f"a pickle of more than {MAX_OPCODES} steps")
            if opcode.name == "STOP":
                break
            self._take(opcode.name, argument)
        return self.stack.pop()

    def _take(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _NAMED:
            self.stack.append(_NAMED[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name == "GLOBAL":
            self.stack.append(_Global(argument))
        elif name == "MARK":
            self.stack.append(_Mark)
        elif (step := _STEPS.get(name)) is not None:
            step(self)
        elif name not in ("PROTO", "FRAME"):
            raise UnreadableError(f"a pickle with {name}, which no state dict needs")

    def row(self) -> list[Any]:
        """What lies above the last mark, in order."""
        begin = len(self.stack) - 1 - self.stack[::-1].index(_Mark)
        found = self.stack[begin + 1 :]
        del self.stack[begin:]
        return found

    def tuple_of(self, count: int) -> None:
        """Make a tuple of the last values."""
        found = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.stack.append(found)

    def fill(self, pairs: list[Any]) -> None:
        """Put pairs of names and values into the table below them."""
        table = self.stack[-1]
        if not isinstance(table, dict) or len(pairs) % 2:
            raise UnreadableError("a pickle that fills something other than a table")
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(name, str | int):
                raise UnreadableError("a pickle with a key that is no name")
            table[name] = value

    def extend(self, items: list[Any]) -> None:
        """Put values into the list below them."""
        if not isinstance(self.stack[-1], list):
            raise UnreadableError("a pickle that fills something other than a list")
        self.stack[-1].extend(items)

    def storage(self) -> None:
        """A storage by its description: the type of its numbers; where they are is not asked."""
        about = self.stack.pop()
        if (
            not isinstance(about, tuple)
            or len(about) != 5
            or about[0] != "storage"
            or not isinstance(about[1], _Global)
        ):
            raise UnreadableError("a pickle that refers to something other than a storage")
        kind = about[1].rpartition(" ")[2]
        if kind not in _STORAGES:
            raise UnreadableError(f"a pickle with numbers of an unknown type, {about[1][:100]}")
        self.stack.append(_Storage(_STORAGES[kind]))

    def reduce(self) -> None:
        """What the two known functions would make of their arguments; no other is known, and none is called."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise UnreadableError("a pickle that calls what is no function")
        if function == _ORDERED and not arguments:
            self.stack.append({})
        elif function == _TENSOR:
            self.stack.append(_tensor(arguments))
        elif function == _TYPED_TENSOR and len(arguments) > 6 and isinstance(arguments[6], _Global):
            self.stack.append(_tensor((_Storage(arguments[6].removeprefix("torch ")), *arguments[1:])))
        elif function == _SIZE or (function == _PARAMETER and isinstance(arguments[0], Tensor)):
            self.stack.append(arguments[0])
        else:
            raise UnreadableError(f"a pickle that asks for {function[:100]!r} to be called")

    def build(self) -> None:
        """Attributes of a table, such as the `_metadata` of a state dict: left out."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise UnreadableError("a pickle that builds something other than a table")


_STEPS: dict[str, Callable[[_Reader], None]] = {
    "TUPLE": lambda reader: reader.stack.append(tuple(reader.row())),
    "TUPLE1": lambda reader: reader.tuple_of(1),
    "TUPLE2": lambda reader: reader.tuple_of(2),
    "TUPLE3": lambda reader: reader.tuple_of(3),
    "SETITEM": lambda reader: reader.fill([reader.stack.pop(-2), reader.stack.pop()]),
    "SETITEMS": lambda reader: reader.fill(reader.row()),
    "APPEND": lambda reader: reader.extend([reader.stack.pop()]),
    "APPENDS": lambda reader: reader.extend(reader.row()),
    "BINPERSID": _Reader.storage,
    "REDUCE": _Reader.reduce,
    "BUILD": _Reader.build,
}


def _tensor(arguments: tuple[Any, ...]) -> Tensor:
    """A tensor by the arguments of its function: storage, offset, shape, strides and what follows."""
    if len(arguments) < 4 or not isinstance(arguments[0], _Storage):
        raise UnreadableError("a pickle with a tensor that has no storage")
    shape = arguments[2]
    if not isinstance(shape, tuple) or len(shape) > 64 or not all(type(n) is int and 0 <= n < 1 << 63 for n in shape):
        raise UnreadableError("a pickle with a tensor that has no shape")
    return Tensor("", str(arguments[0]), shape)


def _flatten(value: Any) -> list[Tensor]:
    """The tensors in tables and lists; bounded, because one table can be referred to many times."""
    found: list[Tensor] = []
    steps = 0
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        name, item, depth = waiting.pop()
        steps += 1
        if steps > 4 * MAX_TENSORS or depth > MAX_DEPTH or len(name) > MAX_NAME:
            raise UnreadableError("a state dict that is nested too deep or too wide")
        if isinstance(item, Tensor):
            found.append(Tensor(name, item.dtype, item.shape))
        elif isinstance(item, dict | list | tuple):
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            waiting += [(f"{name}.{key}" if name else str(key), inner, depth + 1) for key, inner in pairs][::-1]
    return found
