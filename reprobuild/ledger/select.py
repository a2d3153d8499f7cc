"""Which runs are wanted, and in which order: `lr<0.1`, `status=failed`, `-metric.accuracy`.

A condition is NAME OPERATOR VALUE and holds of no run that lacks the name. Numbers compare as numbers, and everything
else as text.
"""

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import TypeGuard

from reprobuild.ground.errors import UsageError
from reprobuild.ground.text import shown
from reprobuild.ledger.row import FACTS, METRIC, PARAM, Row, Value

_CONDITION = re.compile(r"\s*([^\s=!<>~]+)\s*(<=|>=|!=|==|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,4})?")
_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EXAMPLE = "for example 'accuracy>=0.9', 'lr<0.1', status=failed, or 'note~overfits' for what a text holds"


@dataclass(frozen=True)
class Condition:
    """What a run's value has to be: `=`, `!=`, `~` (holds this text), or an order of numbers."""

    name: str
    operator: str
    value: str

    def holds(self, row: Row) -> bool:
        """True when the run has the value and the value fits."""
        value = row.values.get(self.name)
        if value is None:
            return False
        wanted = parse_number(self.value)
        if self.operator in _ORDERED:
            return wanted is not None and is_number(value) and _ORDERED[self.operator](value, wanted)
        if self.operator == "~":
            return self.value.casefold() in spell(value).casefold()
        same = value == wanted if wanted is not None and is_number(value) else spell(value) == self.value
        return same is (self.operator == "=")


def parse_condition(text: str, known: Set[str]) -> Condition:
    """The condition that a text spells, about one of the `known` names; UsageError for anything else."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(f"--where {shown(text)}: not NAME, an operator and a value", hint=EXAMPLE)
    name, sign, value = resolve(found[1], known, "--where"), found[2].replace("==", "="), found[3]
    if sign in _ORDERED and parse_number(value) is None:
        raise UsageError(f"--where {shown(text)}: {sign} compares numbers, and {shown(value)!r} is none", hint=EXAMPLE)
    return Condition(name, sign, value)


def parse_number(text: str) -> float | None:
    """The finite number that a text spells, an integer exactly."""
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def is_number(value: Value) -> TypeGuard[int | float]:
    """True for what is compared as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def spell(value: Value) -> str:
    """A value as text: booleans as TOML and JSON have them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def known_names(rows: Iterable[Row]) -> set[str]:
    """Every name that some run has a value of, and the facts that any run may have."""
    found = set(FACTS)
    for row in rows:
        found.update(row.values)
    return found


def resolve(name: str, known: Set[str], option: str) -> str:
    """The whole name; `accuracy` stands for `metric.accuracy` where nothing else is called so."""
    if name in known:
        return name
    meant = [prefix + name for prefix in (METRIC, PARAM) if prefix + name in known]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UsageError(f"{option} {shown(name)}: a metric and a hyperparameter", hint=f"write {' or '.join(meant)}")
    every = sorted({*known, *(item.partition(".")[2] for item in known if item.startswith((METRIC, PARAM)))})
    near = difflib.get_close_matches(name, every, n=1)
    hint = f"did you mean {shown(near[0])!r}?" if near else f"there are {shown(', '.join(sorted(known)), 400)}"
    raise UsageError(f"{option} {shown(name)}: no run has it", hint=hint)


@dataclass(frozen=True)
class Wanted:
    """Conditions, names to sort by (with a leading `-` for the largest first), and how many rows at most."""

    where: Sequence[str] = ()
    sort: Sequence[str] = ()
    limit: int | None = None


def choose(rows: Sequence[Row], wanted: Wanted) -> tuple[list[Row], set[str]]:
    """The rows that are wanted, in the order that is wanted, and every name that may be asked for.

    Without an order of its own a limit keeps the latest.
    """
    known = known_names(rows)
    found = select(rows, [parse_condition(text, known) for text in wanted.where])
    for text in reversed(wanted.sort):
        name = resolve(text.removeprefix("-"), known, "--sort")
        found = sort(found, name, descending=text.startswith("-"))
    if wanted.limit is not None:
        found = found[: wanted.limit] if wanted.sort else found[-wanted.limit :]
    return found, known


def select(rows: Iterable[Row], conditions: Sequence[Condition]) -> list[Row]:
    """The rows of which every condition holds, in their order."""
    return [row for row in rows if all(condition.holds(row) for condition in conditions)]


def sort(rows: Iterable[Row], name: str, *, descending: bool = False) -> list[Row]:
    """The rows by one value, numbers before texts; equal ones keep their order, and those without it come last."""
    there: list[Row] = []
    missing: list[Row] = []
    for row in rows:
        (there if name in row.values else missing).append(row)
    return sorted(there, key=lambda row: _rank(row.values[name]), reverse=descending) + missing


def _rank(value: Value) -> tuple[int, float, str]:
    return (0, value, "") if is_number(value) else (1, 0, spell(value))
