"""`conda-lock.yml` (conda-lock's format 1): read strictly, and written without the places that this machine uses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from reprobuild.ground.digests import is_sha256
from reprobuild.ground.errors import InputError
from reprobuild.lock.artifact import CONDA_PATH

MAX_FILE = 64 << 20
PLATFORM = "linux-64"


@dataclass(frozen=True)
class Place:
    """One channel by name: where this machine found it, and where everybody finds it."""

    channel: str
    used: str
    public: str


@dataclass(frozen=True)
class Locked:
    """One package as conda-lock tells it; `sha256` is empty where the channel tells none."""

    name: str
    version: str
    channel: str
    path: str
    url: str
    """Where this machine found it."""
    sha256: str


class CondaLockFile:
    """The file that conda-lock wrote; nothing of it is trusted before it was looked at."""

    def __init__(self, data: bytes, subject: str, places: Sequence[Place]) -> None:
        self._subject, self._places = subject, sorted(places, key=lambda place: -len(place.used))
        self._comment = "".join(re.findall(r"^#[^\n]*\n", data.decode(errors="replace"), re.MULTILINE))
        self._table = _load(data, subject)
        self.packages = [self._read(item) for item in self._items()]
        names = [package.name for package in self.packages]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"{subject}: {twice[0]} is in it twice")

    def _items(self) -> list[dict[str, object]]:
        items = self._table.get("package")
        if self._table.get("version") != 1 or not isinstance(items, list):
            raise InputError(f"{self._subject}: not format 1 of conda-lock")
        return items

    def _read(self, item: dict[str, object]) -> Locked:
        if not isinstance(item, dict):
            raise InputError(f"{self._subject}: package: not a mapping")
        name, version, url, hashes = (item.get(key) for key in ("name", "version", "url", "hash"))
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else ""
        if not (isinstance(name, str) and isinstance(version, str) and isinstance(url, str)):
            raise InputError(f"{self._subject}: package: no name, version or url")
        if item.get("manager") != "conda" or item.get("platform") != PLATFORM:
            raise InputError(f"{self._subject}: {name}: not a conda package for {PLATFORM}")
        if sha256 and not (isinstance(sha256, str) and is_sha256(sha256)):
            raise InputError(f"{self._subject}: {name}: {str(sha256)[:80]!r} is no sha256")
        place, path = self._locate(name, url)
        return Locked(name, version, place.channel, path, url, str(sha256 or ""))

    def _locate(self, name: str, url: str) -> tuple[Place, str]:
        """The channel that a URL belongs to, and the package's place in it."""
        for place in self._places:
            if url.startswith(place.used + "/") and re.fullmatch(CONDA_PATH, url.removeprefix(place.used + "/")):
                return place, url.removeprefix(place.used + "/")
        raise InputError(
            f"{self._subject}: {name}: it comes from none of the environment's channels",
            hint="set where each channel is in [conda] of config.toml, so that every program looks at the same place",
        )

    def render(self, sha256: Mapping[str, str]) -> str:
        """The file with public places and with a SHA-256 for every package (by name); for `conda-lock install`."""
        for item, package in zip(self._items(), self.packages, strict=True):
            place, path = self._locate(package.name, package.url)
            item["url"] = f"{place.public}/{path}"
            hashes = item["hash"] if isinstance(item.get("hash"), dict) else {}
            assert isinstance(hashes, dict)
            item["hash"] = {**hashes, "sha256": sha256[package.name]}
        return self._comment + yaml.dump(self._table, sort_keys=False)


def _load(data: bytes, subject: str) -> dict[str, object]:
    if len(data) > MAX_FILE:
        raise InputError(f"{subject}: larger than {MAX_FILE} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        table = yaml.load(data, loader)  # noqa: S506  # both are safe loaders
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{subject}: not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(table, dict):
        raise InputError(f"{subject}: not a mapping")
    return table
