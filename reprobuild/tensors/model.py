"""What is read of a trained model, and the errors of reading it."""

import math
from dataclasses import dataclass

MAX_TENSORS = 100_000
MAX_NAME = 1000


@dataclass(frozen=True)
class Tensor:
    """One tensor; `dtype` as the framework calls it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Model:
    """One output of a run as a model: its tensors, or why they are not known; `about` is what else the file tells."""

    file: str
    format: str
    tensors: tuple[Tensor, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    @property
    def count(self) -> int:
        """How many numbers all tensors hold."""
        return sum(tensor.count for tensor in self.tensors)
