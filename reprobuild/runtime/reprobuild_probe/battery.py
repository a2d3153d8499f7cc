"""Tables of operations, and running one: what fails tells its error, and the others go on."""

import warnings
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

from .hashing import digest

MAX_ERROR = 200
"""Characters of an error that are told."""
Told = Any
"""What is said of one case: a digest, or `{"error": …}`."""


class Row(NamedTuple):
    """An operation: what computes it, of which types, in which shapes."""

    operation: str
    function: Callable[..., Any]
    """Takes the library's context, a type and a shape."""
    dtypes: Sequence[str]
    shapes: Sequence[Tuple[int, ...]]


class Case(NamedTuple):
    """One operation of one type and shape; `name` is `library/operation/type/shape`."""

    name: str
    run: Callable[[], Any]


def cases(library: str, rows: Iterable[Row], context: Any) -> Iterator[Case]:
    """Every case of a table, by name: what runs before another may leave traces in it, so the order is part of it."""
    found: Dict[str, Case] = {}
    for row in rows:
        for dtype in row.dtypes:
            for shape in row.shapes:
                name = "%s/%s/%s/%s" % (library, row.operation, dtype, "x".join(map(str, shape)))
                found[name] = _case(name, row, context, dtype, shape)
    return iter([found[name] for name in sorted(found)])


def _case(name: str, row: Row, context: Any, dtype: str, shape: Tuple[int, ...]) -> Case:
    return Case(name, lambda: row.function(context, dtype, shape))


def attempt(run: Callable[[], Any]) -> Told:
    """The digest of a result, or what went wrong as one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return digest(run())
        except Exception as error:  # any library, any version
            return failure("%s: %s" % (type(error).__name__, error))


def failure(text: str) -> Told:
    """An error as one short line."""
    return {"error": " ".join(text.split())[:MAX_ERROR]}


def shapes(*sizes: int) -> List[Tuple[int, ...]]:
    """One-dimensional shapes."""
    return [(size,) for size in sizes]
