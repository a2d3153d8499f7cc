"""How a long step tells how far it is; only the command line draws."""

from typing import Protocol


class Progress(Protocol):
    """Stages one after another; a stage counts bytes or things."""

    def begin(self, title: str, total: int) -> None:
        """A new stage of `total` units."""
        ...

    def advance(self, amount: int = 1) -> None:
        """`amount` units more are done; called from any thread."""
        ...

    def note(self, line: str) -> None:
        """A line for the reader."""
        ...


class Silent:
    """Progress that nobody watches."""

    def begin(self, title: str, total: int) -> None:
        """See `Progress.begin`."""

    def advance(self, amount: int = 1) -> None:
        """See `Progress.advance`."""

    def note(self, line: str) -> None:
        """See `Progress.note`."""
