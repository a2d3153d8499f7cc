"""Counting how two streams of values differ, and keeping the first difference."""

import math
import struct
from dataclasses import dataclass, field

from reprobuild.ground.text import shown
from reprobuild.verdict.document import Difference
from reprobuild.verdict.fleeting import fleeting_number


@dataclass
class Tally:
    """What is known so far; maxima are over finite differences only."""

    values: int = 0
    differing: int = 0
    first: Difference | None = None
    max_absolute: float | None = None
    max_relative: float | None = None
    max_ulps: int | None = None
    tensors: int = 0
    differing_tensors: int = 0
    fleeting: int = 0
    """Differing values that only tell when, where or how fast a run was."""
    kinds: set[str] = field(default_factory=set)
    """What those are."""
    about: str = ""
    """What else is to be said of the comparison."""
    ignored: set[str] = field(default_factory=set)
    """Names of bytes that differ and do not matter."""

    def same(self, count: int = 1) -> None:
        """`count` values agree."""
        self.values += count

    def part(self, differs: bool) -> None:
        """One tensor was compared."""
        self.tensors += 1
        self.differing_tensors += differs

    def text(self, where: str, recorded: str, seen: str, *, kinds: frozenset[str] = frozenset()) -> None:
        """A difference that is not one of numbers; `kinds` where it is one of moment or place alone."""
        self._keep(Difference(where=shown(where), recorded=shown(recorded), seen=shown(seen)), kinds)

    def numbers(self, where: str, recorded: float, seen: float, name: str = "") -> None:
        """Two numbers of a name that differ, two integers or two doubles."""
        kinds = fleeting_number(recorded, seen, name)
        absolute = distance(recorded, seen)
        ulps = ulp_distance(recorded, seen) if isinstance(recorded, float) and isinstance(seen, float) else None
        self._keep(
            Difference(
                where=shown(where),
                recorded=shown(repr(recorded)),
                seen=shown(repr(seen)),
                absolute=absolute,
                ulps=ulps,
            ),
            kinds,
        )
        if not kinds:
            self.widen(absolute, relative_to(absolute, recorded), ulps)

    def many(self, count: int, first: Difference) -> None:
        """`count` values differ, the first as given."""
        self.values += count - 1
        self._keep(first)
        self.differing += count - 1

    def widen(self, absolute: float | None, relative: float | None, ulps: int | None) -> None:
        """Let the maxima take these in."""
        self.max_absolute = _larger(self.max_absolute, absolute)
        self.max_relative = _larger(self.max_relative, relative)
        if ulps is not None:
            self.max_ulps = max(ulps, self.max_ulps or 0)

    def _keep(self, difference: Difference, kinds: frozenset[str] = frozenset()) -> None:
        """The first difference stays, unless it is fleeting and this one is not."""
        if self.first is None or (not kinds and self.differing == self.fleeting):
            self.first = difference
        self.values += 1
        self.differing += 1
        self.fleeting += bool(kinds)
        self.kinds |= kinds


def _larger(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def distance(recorded: float, seen: float) -> float | None:
    """The absolute difference, or None where it is not finite."""
    try:
        value = float(abs(seen - recorded))
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def relative_to(absolute: float | None, recorded: float) -> float | None:
    """The absolute difference as a share of the recorded magnitude; None for a recorded zero."""
    if absolute is None or not recorded:
        return None
    try:
        value = absolute / abs(recorded)
    except OverflowError:
        return 0.0
    return value if math.isfinite(value) else None


def ulp_distance(recorded: float, seen: float) -> int | None:
    """How many doubles lie from one to the other; None for NaN (IEEE 754-2019, 5.10 orders doubles as integers)."""
    if math.isnan(recorded) or math.isnan(seen):
        return None
    return abs(_rank(recorded) - _rank(seen))


def _rank(number: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", number))[0]
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)
