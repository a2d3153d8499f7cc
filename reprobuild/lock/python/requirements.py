"""Requirement files: ours are checked before a resolver sees them, what a resolver wrote is read strictly."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.ground.errors import InputError

_INCLUDE = re.compile(r"(-r|-c|--requirement(?=[\s=])|--constraint(?=[\s=]))(?:\s*|=)([^\s=]\S*)")
_CONSTRAINS = ("-c", "--constraint")
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
            where = f"{path}:{number}: {_without_url(found[2])}"
            yield check_file_name(posixpath.join(posixpath.dirname(path), found[2]), where), found[1] in _CONSTRAINS


def check_file_name(path: str, subject: str) -> str:
    """The normal form of a requirement file's path; InputError unless it is a text file inside the project."""
    normal = posixpath.normpath(path)
    if path.startswith("/") or normal.split("/")[0] == ".." or ":" in path or "\\" in path:
        raise InputError(f"{subject}: not a file inside the project")
    if not normal.endswith((".in", ".txt")):
        # To pip-tools, setup.py and pyproject.toml are projects whose build code it runs.
        raise InputError(f"{subject}: not a requirement file", hint="name it with .in or .txt at the end")
    return normal


def parse_requirements(text: str, path: str) -> list[Requirement]:
    """The requirements of one file, its includes aside; InputError with file and line for anything that is not one."""
    found = []
    for number, line in logical_lines(text):
        if _INCLUDE.fullmatch(line):
            continue
        where = f"{path}:{number}"
        if line.startswith("-"):
            option = re.split(r"[\s=]", line)[0] if line.startswith("--") else line[:2]
            raise InputError(
                f"{where}: {option}: a requirement file names packages, not places or options",
                hint="where packages come from is pip's own configuration: pip config set global.extra-index-url …",
            )
        if found_option := re.search(r"\s(--[a-z-]+)", line):
            raise InputError(f"{where}: {found_option[1]}: options of a requirement are not read")
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
        pin = Pin(canonicalize_name(requirement.name), version, hashes)
        # uv names a project once for each set of extras that somebody asks for.
        if pins.setdefault(pin.name, pin) != pin:
            raise InputError(f"{where}: {pin.name} is pinned twice, and not to the same files")
    return pins
