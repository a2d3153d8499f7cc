"""What a model holds, as a tree: tables, lists, plain values, and tensors whose numbers stay in the file."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprobuild.tensors.errors import MalformedError
from reprobuild.tensors.numbers import NumberType

Bytes = NDArray[np.uint8]


class Table(dict[Any, Any]):
    """Values by name or number, and what else was said of the table."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.about: Mapping[str, Any] = {}


class Reference(str):
    """The name of a thing that a file refers to, such as a type; it is never looked up."""

    __slots__ = ()


@dataclass(frozen=True)
class Numbers:
    """A tensor: `shape` and `strides` in elements, `offset` the place of its first element in `data`."""

    kind: NumberType
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    size: int
    """Elements in its storage."""
    data: Bytes | None = None
    """The storage's bytes; None where only names and shapes are asked for."""
    storage: str = ""
    """Which storage, where several tensors may share one."""
    marks: tuple[str, ...] = ()
    """What else makes it another tensor."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What does not: by its name, such as the strides."""

    def __post_init__(self) -> None:
        """MalformedError for a tensor that reaches beyond its storage."""
        if self.count and self.offset + self.reach > self.size:
            raise MalformedError("a tensor that reaches beyond the end of its storage")

    @property
    def count(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    @property
    def reach(self) -> int:
        """How many elements of the storage lie between the first and the last, both counted."""
        return 1 + sum((length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True))

    def view(self) -> NDArray[Any]:
        """The elements where they are, in their shape; nothing is copied, and no size is taken on trust."""
        if self.data is None or self.offset < 0 or any(stride < 0 for stride in self.strides):
            raise MalformedError("a tensor without numbers")
        if not self.count:
            return np.empty(0, self.kind.raw)
        size = self.kind.size
        held = self.data[self.offset * size : (self.offset + self.reach) * size].view(self.kind.raw)
        steps = [stride * size for stride in self.strides]
        return np.lib.stride_tricks.as_strided(held, self.shape, steps, writeable=False)


@dataclass(frozen=True)
class Content:
    """A file's values, and what stands in it beside them and does not matter, by its name."""

    values: Table
    aside: Mapping[str, object] = field(default_factory=dict)
    spelling: str = "its spelling"
    """What differs where nothing else does."""


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor whose elements lie in order without gaps."""
    steps = [1]
    for length in reversed(shape[1:]):
        steps.append(steps[-1] * max(length, 1))
    return tuple(reversed(steps)) if shape else ()


def in_order(names: Iterable[Any]) -> list[Any]:
    """Names as people order them, `layer.2` before `layer.10`: the same whatever the order of the file."""
    return sorted(names, key=lambda name: (*_parts(str(name)), isinstance(name, str)))


def _parts(name: str) -> tuple[list[tuple[int, str]], str]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,18})", name)], name
