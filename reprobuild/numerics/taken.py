"""Which pins took, as the processes of a run told: a stranger's words, read strictly."""

from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from reprobuild.numerics.pins import Profile, published_pins

MAX_DETAIL = 300
"""Characters that are kept of what a check found."""


def parse_taken(told: Iterable[JsonValue]) -> dict[str, JsonValue]:
    """`found.pins` of a record, from all of a run's processes: a pin took when it did in each that has its library."""
    known = {pin.id for pin in published_pins()}
    found: dict[str, JsonValue] = {}
    for process in told:
        for name, took, detail in _read(process):
            before = found.get(name)
            if name in known and (before is None or (not took and _took(before))):
                found[name] = {"took": took, "detail": detail[:MAX_DETAIL].replace("\0", "")}
    return dict(sorted(found.items()))


def _read(process: JsonValue) -> Iterator[tuple[str, bool, str]]:
    for name, value in process.items() if isinstance(process, dict) else ():
        if isinstance(value, dict):
            took, detail = value.get("took"), value.get("detail")
            if isinstance(took, bool) and isinstance(detail, str):
                yield name, took, detail


def _took(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.get("took") is True


def taken_pins(found: Mapping[str, JsonValue]) -> list[str]:
    """The pins that a record's `found` tells of, took they or not."""
    return sorted(name for name, _, _ in _read(found.get("pins")))


def missed_pins(found: Mapping[str, JsonValue]) -> dict[str, str]:
    """The pins that did not take, and what was found instead; what they pin is then unchecked."""
    return {name: detail for name, took, detail in sorted(_read(found.get("pins"))) if not took}


def missed_lines(found: Mapping[str, JsonValue], profile: Profile) -> Iterator[str]:
    """A line for each pin that did not take."""
    for name, detail in missed_pins(found).items():
        yield f"warning: numerics {profile}: pin {name} did not take: {detail}"
