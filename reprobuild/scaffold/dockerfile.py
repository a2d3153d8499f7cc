"""A Dockerfile's base, its Debian packages and the script that it starts: https://docs.docker.com/reference/dockerfile/."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_ARGUMENT = re.compile(r"ARG\s+(\w+)=(\S+)\s*", re.IGNORECASE)
_INSTALL = re.compile(r"\bapt(?:-get)?\s+(?:-\S+\s+)*install\s+(.*)", re.DOTALL)
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_START = re.compile(r"(?:CMD|ENTRYPOINT)\s+(.*)", re.IGNORECASE | re.DOTALL)
FOR_BUILDING = re.compile(
    r"build-essential|gcc(-\d+)?|g\+\+(-\d+)?|make|cmake|ninja-build|git(-lfs)?|curl|wget|python3?(\.\d+)?(-\w+)?|pkg-config"
    r"|ca-certificates|vim|nano|sudo|software-properties-common|gnupg2?|apt-utils|apt-transport-https|lsb-release|unzip|zip"
    r"|openssh-\w+|tini|htop|tmux|less|locales|\S+-dev|libpython\S*"
)
"""What an image that is never built in, and never logged into, does without."""
RENAMED = {"libgl1-mesa-glx": "libgl1"}
"""Packages that are transitional in Debian 12: https://salsa.debian.org/xorg-team/lib/mesa/-/blob/debian-bookworm/debian/control."""


@dataclass(frozen=True)
class Dockerfile:
    """What of it matters here, each with its line."""

    path: str
    base: str = ""
    base_line: int = 0
    debian: tuple[tuple[str, int], ...] = ()
    left_out: tuple[str, ...] = ()
    script: str = ""
    script_line: int = 0


def read_dockerfile(path: str, text: str) -> Dockerfile:
    """The last stage, traced to the image that it begins with, and the packages of all stages."""
    arguments: dict[str, str] = {}
    stages: dict[str, tuple[str, int]] = {}
    base, line_of_base, script, line_of_script = "", 0, "", 0
    debian: dict[str, int] = {}
    aside: dict[str, int] = {}
    for number, line in _instructions(text):
        if found := _ARGUMENT.fullmatch(line):
            arguments[found[1]] = found[2].strip("\"'")
        elif found := _FROM.fullmatch(line):
            base, line_of_base = stages.get(found[1].lower(), (_filled(found[1], arguments), number))
            stages[(found[2] or found[1]).lower()] = (base, line_of_base)
        elif found := _START.fullmatch(line):
            started = _script(found[1])
            script, line_of_script = (started, number) if started else (script, line_of_script)
        else:
            for name in _installed(line):
                (aside if FOR_BUILDING.fullmatch(name) else debian).setdefault(RENAMED.get(name, name), number)
    if "$" in base:
        base = ""
    return Dockerfile(
        path, base, line_of_base, tuple(sorted(debian.items())), tuple(sorted(aside)), script, line_of_script
    )


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        start = start if joined else number
        joined += line.strip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
        elif joined:
            yield start, joined
            joined = ""
    if joined:
        yield start, joined


def _filled(text: str, arguments: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return arguments.get(found[1] or found[3], (found[2] or found[0])[2:] if found[2] else found[0])

    return re.sub(r"\$\{(\w+)(:-[^}]*)?\}|\$(\w+)", value, text)


def _installed(line: str) -> Iterator[str]:
    for command in re.split(r"&&|;|\|\|", line):
        if found := _INSTALL.search(command):
            for word in found[1].split():
                name = word.partition("=")[0]
                if _PACKAGE.fullmatch(name):
                    yield name


def _script(text: str) -> str:
    """The Python file that a CMD or ENTRYPOINT starts."""
    try:
        words = json.loads(text)
    except ValueError:
        words = text.split()
    named = [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
    return next((word.removeprefix("./").removeprefix("/app/") for word in named if word.endswith(".py")), "")
