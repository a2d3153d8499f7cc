"""Where Python packages are, as pip is configured on this machine; and what those places offer."""

import ast
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.lock.python.wheels import Offer
from reprobuild.tools.fetch import Fetcher, ForbiddenError, MissingError, redact
from reprobuild.tools.process import Runner

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
MAX_PAGE = 256 << 20
TRUE = ("1", "true", "yes", "on", "y", "t")
"""How pip's configuration spells true, in lower case (distutils.util.strtobool)."""
_DEFAULT = "from pip._internal.cli.cmdoptions import index_url; print(index_url().default)"


@dataclass(frozen=True)
class PipSources:
    """pip's own configuration: indexes (the main one first), folders or pages of files, proxy, seconds."""

    indexes: tuple[str, ...]
    find_links: tuple[str, ...]
    certificates: str = ""
    client_certificate: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    timeout: float = 60


def read_pip_sources(runner: Runner) -> PipSources:
    """What `pip config list` says, with pip's own default index where none is configured; folders are absolute."""
    settings = _settings(_pip_says(runner, ["-m", "pip", "config", "list"]))
    indexes: list[str] = []
    if settings.get("no-index", "").lower() not in TRUE:
        main = settings.get("index-url") or _pip_says(runner, ["-c", _DEFAULT]).strip()
        indexes = [main, *settings.get("extra-index-url", "").split()]
    try:
        timeout = float(settings.get("timeout") or settings.get("default-timeout") or 15)
    except ValueError as error:
        raise InputError(f"pip's configuration: timeout: {error}") from error
    return PipSources(
        indexes=tuple(indexes),
        find_links=tuple(map(_absolute, settings.get("find-links", "").split())),
        certificates=settings.get("cert", ""),
        client_certificate=settings.get("client-cert", ""),
        proxy=settings.get("proxy", ""),
        trusted_hosts=tuple(settings.get("trusted-host", "").split()),
        timeout=timeout,
    )


def _pip_says(runner: Runner, arguments: Sequence[str]) -> str:
    done = runner([sys.executable, *arguments])
    if done.status:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise ToolError(f"pip's configuration cannot be read: {last[0]}")
    return done.stdout


def _absolute(place: str) -> str:
    """A page's URL as it is, a folder from the root: resolvers run in a folder of their own."""
    return place if "://" in place or place.startswith("file:") else str(Path(place).expanduser().absolute())


def _settings(listing: str) -> Mapping[str, str]:
    # pip prints files from the weakest to the strongest, sections apart and variables last.
    found: dict[tuple[int, str], str] = {}
    for line in listing.splitlines():
        key, equals, value = line.partition("=")
        section, _, name = key.partition(".")
        if equals and section in ("global", "install", ":env:"):
            rank = ("global", "install", ":env:").index(section)
            found[rank, name] = str(ast.literal_eval(value))
    return {name: value for (_, name), value in sorted(found.items())}


class PipIndex:
    """The files that pip's sources offer, by project name."""

    def __init__(self, sources: PipSources, fetch: Fetcher) -> None:
        self._sources, self._fetch = sources, fetch
        self._links: list[Offer] | None = None
        self._alone = Lock()

    def offers(self, name: str) -> list[Offer]:
        """All files of a project at all sources; a source that does not know it offers nothing."""
        found = []
        for index in self._sources.indexes:
            try:
                found += self._page(f"{index.rstrip('/')}/{name}/", name)
            except (MissingError, ForbiddenError):
                continue
        return found + [link for link in self._find_links() if canonicalize_name(link.filename.split("-")[0]) == name]

    def _find_links(self) -> list[Offer]:
        with self._alone:
            if self._links is None:
                self._links = [offer for place in self._sources.find_links for offer in self._linked(place)]
            return self._links

    def _linked(self, place: str) -> list[Offer]:
        if "://" in place and not place.startswith("file:"):
            try:
                return self._page(place, "")
            except MissingError:
                return []  # as pip does, which only warns
        path = Path(unquote(urlsplit(place).path) if place.startswith("file:") else place)
        if path.is_file():  # pip takes a page of links as well as a folder
            return self._page(path.as_uri(), "")
        files = sorted(path.glob("*.whl")) + sorted(path.glob("*.tar.gz")) if path.is_dir() else []
        return [Offer(file.name, file.absolute().as_uri(), size=file.stat().st_size) for file in files]

    def _page(self, url: str, name: str) -> list[Offer]:
        from pypi_simple import ProjectPage, UnsupportedRepoVersionError

        place = url + "index.html" if url.startswith("file:") and url.endswith("/") else url
        body, media, final = self._fetch.read(place, limit=MAX_PAGE, accept=ACCEPT)
        url = url if place != url else final
        try:
            if media.endswith("json"):
                page = ProjectPage.from_json_data(parse_json(body, redact(url), max_size=MAX_PAGE), url)
            else:
                page = ProjectPage.from_html(name, body, url)
        except (ValueError, KeyError, TypeError, UnsupportedRepoVersionError) as error:
            reason = " ".join(str(error).split())[:200]  # pydantic explains itself over several lines
            raise InputError(f"{redact(url)}: not a page of the simple repository API: {reason}") from error
        return [
            Offer(
                filename=item.filename,
                url=_with_credentials(urljoin(url, item.url).partition("#")[0], url),
                sha256=item.digests.get("sha256", ""),
                size=item.size,
                metadata_sha256=(item.metadata_digests or {}).get("sha256", "") if item.has_metadata else None,
            )
            for item in page.packages
        ]


def _with_credentials(url: str, index: str) -> str:
    """The file's URL with the index's user and password where both are on one host, as pip does."""
    file, page = urlsplit(url), urlsplit(index)
    if page.username is None or file.username is not None or file.hostname != page.hostname:
        return url
    return urlunsplit(file._replace(netloc=page.netloc.rpartition("@")[0] + "@" + file.netloc))


def no_credentials(text: str, sources: PipSources) -> str:
    """`text` without any user name and password of pip's sources; for messages of other tools."""
    for url in (*sources.indexes, *sources.find_links, sources.proxy):
        user = urlsplit(url).netloc.rpartition("@")[0]
        text = text.replace(f"{user}@", "") if user else text
    return text
