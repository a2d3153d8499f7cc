"""Metrics: one flat JSON object of finite numbers."""

import re
import sys

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError

MAX_SIZE = 1 << 20
_CONSTANT = re.compile(r'"([^"\n]*)"\s*:\s*(-?(?:NaN|Infinity))\s*[,}]')
"""What Python writes for numbers that JSON has no word for."""


def parse_metrics(data: bytes, subject: str) -> dict[str, float]:
    """Names to numbers; InputError for anything else."""
    if constant := _CONSTANT.search(data[:MAX_SIZE].decode(errors="replace")):
        raise InputError(f"{subject}: {constant[1]}: {constant[2]} is not a finite number")
    table = parse_json(data, subject, max_size=MAX_SIZE)
    if not isinstance(table, dict):
        raise InputError(f"{subject}: not a JSON object")
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > sys.float_info.max:
            raise InputError(f"{subject}: {name}: {str(value)[:50]} is not a finite number")
    return {name: float(value) for name, value in table.items()}
