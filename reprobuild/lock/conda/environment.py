"""`environment.yml`, checked before conda-lock sees it: names of packages and channels, no place and no password."""

import re
import reprlib
from dataclasses import dataclass

import yaml

from reprobuild.ground.errors import InputError
from reprobuild.lock.artifact import CHANNEL

MAX_FILE = 1 << 20
KNOWN = ("name", "channels", "dependencies", "platforms", "category", "prefix")
"""The keys that conda (`conda env create`) and conda-lock read; `prefix` is where somebody's own environment was."""
NO_DEFAULTS = "nodefaults"
"""conda's word for `no other channels`: there never are any here."""


@dataclass(frozen=True)
class Environment:
    """The channels in their order of preference, and the packages as conda spells what it wants (MatchSpec)."""

    channels: tuple[str, ...]
    dependencies: tuple[str, ...]


def parse_environment(data: bytes, subject: str) -> Environment:
    """The environment that a file describes; InputError for a place, a password or a key that nobody reads."""
    table = _load(data, subject)
    if unknown := sorted(str(key) for key in table.keys() - set(KNOWN)):
        raise InputError(f"{subject}: {unknown[0]}: unknown key", hint=f"known keys: {', '.join(sorted(KNOWN))}")
    platforms = _words(table, "platforms", subject)
    if platforms and "linux-64" not in platforms:
        raise InputError(f"{subject}: platforms: {', '.join(platforms)}: images are linux-64", hint="add linux-64")
    channels = tuple(
        check_channel(channel, f"{subject}: channels")
        for channel in _words(table, "channels", subject)
        if channel != NO_DEFAULTS
    )
    if not channels:
        raise InputError(f"{subject}: channels: none", hint="add channels: [conda-forge]")
    dependencies = _dependencies(table, subject)
    for spec in dependencies:
        channel, colons, package = spec.partition("::")
        if colons and check_channel(channel, f"{subject}: dependencies") not in channels:
            raise InputError(
                f"{subject}: dependencies: {package[:100]}: {channel} is none of its channels",
                hint=f"add {channel} to channels",
            )
    return Environment(tuple(dict.fromkeys(channels)), dependencies)


def check_channel(channel: str, subject: str) -> str:
    """The channel's name; InputError for a place, which would travel with the file, and a password with it."""
    if "://" in channel and ("@" in channel or "/t/" in channel):
        raise InputError(
            f"{subject}: a URL with credentials; this file travels in every bundle",
            hint="name the channel, and set where it is in ~/.condarc (custom_channels) or in [conda] of config.toml",
        )
    if not re.fullmatch(CHANNEL, channel):
        raise InputError(
            f"{subject}: {channel[:100]!r} is no channel's name",
            hint="name the channel, such as conda-forge; where it is comes from ~/.condarc or [conda] of config.toml",
        )
    return channel


def _load(data: bytes, subject: str) -> dict[object, object]:
    if len(data) > MAX_FILE:
        raise InputError(f"{subject}: larger than {MAX_FILE} bytes")
    try:
        table = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{subject}: not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(table, dict):
        raise InputError(f"{subject}: not a mapping", hint="it needs channels: and dependencies:")
    return table


def _words(table: dict[object, object], key: str, subject: str) -> list[str]:
    found = table.get(key) or []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise InputError(f"{subject}: {key}: not a list of words")
    return found


def _dependencies(table: dict[object, object], subject: str) -> tuple[str, ...]:
    found = table.get("dependencies")
    if not isinstance(found, list) or not found:
        raise InputError(f"{subject}: dependencies: none", hint="add dependencies: [python=3.11, …]")
    for item in found:
        if isinstance(item, dict) and "pip" in item:
            raise InputError(
                f"{subject}: dependencies: pip: wheels are locked by reprobuild.toml",
                hint='move these lines to a requirements.in and name it: [python] requirements = ["requirements.in"]',
            )
        if isinstance(item, str) and "://" in item:  # perhaps with a password, so it is not shown
            raise InputError(
                f"{subject}: dependencies: a URL is no package", hint="write name=version, or channel::name"
            )
        if not isinstance(item, str) or not item.strip() or len(item) > 1000 or not item.isprintable():
            # reprlib, because aliases make a few lines of YAML to gigabytes once they are written out.
            raise InputError(f"{subject}: dependencies: {reprlib.repr(item)[:100]} is no package")
        if item.lstrip().startswith("-") or re.search(r"\[.*(channel|subdir|url|fn)\s*=", item):
            raise InputError(
                f"{subject}: dependencies: {item[:100]!r} is no package", hint="write name=version, or channel::name"
            )
    return tuple(found)
