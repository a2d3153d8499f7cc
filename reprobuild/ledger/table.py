"""Rows as a table for people: one line a run, the values that tell runs apart, and no more than a terminal is wide."""

from collections.abc import Sequence, Set

from reprobuild.ground.text import shown
from reprobuild.ledger.row import FACTS, METRIC, PARAM, UNREADABLE, Row, Value
from reprobuild.ledger.select import resolve, spell

MISSING = "–"
GAP = "  "
MAX_CELL, MAX_SHOWN = 32, 1000
"""Characters of a cell in a terminal, and elsewhere."""
DIGESTS = ("image", "lock", "source")


def render_listing(rows: Sequence[Row], columns: Sequence[str], known: Set[str], width: int | None) -> str:
    """The table with these columns, or with those that tell the runs apart; in a terminal as wide as it is."""
    names = [resolve(name.strip(), known, "--columns") for name in columns] or choose_columns(rows, known)
    return render_table(rows, names, known, width)


def choose_columns(rows: Sequence[Row], known: Set[str]) -> list[str]:
    """Those that are shown when none are asked for: of hyperparameters, the ones that are not the same everywhere."""
    read = [row for row in rows if row.values["status"] != UNREADABLE]
    params = [name for name in sorted(known) if name.startswith(PARAM) and _varies(read, name)]
    metrics = [name for name in sorted(known) if name.startswith(METRIC) and _is_there(read, name)]
    last = [name for name in ("ending", "note") if _is_there(rows, name)]
    return ["run", "status", "seed", *params, *metrics, "seconds", *last]


def _varies(rows: Sequence[Row], name: str) -> bool:
    values = [row.values.get(name) for row in rows]
    return any(value != values[0] or type(value) is not type(values[0]) for value in values)


def _is_there(rows: Sequence[Row], name: str) -> bool:
    return any(name in row.values for row in rows)


def heading(name: str, known: Set[str]) -> str:
    """The short name, where it means nothing else."""
    short = name.removeprefix(METRIC).removeprefix(PARAM)
    return short if short not in FACTS and sum(p + short in known for p in (METRIC, PARAM)) == 1 else name


def render_cell(value: Value | None) -> str:
    """A value on one line, numbers to six digits; the whole value is in the JSON."""
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.6g}"
    first, _, rest = spell(value).partition("\n")
    return shown(f"{first} …" if rest else first, MAX_SHOWN)


def _column(rows: Sequence[Row], name: str) -> list[str]:
    if name == "run":
        return [row.run for row in rows]
    if name in DIGESTS:
        return [str(row.values.get(name, MISSING))[:12] for row in rows]
    keys = [(type(value), value) for value in (row.values.get(name) for row in rows)]
    texts = {key: render_cell(key[1]) for key in set(keys)}  # of thousands of runs, few values are new
    return [texts[key] for key in keys]


def render_table(rows: Sequence[Row], columns: Sequence[str], known: Set[str], width: int | None) -> str:
    """The table; in a terminal of `width` characters columns that do not fit are left out, and named below it."""
    heads = [shown(heading(name, known), MAX_CELL) for name in columns]
    cells = [[head, *_column(rows, name)] for head, name in zip(heads, columns, strict=True)]
    widths = [max(map(len, column)) for column in cells]
    kept = list(range(len(columns)))
    if width is not None:
        widths = [min(size, MAX_CELL) for size in widths]
        kept = _fitting(widths, width)
    right = [name != "run" and _are_numbers(rows, name) for name in columns]
    padded = [_pad(cells[at], widths[at], right[at]) for at in kept]
    lines = [GAP.join(line)[:width].rstrip() for line in zip(*padded, strict=True)]
    if left_out := [heads[at] for at in range(len(columns)) if at not in kept]:
        lines.append(f"left out for want of room: {', '.join(left_out)} (--columns chooses)")
    return "\n".join(lines)


def _are_numbers(rows: Sequence[Row], name: str) -> bool:
    return {type(row.values.get(name)) for row in rows} <= {int, float, type(None)}


def _pad(cells: Sequence[str], size: int, right: bool) -> list[str]:
    cut = [text if len(text) <= size else text[: size - 1] + "…" for text in cells]
    return [text.rjust(size) for text in cut] if right else [text.ljust(size) for text in cut]


def _fitting(widths: Sequence[int], width: int) -> list[int]:
    """The columns that have room, the leftmost first; the first one always."""
    kept: list[int] = []
    used = 0
    for at, size in enumerate(widths):
        if not kept or used + len(GAP) + size <= width:
            used += size + (len(GAP) if kept else 0)
            kept.append(at)
    return kept
