"""Metrics: one flat JSON object of finite numbers."""

import math

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError

MAX_SIZE = 1 << 20


def parse_metrics(data: bytes, subject: str) -> dict[str, float]:
    """Names to numbers; InputError for anything else."""
    table = parse_json(data, subject, max_size=MAX_SIZE)
    if not isinstance(table, dict):
        raise InputError(f"{subject}: not a JSON object")
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{subject}: {name}: {value!r} is not a finite number")
    return {name: float(value) for name, value in table.items()}
