"""Opening the outside world for one command: settings, store, and a clean end on a signal."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from reprobuild.steps.world import World
from reprobuild.tools.settings import read_settings
from reprobuild.tools.store import Store


@contextmanager
def open_world() -> Iterator[World]:
    """The world of the user who runs this command; SIGTERM unwinds like Ctrl-C, so nothing is left half done."""
    settings = read_settings(os.environ)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield World(settings, Store(settings.store))
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
