"""The pickle of a state dict read opcode by opcode: tables, lists, plain values and tensors; nothing in it is called.

The opcodes are told by pickletools. A state dict needs a handful of them and a few functions, whose results are known
without calling them; whatever else a file asks for makes it a program.
"""

import pickletools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reprobuild.tensors.content import Bytes, Numbers, Reference, Table
from reprobuild.tensors.errors import MalformedError, ProgramError, UncomparableError
from reprobuild.tensors.numbers import TYPES, NumberType
from reprobuild.tensors.numpy_pickle import NUMPY_FUNCTIONS, Building

MAX_OPCODES = 2_000_000
MAX_DIMENSIONS = 32
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
    "EMPTY_DICT": Table,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
Storages = Callable[[str, int], Bytes]
"""A storage's bytes by its key, of which at least so many are needed."""


class _Storage:
    """A storage as a pickle describes it."""

    def __init__(self, kind: NumberType, key: str, location: str, size: int, data: Bytes | None) -> None:
        self.kind, self.key, self.location, self.size, self.data = kind, key, location, size, data


class PickleReader:
    """A machine with a stack and a memo, and no way to call anything."""

    def __init__(self, storages: Storages | None, big_endian: bool = False) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        """What lies below each mark: a row begins with an empty stack, so that none is looked for."""
        self.memo: dict[int, Any] = {}
        self.storages, self.big_endian = storages, big_endian

    def read(self, data: bytes) -> Any:
        """The value that a pickle spells."""
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number > MAX_OPCODES:
                raise UncomparableError(f"a pickle of more than {MAX_OPCODES} steps")
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
            self.stack.append(Reference(argument))
        elif name == "MARK":
            self.below.append(self.stack)
            self.stack = []
        elif (step := _STEPS.get(name)) is not None:
            step(self)
        elif name not in ("PROTO", "FRAME"):
            raise ProgramError(f"a pickle with {name}, which no state dict needs")

    def row(self) -> list[Any]:
        """What lies above the last mark, in order."""
        found, self.stack = self.stack, self.below.pop()
        return found

    def tuple_of_row(self) -> None:
        """Make a tuple of what lies above the last mark."""
        found = tuple(self.row())
        self.stack.append(found)

    def tuple_of(self, count: int) -> None:
        """Make a tuple of the last values."""
        found = [self.stack.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(found)))

    def fill(self, pairs: list[Any]) -> None:
        """Put pairs of names and values into the table below them."""
        table = self.stack[-1]
        if not isinstance(table, Table) or len(pairs) % 2:
            raise ProgramError("a pickle that fills something other than a table")
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(name, str | int):
                raise ProgramError("a pickle with a key that is no name")
            table[name] = value

    def extend(self, items: list[Any]) -> None:
        """Put values into the list below them."""
        if not isinstance(self.stack[-1], list):
            raise ProgramError("a pickle that fills something other than a list")
        self.stack[-1].extend(items)

    def storage(self) -> None:
        """A storage by its description."""
        about = self.stack.pop()
        if not isinstance(about, tuple) or len(about) != 5 or about[0] != "storage":
            raise ProgramError("a pickle that refers to something other than a storage")
        _, named, key, location, size = about
        if not isinstance(named, Reference) or not isinstance(key, str) or not isinstance(location, str):
            raise ProgramError("a pickle that refers to something other than a storage")
        name = named.rpartition(" ")[2]
        if name not in _STORAGES:
            raise UncomparableError(f"a pickle with numbers of an unknown type, {named[:100]}")
        kind = TYPES[_STORAGES[name]]
        if type(size) is not int or not 0 <= size < 1 << 60:
            raise MalformedError("a pickle with a storage that has no size")
        data = self.storages and self.storages(key, size * kind.size)
        self.stack.append(_Storage(kind, key, location, size, data))

    def reduce(self) -> None:
        """What the few known functions would make of their arguments; no other is known, and none is called."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Reference) or not isinstance(arguments, tuple):
            raise ProgramError("a pickle that calls what is no function")
        if (known := _FUNCTIONS.get(function)) is None:
            raise ProgramError(f"a pickle that asks for {function[:100]!r} to be called")
        try:
            self.stack.append(known(self, *arguments))
        except TypeError as error:
            raise ProgramError(f"a pickle that calls {function[:100]!r} in an unknown way") from error

    def build(self) -> None:
        """Attributes of a table, such as the `_metadata` of a state dict, or the content of an array of NumPy's."""
        about, thing = self.stack.pop(), self.stack[-1]
        if isinstance(thing, Building):
            thing.build(about)
        elif isinstance(thing, Table) and isinstance(about, Table):
            thing.about = about
        else:
            raise ProgramError("a pickle that builds something other than a table")

    def tensor(self, storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, *others: Any) -> Numbers:
        """What `torch._utils._rebuild_tensor_v2` would make: hooks, and what else it may be told, must be empty."""
        if not isinstance(storage, _Storage):
            raise ProgramError("a pickle with a tensor that has no storage")
        numbers = (shape, strides, (offset,))
        if not all(isinstance(row, tuple) and all(type(n) is int and 0 <= n < 1 << 62 for n in row) for row in numbers):
            raise MalformedError("a pickle with a tensor that has no shape")
        if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS or any(others):
            raise ProgramError("a pickle with a tensor of an unusual kind")
        kind = storage.kind
        if self.big_endian:
            kind = replace(kind, raw=kind.raw.newbyteorder(">"))
        notes = {
            "devices of tensors": storage.location,
            "strides of tensors": str(strides) if len(shape) > 1 else "",
            "byte order": "big" if self.big_endian else "little",
        }
        marks = ("requires_grad",) if grad else ()
        return Numbers(
            kind, shape, strides, offset, storage.size, storage.data, storage=storage.key, marks=marks, notes=notes
        )

    def typed_tensor(self, storage: Any, *arguments: Any) -> Numbers:
        """What `_rebuild_tensor_v3` would make: its type is its seventh argument, and its storage is of bytes."""
        *before, named = arguments[:6]
        kind = TYPES.get(str(named).removeprefix("torch "))
        if not isinstance(storage, _Storage) or not isinstance(named, Reference) or kind is None:
            raise UncomparableError(f"a pickle with numbers of an unknown type, {str(named)[:100]}")
        size = storage.size * storage.kind.size // kind.size
        return self.tensor(_Storage(kind, storage.key, storage.location, size, storage.data), *before, *arguments[6:])


