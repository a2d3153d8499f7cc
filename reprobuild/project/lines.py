"""Where a key of a TOML text stands: the standard library's parser does not say."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, key: Sequence[str]) -> int:
    """The line (from 1) of the key or table, else of the nearest enclosing table, else 1.

    The tables of an array are `0`, `1` and so on below its name.
    """
    places: dict[tuple[str, ...], int] = {(): 1}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            if line.lstrip().startswith("[["):
                places.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            for length in range(1, len(table) + 1):
                places.setdefault(table[:length], number)
        elif entry := _KEY.match(line):
            places.setdefault((*table, *_parts(entry[1])), number)
    wanted = tuple(key)
    while wanted not in places:
        wanted = wanted[:-1]
    return places[wanted]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
