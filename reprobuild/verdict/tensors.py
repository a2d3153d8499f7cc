"""Models compared as what they hold: tables, plain values and tensors, the latter a mebibyte at a time."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reprobuild.tensors.content import Content, Numbers, Table, in_order
from reprobuild.tensors.errors import BROKEN, MalformedError, UncomparableError, UnreadableError
from reprobuild.tensors.numpy_pickle import Array
from reprobuild.tensors.onnx_values import open_onnx
from reprobuild.tensors.safetensors import open_safetensors
from reprobuild.tensors.torch import open_torch
from reprobuild.verdict.elements import CHUNK, compare_chunk, element
from reprobuild.verdict.fleeting import fleeting
from reprobuild.verdict.tally import Tally

MAX_STEPS = 400_000
"""Values of both trees; one table can be referred to many times."""
MAX_DEPTH = 32
MAX_LABEL = 2000
MOST_READ = 8
"""How often the bytes of the two files may be read: tensors can share and repeat what is in a storage."""
SPARE = 64 << 20
NOTHING = "nothing there"


def compare_torch(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two checkpoints of PyTorch."""
    _compare(open_torch, recorded, seen, tally)


def compare_safetensors(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two files of safetensors."""
    _compare(open_safetensors, recorded, seen, tally)


def compare_onnx(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two models of ONNX: weights first, then the graph."""
    _compare(open_onnx, recorded, seen, tally)


def _compare(opened: Callable[[Path], Content], recorded: Path, seen: Path, tally: Tally) -> None:
    sizes = recorded.stat().st_size + seen.stat().st_size
    try:
        sides = opened(recorded), opened(seen)
    except UnreadableError:
        raise
    except BROKEN as error:
        raise MalformedError(f"broken: {error}") from error
    compare_content(*sides, tally, MOST_READ * sizes + SPARE)


def compare_content(recorded: Content, seen: Content, tally: Tally, budget: int) -> None:
    """Two files' content; what differs and does not matter is named in `tally.ignored`. `budget` in bytes."""
    walk = _Walk(tally, budget)
    walk.compare(recorded.values, seen.values, "", 0)
    if not tally.differing:
        tally.ignored.update(walk.notes)
        aside = recorded.aside.keys() | seen.aside.keys()
        tally.ignored.update(name for name in aside if recorded.aside.get(name) != seen.aside.get(name))
        if not tally.ignored:
            tally.ignored.add(recorded.spelling)


class _Walk:
    """Two trees side by side."""

    def __init__(self, tally: Tally, budget: int) -> None:
        self.tally, self.budget, self.steps = tally, budget, 0
        self.notes: set[str] = set()
        self.shared: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def compare(self, recorded: Any, seen: Any, label: str, depth: int) -> None:
        """Two values of one name."""
        recorded, seen = (side.numbers if isinstance(side, Array) else side for side in (recorded, seen))
        self.steps += 1
        if self.steps > MAX_STEPS or depth > MAX_DEPTH or len(label) > MAX_LABEL:
            raise UncomparableError("values that are nested too deep or too wide")
        if type(recorded) is not type(seen):
            self.tally.text(label or "the value", _spell(recorded), _spell(seen))
        elif isinstance(recorded, Table):
            self._tables(recorded, seen, label, depth)
        elif isinstance(recorded, list | tuple):
            for number in range(max(len(recorded), len(seen))):
                one, other = (side[number] if number < len(side) else _NONE for side in (recorded, seen))
                self.compare(one, other, f"{label}[{number}]", depth + 1)
        elif isinstance(recorded, Numbers):
            self._tensors(recorded, seen, label)
        else:
            self._leaves(recorded, seen, label or "the value")

    def _tables(self, recorded: Table, seen: Table, label: str, depth: int) -> None:
        for key in in_order(recorded.keys() | seen.keys()):
            self.compare(recorded.get(key, _NONE), seen.get(key, _NONE), _join(label, key), depth + 1)
        if recorded.about or seen.about:
            self.compare(Table(recorded.about), Table(seen.about), label, depth + 1)

    def _leaves(self, recorded: Any, seen: Any, label: str) -> None:
        if isinstance(recorded, int | float) and not isinstance(recorded, bool):
            if _same_number(recorded, seen):
                self.tally.same()
            else:
                self.tally.numbers(label, recorded, seen, label.rpartition(".")[2])
        elif recorded == seen:
            self.tally.same()
        else:
            name = label.rpartition(".")[2]
            kinds = fleeting(recorded, seen, name) if isinstance(recorded, str) else frozenset()
            self.tally.text(label, _spell(recorded), _spell(seen), kinds=kinds)

    def _tensors(self, recorded: Numbers, seen: Numbers, label: str) -> None:
        before = self.tally.differing
        for what, x, y in (
            ("type", recorded.kind.name, seen.kind.name),
            ("shape", str(recorded.shape), str(seen.shape)),
            ("kind", _marks(recorded), _marks(seen)),
        ):
            if x != y:
                self.tally.text(f"{label}: {what}" if label else what, x, y)
                break
        else:
            self._elements(recorded, seen, label)
            self._note(recorded, seen)
        self.tally.part(self.tally.differing > before)

    def _elements(self, recorded: Numbers, seen: Numbers, label: str) -> None:
        """The elements in the order of the shape, wherever they lie in memory."""
        kind, shape, count = recorded.kind, recorded.shape, recorded.count
        self.budget -= 2 * count * kind.size
        if self.budget < 0:
            raise UncomparableError("tensors that repeat what is in their storages too often")
        native = kind.raw.newbyteorder("<")
        one, other = recorded.view(), seen.view()
        step = max(1, CHUNK // kind.size)
        for begin in range(0, count, step):
            x, y = (
                side.flat[begin : begin + step].astype(native, copy=False).tobytes() for side in (one, other)
            )  # a copy of these elements alone
            if x == y:
                self.tally.same(len(x) // kind.size)
            else:
                compare_chunk(x, y, kind, lambda at: element(label, begin + at, shape), self.tally)  # noqa: B023 # at once

    def _note(self, recorded: Numbers, seen: Numbers) -> None:
        """What differs beside the elements and does not matter."""
        names = recorded.notes.keys() | seen.notes.keys()
        self.notes.update(name for name in names if recorded.notes.get(name) != seen.notes.get(name))
        pair = recorded.storage, seen.storage
        for number, known in enumerate(self.shared):
            if known.setdefault(pair[number], pair[1 - number]) != pair[1 - number]:
                self.notes.add("which tensors share their numbers")


class _Nothing:
    """Where a side has no value."""


_NONE = _Nothing()


def _join(label: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{label}[{key}]"
    return f"{label}.{key}" if label and key else label or key


def _same_number(recorded: float, seen: float) -> bool:
    if isinstance(recorded, int):  # perhaps larger than any float
        return recorded == seen
    if math.isnan(recorded):
        return math.isnan(seen)
    return recorded == seen and math.copysign(1, recorded) == math.copysign(1, seen)


def _marks(numbers: Numbers) -> str:
    return ", ".join(numbers.marks) or "a plain tensor"


def _spell(value: Any) -> str:
    if isinstance(value, _Nothing):
        return NOTHING
    if isinstance(value, Numbers):
        return f"a tensor of {value.kind.name} {list(value.shape)}"
    if isinstance(value, Table | list | tuple):
        return f"a {'table' if isinstance(value, Table) else type(value).__name__} of {len(value)}"
    return repr(value[:200] if isinstance(value, str | bytes) else value)
