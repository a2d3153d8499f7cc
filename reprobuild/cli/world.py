"""Opening the outside world for one command: settings, store, and a clean end on a signal."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from reprobuild.hardware.fingerprint import EngineName
from reprobuild.steps.world import World
from reprobuild.tools.settings import Settings, read_settings
from reprobuild.tools.store import Store


@contextmanager
def open_world(engine: EngineName | None = None) -> Iterator[World]:
    """The world of the user who runs this command; SIGTERM unwinds like Ctrl-C, so nothing is left half done.

    A command that runs an image names its engine, see `cli.options.choose_engine`.
    """
    settings = read_settings(os.environ)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield _world(settings, engine)
    finally:
        signal.signal(signal.SIGTERM, before)


def _world(settings: Settings, engine: EngineName | None) -> World:
    if engine is None:
        return World(settings, Store(settings.store))
    from reprobuild.engines.find import open_engine

    return World(settings, Store(settings.store), engine=open_engine(engine, os.environ))


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
