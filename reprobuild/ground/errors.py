"""The errors of the program, each with its exit status."""

from collections.abc import Iterator
from contextlib import contextmanager


class ReprobuildError(Exception):
    """One line with its subject first; `hint` says what to try, `status` is the exit status."""

    status = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@contextmanager
def hinting(hint: str) -> Iterator[None]:
    """Within it, an error that has no hint of its own gets this one."""
    try:
        yield
    except ReprobuildError as error:
        error.hint = error.hint or hint
        raise


class UsageError(ReprobuildError):
    """The command line asks for something that does not exist or does not go together."""

    status = 2


class InputError(ReprobuildError):
    """A project file, lock, bundle or download is not what it must be."""

    status = 3


class ToolError(ReprobuildError):
    """A tool, an engine, the machine or the training failed."""

    status = 4


class TrustError(ReprobuildError):
    """A signature is missing, bad, expired or by a key that is not trusted."""

    status = 5
