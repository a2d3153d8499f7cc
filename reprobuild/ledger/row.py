"""One run as a row: values by name, taken from its record.

A hyperparameter's name is `param.NAME` and a metric's `metric.NAME`, so that neither hides a fact of the run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reprobuild.record.hyperparameters import hyperparameters

if TYPE_CHECKING:
    from pydantic import JsonValue

    from reprobuild.record.document import Asked, Record

Value = bool | int | float | str
PARAM, METRIC = "param.", "metric."
FACTS = (
    *("run", "status", "ending", "seed", "threads", "command", "seconds", "memory"),
    *("image", "lock", "source", "reprobuild", "note"),
)
OK, FAILED, UNREADABLE = "ok", "failed", "unreadable"
MAX_PARAMS, MAX_TEXT = 500, 1000
"""Names of hyperparameters, and characters of one value, that a row takes of files of hyperparameters."""


@dataclass(frozen=True)
class Row:
    """A run by the name of its folder; what it does not have is not among its values."""

    run: str
    values: Mapping[str, Value]


def row_of(name: str, record: "Record", note: str) -> Row:
    """What is told of a run."""
    facts: dict[str, Value | None] = {
        "run": int(name),
        "status": OK if record.good else FAILED,
        "ending": record.ending.message.removeprefix("it ") or None,
        "seed": record.asked.seed,
        "threads": record.asked.threads,
        "command": " ".join(record.asked.command)[:MAX_TEXT],
        "seconds": record.wall_seconds,
        "memory": record.peak_memory_bytes or None,
        "image": record.image,
        "lock": record.lock,
        "source": record.source.sha256,
        "reprobuild": record.reprobuild,
        "note": note.strip() or None,
    }
    params = {f"{PARAM}{key}": value for key, value in short_hyperparameters(record.asked).items()}
    metrics = {f"{METRIC}{key}": value for key, value in sorted(record.metrics.items())}
    return Row(name, {key: value for key, value in facts.items() if value is not None} | params | metrics)


def unreadable(name: str, reason: str) -> Row:
    """The row of a run whose record cannot be read."""
    return Row(name, {"run": int(name), "status": UNREADABLE, "ending": reason})


def short_hyperparameters(asked: "Asked") -> dict[str, Value]:
    """At most MAX_PARAMS of a run's hyperparameters, long values cut."""
    return {name: _plain(value) for name, value in islice(hyperparameters(asked), MAX_PARAMS)}


def _plain(value: "JsonValue") -> Value:
    """A number, a boolean or a text; null and lists as JSON spells them."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, bool | int | float):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:MAX_TEXT]
