"""Where a training's random numbers came from, as its processes told it: seeds of its own, and what has none.

It was written by programs that nobody vouches for: entries of another shape are left out, and lists are bounded.
"""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from reprobuild.ground.canonical import canonical_json

KINDS = ("own_seeds", "unseeded", "not_seeded")
MOST = 100
"""Entries of a kind."""
LONGEST = 200
"""Characters of a text."""
WORDS = 9
LARGEST = 2**53
"""Of the integers that JSON readers agree on (RFC 8259, section 6)."""
SHOWN = 3
"""Entries in a line for a person."""
Entry = dict[str, JsonValue]


def merge_sources(processes: Iterable[Mapping[str, JsonValue]], folder: str) -> dict[str, JsonValue]:
    """What processes told of every kind, each entry once with its count over all; `folder` holds the source tree."""
    found: dict[str, JsonValue] = {}
    told = list(processes)
    for kind in KINDS:
        merged: dict[bytes, Entry] = {}
        counts: dict[bytes, int] = {}
        for process in told:
            for entry, count in _entries(process.get(kind), kind, folder):
                key = canonical_json(entry)
                merged[key] = entry
                counts[key] = min(counts.get(key, 0) + count, LARGEST)
        found[kind] = [{**merged[key], "count": counts[key]} for key in sorted(merged)[:MOST]]
    return found


def _entries(value: JsonValue, kind: str, folder: str) -> Iterable[tuple[Entry, int]]:
    """Those of the right shape, and how often."""
    for item in value[: 2 * MOST] if isinstance(value, list) else []:
        if isinstance(item, dict) and (entry := _program(item) if kind == "not_seeded" else _place(item, folder)):
            if kind == "own_seeds":
                entry["value"] = _value(item.get("value"))
            yield entry, _count(item.get("count"))


def _place(item: Entry, folder: str) -> Entry | None:
    what, file, line = item.get("what"), item.get("file"), item.get("line")
    if not isinstance(what, str) or not isinstance(file, str) or not isinstance(line, int):
        return None
    return {"what": _text(what), "file": _text(file.removeprefix(folder + "/")), "line": min(max(line, 0), LARGEST)}


def _program(item: Entry) -> Entry | None:
    argv, why = item.get("argv"), item.get("why")
    if not isinstance(argv, list) or not isinstance(why, str):
        return None
    return {"argv": [_text(word) for word in argv[:WORDS] if isinstance(word, str)], "why": _text(why)}


def _text(text: str) -> str:
    return text[:LONGEST].replace("\0", "")


def _count(value: JsonValue) -> int:
    return min(max(value, 1), LARGEST) if isinstance(value, int) else 1


def _value(value: JsonValue) -> JsonValue:
    if isinstance(value, int | float) and abs(value) <= LARGEST:
        return value
    return _text(str(value)) if isinstance(value, str | int | float) else None


def not_told(command: Sequence[str], why: str) -> JsonValue:
    """The one entry of `not_seeded` for a main program that never told of itself."""
    return [{"argv": [_text(word) for word in command[:WORDS]], "why": why, "count": 1}]


def render_sources(found: Mapping[str, JsonValue]) -> list[str]:
    """One line for each kind of source that a user may not expect."""
    lines = []
    for kind, lead in (
        ("not_seeded", "warning: not seeded"),
        ("unseeded", "warning: other in each run"),
        ("own_seeds", "note: the script's own seeds win over [run] seed"),
    ):
        entries = found.get(kind)
        if isinstance(entries, list) and entries:
            shown = [render_source(entry, kind) for entry in entries[:SHOWN] if isinstance(entry, dict)]
            more = [f"and {len(entries) - SHOWN} more in the record"] if len(entries) > SHOWN else []
            lines.append(f"{lead}: {'; '.join([*shown, *more])}")
    return lines


def render_source(entry: Mapping[str, JsonValue], kind: str) -> str:
    """One entry: what it is, and where."""
    if kind == "not_seeded":
        argv = entry.get("argv")
        return f"{' '.join(str(word) for word in argv) if isinstance(argv, list) else ''} ({entry.get('why')})"
    call = f"{entry.get('what')}({entry.get('value')})" if kind == "own_seeds" else str(entry.get("what"))
    return f"{call} at {entry.get('file')}:{entry.get('line')}"
