"""A folder as it was listed, and which of its files are worth reading."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

MAX_TEXT = 256 * 1024
"""Of one file; what people write by hand is smaller, and what is larger is data."""
MAX_SCRIPTS = 300
_MANIFESTS = re.compile(
    r"(requirements[\w.-]*\.(txt|in)|requirements/[\w.-]+\.(txt|in)|environment[\w.-]*\.ya?ml|pyproject\.toml"
    r"|\.python-version|([\w.-]+/)?(Dockerfile|Containerfile)(\.[\w-]+)?|[\w-]+\.Dockerfile)"
)
_SETTINGS = re.compile(r"([\w.-]+/){0,3}[\w.-]+\.(ya?ml|json|toml)")


@dataclass(frozen=True)
class Folder:
    """The files by relative path with their sizes, the folders, and the texts of those that were read."""

    name: str
    files: Mapping[str, int]
    texts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was not looked at, and why."""

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder in which a file lies."""
        return _holding(self.files)

    @cached_property
    def code_folders(self) -> frozenset[str]:
        """Every folder in which a script lies."""
        return _holding(self.scripts)

    @cached_property
    def scripts(self) -> list[str]:
        """The Python files that were read, by path."""
        return sorted(path for path in self.texts if path.endswith(".py"))


def worth_reading(files: Mapping[str, int]) -> list[str]:
    """The paths whose texts say something about a training, those near the top first."""
    named = [path for path in files if _MANIFESTS.fullmatch(path) or _SETTINGS.fullmatch(path)]
    scripts = [path for path in files if path.endswith(".py")]
    return _near_first(named)[:MAX_SCRIPTS] + _near_first(scripts)[:MAX_SCRIPTS]


def _near_first(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: (path.count("/"), path))


def _holding(paths: Iterable[str]) -> frozenset[str]:
    folders = {posixpath.dirname(path) for path in paths}
    return frozenset(parent for folder in folders for parent in (folder, *_parents(folder)) if parent)


def _parents(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
