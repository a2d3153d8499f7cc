"""JSON, JSON lines, CSV and text compared as values, line by line where the format allows it."""

import csv
import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from reprobuild.tensors.errors import MalformedError, ProgramError, UncomparableError, UnreadableError
from reprobuild.verdict.fleeting import fleeting, settle
from reprobuild.verdict.tally import Tally

MAX_JSON = 16 << 20
"""Bytes; Python's values take some twenty times as much memory."""
MAX_LINE = 1 << 20
"""Characters of a line, or of a row of CSV."""
MAX_DEPTH = 64
MOST_TRIED = 200_000
"""Texts that differ, of which it is asked whether they only tell of the moment."""
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_END = object()
NOTHING = "nothing there"


def compare_json(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two JSON documents, NaN and infinities as Python writes them included."""
    _compare_values(_parse_json(_read(recorded)), _parse_json(_read(seen)), tally)
    if not tally.differing:
        tally.ignored.add("white space, order of keys or spelling of numbers")


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_JSON:
        raise UncomparableError(f"JSON larger than {MAX_JSON >> 20} MiB")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8") from error


def _parse_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise MalformedError("a key appears twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not JSON: {error}") from error


def _compare_values(recorded: Any, seen: Any, tally: Tally, where: str = "", depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise UncomparableError(f"JSON nested deeper than {MAX_DEPTH}")
    if isinstance(recorded, dict) and isinstance(seen, dict):
        for key in sorted(recorded.keys() | seen.keys()):
            pair = recorded.get(key, _END), seen.get(key, _END)
            dot = "." if where and not where.endswith(": ") else ""
            _compare_values(*pair, tally, f"{where}{dot}{key}", depth + 1)
    elif isinstance(recorded, list) and isinstance(seen, list):
        for index, pair in enumerate(itertools.zip_longest(recorded, seen, fillvalue=_END)):
            _compare_values(*pair, tally, f"{where}[{index}]", depth + 1)
    else:
        _compare_leaves(recorded, seen, tally, where.removesuffix(": ") or "the value")


def _compare_leaves(recorded: Any, seen: Any, tally: Tally, where: str) -> None:
    if type(recorded) is type(seen) and (recorded == seen or _both_nan(recorded, seen)) and not _signs(recorded, seen):
        tally.same()
    elif _is_number(recorded) and _is_number(seen):
        tally.numbers(where, recorded, seen, where.rpartition(".")[2])
    else:
        both = isinstance(recorded, str) and isinstance(seen, str)
        trying = both and tally.differing < MOST_TRIED
        kinds = fleeting(recorded, seen, where.rpartition(".")[2]) if trying else frozenset()
        tally.text(where, _spell(recorded), _spell(seen), kinds=kinds)


def _both_nan(recorded: Any, seen: Any) -> bool:
    return isinstance(recorded, float) and math.isnan(recorded) and math.isnan(seen)


def _signs(recorded: Any, seen: Any) -> bool:
    """True for 0.0 and -0.0, which are equal and not the same."""
    return isinstance(recorded, float) and math.copysign(1, recorded) != math.copysign(1, seen)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spell(value: Any) -> str:
    if value is _END:
        return NOTHING
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return json.dumps(value, ensure_ascii=False)


class _Lines:
    """The lines of a text file, endings kept; MAX_LINE counts from the last `restart`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._fed = stream, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._stream.readline(MAX_LINE + 1)
        except UnicodeDecodeError as error:
            raise MalformedError("not UTF-8") from error
        if not line:
            raise StopIteration
        self._fed += len(line)
        if self._fed > MAX_LINE:
            raise UncomparableError(f"a line longer than {MAX_LINE} characters")
        return line

    def restart(self) -> None:
        """A new line or row begins."""
        self._fed = 0


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        lines = _Lines(stream)
        for line in lines:
            yield line
            lines.restart()


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        lines = _Lines(stream)
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True):
                yield row
                lines.restart()
        except csv.Error as error:
            raise MalformedError(f"not CSV: {error}") from error


def compare_json_lines(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two files with a JSON value on each line."""
    for number, (a, b) in enumerate(itertools.zip_longest(_lines(recorded), _lines(seen)), 1):
        where = f"line {number}: "
        if a is None or b is None:
            tally.text(f"line {number}", NOTHING if a is None else a, NOTHING if b is None else b)
            return
        _compare_values(_parse_json(a), _parse_json(b), tally, where)
    if not tally.differing:
        tally.ignored.add("white space, order of keys or spelling of numbers")


def compare_csv(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two tables with commas, or tabs where the name ends in `.tsv`; the first row names columns where it can."""
    delimiter = "\t" if recorded.suffix.lower() == ".tsv" else ","
    header: list[str] = []
    rows = itertools.zip_longest(_rows(recorded, delimiter), _rows(seen, delimiter))
    for number, (a, b) in enumerate(rows, 1):
        if a is None or b is None:
            tally.text(f"row {number}", *(NOTHING if row is None else delimiter.join(row) for row in (a, b)))
            return
        if number == 1 and not any(_NUMBER.fullmatch(cell.strip()) for cell in a):
            header = a
        if a == b:
            tally.same(len(a))
            continue
        for column, (x, y) in enumerate(itertools.zip_longest(a, b)):
            name = f" ({header[column]})" if column < len(header) else ""
            _compare_cells(x, y, tally, f"row {number}, column {column + 1}{name}", name)
    if not tally.differing:
        tally.ignored.add("quotes or line ends")


def _compare_cells(recorded: str | None, seen: str | None, tally: Tally, where: str, name: str = "") -> None:
    if recorded == seen:
        tally.same()
    elif recorded is None or seen is None:
        tally.text(where, NOTHING if recorded is None else recorded, NOTHING if seen is None else seen)
    else:
        a, b = _as_number(recorded), _as_number(seen)
        if a is None or b is None:
            kinds = fleeting(recorded, seen, name) if tally.differing < MOST_TRIED else frozenset()
            tally.text(where, recorded, seen, kinds=kinds)
        else:
            tally.numbers(where, a, b, name)


def _as_number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def compare_text(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two texts; where lines differ in their numbers alone, these are compared."""
    for number, (a, b) in enumerate(itertools.zip_longest(_lines(recorded), _lines(seen)), 1):
        if a is None or b is None:
            tally.text(f"line {number}", NOTHING if a is None else a, NOTHING if b is None else b)
            return
        if a == b:
            tally.same()
        else:
            _compare_line(a, b, tally, f"line {number}")


def compare_text_or_bytes(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two texts of a name that others use too: ProgramError where one is none, so that its bytes are compared."""
    try:
        compare_text(recorded, seen, tally)
    except UnreadableError as error:
        raise ProgramError(str(error)) from error


def _compare_line(a: str, b: str, tally: Tally, where: str) -> None:
    settled, kinds = settle(a, b) if tally.differing < MOST_TRIED else (b, frozenset())
    if settled != a and (words := _NUMBER.split(a)) == _NUMBER.split(settled) and len(words) > 1:
        pairs = zip(_NUMBER.findall(a), _NUMBER.findall(settled), strict=True)
        for place, (x, y) in enumerate(pairs, 1):
            _compare_cells(x, y, tally, f"{where}, number {place}")
    else:
        tally.text(where, a.rstrip("\r\n"), b.rstrip("\r\n"), kinds=kinds if settled == a else frozenset())
