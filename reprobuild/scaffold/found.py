"""A fact with the place where it stands: nothing is claimed of a folder without one."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Found:
    """What a file says: `what` is the kind of fact and `value` the fact; `line` counts from 1, 0 is the whole file."""

    what: str
    value: str
    path: str
    line: int = 0

    @property
    def at(self) -> str:
        """`train.py:12`."""
        return f"{self.path}:{self.line}" if self.line else self.path
