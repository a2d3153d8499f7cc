"""The doors to the outside that steps are given, opened once for a command."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reprobuild.engines.engine import Engine
from reprobuild.engines.sandbox import Sandbox
from reprobuild.tools.process import Runner, run_process
from reprobuild.tools.settings import Settings
from reprobuild.tools.store import Store

if TYPE_CHECKING:
    from reprobuild.steps.lock.python import Outside
    from reprobuild.tools.channels import Channels
    from reprobuild.tools.fetch import Fetcher
    from reprobuild.tools.pip import PipSources
    from reprobuild.tools.registry import Repository


@dataclass(frozen=True)
class World:
    """Everything a step may touch beyond its arguments; what only some commands need is opened when it is asked for."""

    settings: Settings
    store: Store
    runner: Runner = run_process
    engine: Engine = field(default_factory=Sandbox)

    @cached_property
    def pip(self) -> "PipSources":
        """pip's own configuration."""
        from reprobuild.tools.pip import read_pip_sources

        return read_pip_sources(self.runner)

    @cached_property
    def fetch(self) -> "Fetcher":
        """Downloads with pip's certificates, proxy and trusted hosts, and the passwords of ~/.netrc."""
        from reprobuild.tools.fetch import HttpFetcher

        return HttpFetcher(
            certificates=self.pip.certificates,
            client_certificate=self.pip.client_certificate,
            proxy=self.pip.proxy,
            trusted_hosts=self.pip.trusted_hosts,
            netrc=self.settings.netrc,
            timeout=self.pip.timeout,
        )

    @cached_property
    def channels(self) -> "Channels":
        """Where conda channels are."""
        from reprobuild.tools.channels import read_channels

        return read_channels(self.settings)

    def repository(self, registry: str, name: str) -> "Repository":
        """A repository of a registry at the place of the user's settings, with the user's login for that place."""
        from reprobuild.tools.fetch import open_client
        from reprobuild.tools.logins import Logins
        from reprobuild.tools.registry import Repository, place_of

        client = open_client(
            certificates=self.pip.certificates,
            client_certificate=self.pip.client_certificate,
            proxy=self.pip.proxy,
            trusted_hosts=self.pip.trusted_hosts,
            timeout=self.pip.timeout,
            follow_redirects=False,
        )
        logins = Logins(self.settings.logins, self.settings.netrc)
        return Repository(place_of(registry, self.settings.registry(registry)), name, client, logins.of)

    @property
    def python_doors(self) -> "Outside":
        """What locking wheels needs."""
        from reprobuild.steps.lock.python import Outside

        return Outside(self.fetch, self.runner, self.store, self.pip)
