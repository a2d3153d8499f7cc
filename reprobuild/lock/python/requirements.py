"""Requirement files: what travels in them is checked before a resolver sees it, and what a resolver wrote is read strictly."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.ground.errors import InputError

_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s+|=)(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One exact version, and the digests that its files may have."""

    name: str
    version: Version
    hashes: frozenset[str]


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with the number of their first: continued lines joined, comments dropped."""
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if joined else number
        joined += re.sub(r"(^|\s)#.*$", "", line)
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        if joined.strip():
            yield start, " ".join(joined.split())
        joined = ""
    if joined.strip():
        yield start, " ".join(joined.split())


def included_files(text: str, path: str) -> Iterator[tuple[str, bool]]:
    """The files that a requirement file includes, relative to the project, and whether each only constrains."""
    for number, line in logical_lines(text):
        if found := _INCLUDE.fullmatch(line):
            name = str(PurePosixPath(path).parent / found[2])
            parts = name.split("/")
            if name.startswith("/") or ".." in parts or ":" in name:
                raise InputError(f"{path}:{number}: {found[2]}: not a file inside the project")
            yield name, found[1] in ("-c", "--constraint")


def parse_requirements(text: str, path: str) -> list[Requirement]:
    """The requirements of one file, its includes aside; InputError with file and line for anything that is not one."""
    found = []
    for number, line in logical_lines(text):
        if _INCLUDE.fullmatch(line):
            continue
        where = f"{path}:{number}"
        if line.startswith("-"):
            option = re.split(r"[\s=]", line)[0]
            raise InputError(
                f"{where}: {option}: a requirement file names packages, not places or options",
                hint="where packages come from is pip's own configuration: pip config set global.extra-index-url …",
            )
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{where}: not a requirement (PEP 508): {_without_url(reason)}") from error
        if requirement.url:
            raise InputError(
                f"{where}: {requirement.name}: a direct reference names a place, not a version",
                hint="build a wheel of it, put it into a folder, and add that folder to pip's find-links",
            )
        found.append(requirement)
    return found


def _without_url(text: str) -> str:
    return re.sub(r"\S+://\S+", "<URL>", text)


def parse_pins(text: str, path: str) -> Mapping[str, Pin]:
    """What a resolver wrote, by canonical name: every line an exact version with at least one SHA-256."""
    pins: dict[str, Pin] = {}
    for number, line in logical_lines(text):
        where = f"{path}:{number}"
        hashes = frozenset(_HASH.findall(line))
        try:
            requirement = Requirement(_HASH.sub("", line).strip())
            specifiers = list(requirement.specifier)
            version = Version(specifiers[0].version) if len(specifiers) == 1 else None
        except (InvalidRequirement, InvalidVersion) as error:
            raise InputError(f"{where}: not a pinned requirement: {_without_url(line[:80])}") from error
        if version is None or specifiers[0].operator != "==" or requirement.url or not hashes:
            raise InputError(f"{where}: {requirement.name}: not pinned to one version with a hash")
        name = canonicalize_name(requirement.name)
        if name in pins:
            raise InputError(f"{where}: {name} is pinned twice")
        pins[name] = Pin(name, version, hashes)
    return pins
