"""The doors to the outside that steps are given, opened once for a command."""

from dataclasses import dataclass

from reprobuild.engines.engine import Engine
from reprobuild.tools.fetch import Fetcher
from reprobuild.tools.pip import PipSources
from reprobuild.tools.process import Runner
from reprobuild.tools.settings import Settings
from reprobuild.tools.store import Store


@dataclass(frozen=True)
class World:
    """Everything a step may touch beyond its arguments."""

    settings: Settings
    store: Store
    runner: Runner
    fetch: Fetcher
    pip: PipSources
    engine: Engine
