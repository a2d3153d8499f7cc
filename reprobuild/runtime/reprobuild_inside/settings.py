"""What a run asks of the processes in it."""

import os
from typing import Optional


def number(name: str, default: Optional[int]) -> Optional[int]:
    """A variable's decimal number, or the default."""
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else default


SEED = number("REPROBUILD_SEED", 0)
THREADS = number("REPROBUILD_THREADS", 1)