def _parameter(_: PickleReader, tensor: Any, grad: Any, hooks: Any) -> Numbers:
    if not isinstance(tensor, Numbers) or hooks:
        raise ProgramError("a pickle with a parameter of an unusual kind")
    return replace(tensor, marks=("parameter", *(("requires_grad",) if grad else ())))


def _plain(name: str) -> Callable[..., Any]:
    """A value that is known by the arguments of its function, which are plain too."""

    def build(_: PickleReader, *arguments: Any) -> Any:
        if not all(isinstance(item, str | int | float | bool | None) for item in arguments):
            raise ProgramError(f"a pickle with a {name} of an unusual kind")
        return Reference(f"{name}({', '.join(map(repr, arguments))})")

    return build


def _encoded(_: PickleReader, text: str, encoding: str) -> bytes:
    """Bytes as protocol 2 spells them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ProgramError("a pickle with bytes in an unknown encoding")
    return text.encode("latin1")


def _table(_: PickleReader, *arguments: Any) -> Table:
    if not all(isinstance(item, Reference) for item in arguments):
        raise ProgramError("a pickle with a table of an unusual kind")
    return Table()


def _size(_: PickleReader, size: Any) -> Any:
    return size


def _apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no machine."""
    return lambda _, *arguments: function(*arguments)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch._utils _rebuild_tensor_v2": PickleReader.tensor,
    "torch._utils _rebuild_tensor_v3": PickleReader.typed_tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch Size": _size,
    "torch device": _plain("device"),
    "collections OrderedDict": _table,
    "collections defaultdict": _table,
    "__builtin__ complex": _plain("complex"),
    "_codecs encode": _encoded,
    **{name: _apart(function) for name, function in NUMPY_FUNCTIONS.items()},
}
_STEPS: dict[str, Callable[[PickleReader], None]] = {
    "TUPLE": PickleReader.tuple_of_row,
    "TUPLE1": lambda reader: reader.tuple_of(1),
    "TUPLE2": lambda reader: reader.tuple_of(2),
    "TUPLE3": lambda reader: reader.tuple_of(3),
    "SETITEM": lambda reader: reader.fill([reader.stack.pop(-2), reader.stack.pop()]),
    "SETITEMS": lambda reader: reader.fill(reader.row()),
    "APPEND": lambda reader: reader.extend([reader.stack.pop()]),
    "APPENDS": lambda reader: reader.extend(reader.row()),
    "BINPERSID": PickleReader.storage,
    "REDUCE": PickleReader.reduce,
    "BUILD": PickleReader.build,
}
