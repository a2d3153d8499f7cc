"""Where Python packages are, as pip is configured on this machine; and what those places offer."""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.lock.python.wheels import Offer
from reprobuild.tools.fetch import Fetcher, MissingError, redact
from reprobuild.tools.process import Runner

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
MAX_PAGE = 256 << 20
_DEFAULT = "from pip._internal.cli.cmdoptions import index_url; print(index_url().default)"


@dataclass(frozen=True)
class PipSources:
    """pip's own configuration: indexes (the main one first), folders or pages of files, proxy, seconds."""

    indexes: tuple[str, ...]
    find_links: tuple[str, ...]
    certificates: str = ""
    proxy: str = ""
    timeout: float = 60


def read_pip_sources(runner: Runner) -> PipSources:
    """What `pip config list` says, with pip's own default index where none is configured."""
    listed = runner([sys.executable, "-m", "pip", "config", "list"])
    if listed.status:
        raise ToolError(f"pip config list: {listed.stderr.strip().splitlines()[-1:]}")
    settings = _settings(listed.stdout)
    index = settings.get("index-url") or runner([sys.executable, "-c", _DEFAULT]).stdout.strip()
    indexes = [] if settings.get("no-index") in ("1", "true", "True", "yes") else [index]
    indexes += settings.get("extra-index-url", "").split() if indexes else []
    return PipSources(
        indexes=tuple(indexes),
        find_links=tuple(settings.get("find-links", "").split()),
        certificates=settings.get("cert", ""),
        proxy=settings.get("proxy", ""),
        timeout=float(settings.get("timeout") or settings.get("default-timeout") or 15),
    )


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

    def offers(self, name: str) -> list[Offer]:
        """All files of a project at all sources; a source that does not know it offers nothing."""
        found = []
        for index in self._sources.indexes:
            try:
                found += self._page(f"{index.rstrip('/')}/{name}/", name)
            except MissingError:
                continue
        return found + [link for link in self._find_links() if canonicalize_name(link.filename.split("-")[0]) == name]

    def _find_links(self) -> list[Offer]:
        if self._links is None:
            self._links = []
            for place in self._sources.find_links:
                folder = Path(urlsplit(place).path if place.startswith("file:") else place)
                if "://" not in place or place.startswith("file:"):
                    names = sorted(path for path in folder.glob("*.whl")) if folder.is_dir() else []
                    self._links += [
                        Offer(path.name, path.resolve().as_uri(), size=path.stat().st_size) for path in names
                    ]
                else:
                    self._links += self._page(place, "")
        return self._links

    def _page(self, url: str, name: str) -> list[Offer]:
        from pypi_simple import ProjectPage, UnsupportedRepoVersionError

        place = url + "index.html" if url.startswith("file:") else url
        body, media = self._fetch.read(place, limit=MAX_PAGE, accept=ACCEPT)
        try:
            if media.endswith("json"):
                page = ProjectPage.from_json_data(parse_json(body, redact(url), max_size=MAX_PAGE), url)
            else:
                page = ProjectPage.from_html(name, body, url)
        except (ValueError, KeyError, TypeError, UnsupportedRepoVersionError) as error:
            raise InputError(f"{redact(url)}: not a page of the simple repository API: {error}") from error
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
        text = text.replace(url, redact(url)) if url else text
    return text
