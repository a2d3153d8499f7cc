"""Where conda channels are: the user's own settings, then conda's configuration, then conda's default."""

import os
from dataclasses import dataclass, field

from reprobuild.ground.errors import ReprobuildError, ToolError
from reprobuild.ground.urls import without_credentials
from reprobuild.lock.conda.lockfile import Place
from reprobuild.tools.condarc import Condarc, read_condarc
from reprobuild.tools.fetch import Fetcher
from reprobuild.tools.settings import Settings, plain_name

SCHEMES = ("http://", "https://", "file://")


@dataclass(frozen=True)
class Channels:
    """Names of channels to places; a place may hold credentials: it is for use, never to be shown or stored."""

    settings: Settings
    condarc: Condarc = field(default_factory=Condarc)

    def places(self, channel: str) -> tuple[str, ...]:
        """Where a channel is, the user's own places first; ToolError when nothing says so."""
        own = tuple(place.rstrip("/") for place in self.settings.conda.get(plain_name(channel), ()))
        found = own or self.condarc.places(channel)
        if not found and channel != "defaults":
            found = (default_place(channel),)
        if not found or not all(place.startswith(SCHEMES) for place in found):
            variable = "REPROBUILD_CONDA_" + plain_name(channel).upper().replace("-", "_")
            told = "no place is known" if not found else "its place is no http, https or file URL"
            raise ToolError(
                f"channel {channel}: {told}",
                hint=f"set {variable} to where it is, or custom_channels in ~/.condarc "
                "(default_channels for the channel defaults)",
            )
        return found

    def members(self, channel: str, fetch: Fetcher) -> tuple[str, ...]:
        """Where a solver looks: all places that conda's configuration lists, or the first of the user's own alive."""
        places = self.places(channel)
        if plain_name(channel) not in self.settings.conda or len(places) == 1:
            return places
        for place in places[:-1]:
            try:
                with fetch.stream(f"{place}/noarch/repodata.json", offset=0):
                    return (place,)
            except ReprobuildError:
                continue
        return places[-1:]

    def named(self, channel: str) -> list[Place]:
        """Every place of a channel as conda-lock.yml may have it: without credentials, and the public one beside it."""
        return [Place(channel, without_credentials(place), default_place(channel)) for place in self.places(channel)]


def read_channels(settings: Settings) -> Channels:
    """The channels of the user whose settings these are."""
    return Channels(settings, read_condarc(os.environ, settings.home))


def default_place(channel: str) -> str:
    """Where conda's own default configuration has a channel of this name, as the library knows it."""
    from rattler import Channel

    return Channel(channel).base_url.rstrip("/")
