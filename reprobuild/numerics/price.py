"""What a numerics profile costs on a machine, by the times of the numeric probe."""

from reprobuild.numerics.document import Numerics

LEAST = 0.02
"""Seconds below which a time says nothing."""


def price(native: Numerics, pinned: Numerics) -> dict[str, float]:
    """How many times as long each library's operations took under the profile; those that both sides timed."""
    return {
        name: seconds / native.seconds[name]
        for name, seconds in sorted(pinned.seconds.items())
        if not name.endswith(".import") and min(seconds, native.seconds.get(name, 0.0)) >= LEAST
    }


def render_price(native: Numerics, pinned: Numerics) -> str:
    """One line for after a run; empty where nothing can be said."""
    ratios = price(native, pinned)
    if not ratios or native.profile == pinned.profile:
        return ""
    told = ", ".join(f"{name} {ratio:.1f}" for name, ratio in ratios.items())
    return f"numerics {pinned.profile}: the probe's operations took this many times as long as natively here: {told}"
