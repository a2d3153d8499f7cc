"""The hyperparameters of a request as names and values, wherever they were set."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from reprobuild.record.document import Asked


def hyperparameters(asked: "Asked") -> "Iterator[tuple[str, JsonValue]]":
    """Those of `[run.hyperparameters]`, and of params files by dotted name; a name that is taken gets its file's."""
    taken = set(asked.hyperparameters)
    yield from sorted(asked.hyperparameters.items())
    for path, table in sorted(asked.params.items()):
        for name, value in _leaves(table):
            yield f"{path}:{name}" if name in taken else name, value
            taken.add(name)


def _leaves(value: "JsonValue", name: str = "") -> "Iterator[tuple[str, JsonValue]]":
    if isinstance(value, dict) and value:
        for key, inner in sorted(value.items()):
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value
