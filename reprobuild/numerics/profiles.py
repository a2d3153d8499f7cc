"""The numerics profiles: `native`, as fast as the machine goes, and `portable`, pinned so that other CPUs agree."""

from collections.abc import Sequence

from pydantic import JsonValue

from reprobuild.ground.canonical import canonical_json
from reprobuild.numerics.pins import Pin, Profile, published_pins

IN_PROCESS = ("id", "library", "versions", "after", "environment", "call", "value", "check")
"""What the runtime needs to know of a pin."""
NEEDED: dict[Profile, tuple[str, ...]] = {"native": (), "portable": ("avx2", "fma")}
"""Flags of /proc/cpuinfo that a profile's kernels ask for: Intel's CPUs have them from Haswell on (2013), AMD's from
Excavator on (2015)."""


def environment(profile: Profile, threads: int) -> dict[str, str]:
    """The variables that a profile sets in a run, by name."""
    found: dict[str, str] = {}
    for pin in _pins(profile):
        found |= {name: _fill(value, threads) for name, value in pin.environment.items()}
    return dict(sorted(found.items()))


def inside(profile: Profile, threads: int) -> bytes:
    """`numerics.json` as the runtime reads it in a run: the profile and its pins, in the order of the table."""
    pins: list[JsonValue] = []
    for pin in _pins(profile):
        told = pin.model_dump(mode="json", include=set(IN_PROCESS))
        told["value"] = _fill(pin.value, threads)
        told["environment"] = {name: _fill(value, threads) for name, value in pin.environment.items()}
        pins.append(told)
    return canonical_json({"profile": profile, "threads": threads, "pins": pins})


def missing_flags(profile: Profile, flags: Sequence[str]) -> tuple[str, ...]:
    """What a CPU lacks to compute under a profile; nothing where its flags are not known."""
    return tuple(name for name in NEEDED[profile] if flags and name not in flags)


def _pins(profile: Profile) -> list[Pin]:
    return [pin for pin in published_pins() if profile in pin.profiles]


def _fill(value: str, threads: int) -> str:
    return value.replace("{threads}", str(threads))
