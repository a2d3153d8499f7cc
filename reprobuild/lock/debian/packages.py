"""`Packages` indices: which packages a suite offers (Debian repository format; Debian Policy, chapter 7)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from reprobuild.ground.digests import is_sha256
from reprobuild.ground.errors import InputError
from reprobuild.lock.debian.version import satisfies, version_key

_NAME = re.compile(rb"^Package: (\S+)$", re.MULTILINE)
_PROVIDES = re.compile(rb"^Provides: (.+)$", re.MULTILINE)
_RELATION = re.compile(
    r"\s*(?P<name>[a-z0-9][a-z0-9+.-]*)(?::(?P<arch>[a-z0-9-]+))?\s*"
    r"(?:\(\s*(?P<operator><<|<=|=|>=|>>)\s*(?P<version>[^)\s]+)\s*\))?\s*"
)
PRIORITIES = ("required", "important", "standard", "optional", "extra")


@dataclass(frozen=True)
class Relation:
    """A package name, perhaps with an architecture qualifier and a version relation."""

    name: str
    arch: str = ""
    operator: str = ""
    version: str = ""

    def __str__(self) -> str:
        qualifier = f":{self.arch}" if self.arch else ""
        return f"{self.name}{qualifier}" + (f" ({self.operator} {self.version})" if self.operator else "")


class Package:
    """One stanza; its fields are read when they are asked for."""

    def __init__(self, stanza: bytes, suite: str) -> None:
        self.stanza, self.suite = stanza, suite

    @cached_property
    def fields(self) -> dict[str, str]:
        """The stanza's single-line fields by name."""
        lines = self.stanza.decode(errors="replace").splitlines()
        pairs = (line.partition(":") for line in lines if line[:1] not in (" ", "\t"))
        return {name: value.strip() for name, _, value in pairs}

    def field(self, name: str) -> str:
        """A field that every package has; InputError when this one has not."""
        try:
            return self.fields[name]
        except KeyError as error:
            raise InputError(f"{self.suite}: {self.fields.get('Package', 'a package')} has no {name}") from error

    @cached_property
    def name(self) -> str:
        """The package's name."""
        return self.field("Package")

    @cached_property
    def version(self) -> str:
        """Its version."""
        return self.field("Version")

    @cached_property
    def sha256(self) -> str:
        """The digest of its `.deb`."""
        value = self.field("SHA256")
        if not is_sha256(value):
            raise InputError(f"{self.suite}: {self.name}: SHA256 is {value!r}")
        return value

    @cached_property
    def size(self) -> int:
        """The size of its `.deb` in bytes."""
        value = self.field("Size")
        if not value.isdigit():
            raise InputError(f"{self.suite}: {self.name}: Size is {value!r}")
        return int(value)

    @cached_property
    def path(self) -> str:
        """Where its `.deb` is below a mirror's root."""
        value = self.field("Filename")
        if value.startswith("/") or ".." in value.split("/") or not re.fullmatch(r"[A-Za-z0-9+._~:%/-]+", value):
            raise InputError(f"{self.suite}: {self.name}: Filename is {value!r}")
        return value

    @cached_property
    def needs(self) -> tuple[tuple[Relation, ...], ...]:
        """`Pre-Depends` and `Depends`: groups of alternatives."""
        groups = ", ".join(self.fields[name] for name in ("Pre-Depends", "Depends") if self.fields.get(name))
        return tuple(parse_relations(groups, f"{self.suite}: {self.name}"))

    @cached_property
    def refuses(self) -> tuple[Relation, ...]:
        """`Conflicts` and `Breaks`."""
        groups = ", ".join(self.fields[name] for name in ("Conflicts", "Breaks") if self.fields.get(name))
        return tuple(group[0] for group in parse_relations(groups, f"{self.suite}: {self.name}"))

    @cached_property
    def provides(self) -> tuple[Relation, ...]:
        """`Provides`, versioned or not."""
        text = self.fields.get("Provides", "")
        return tuple(group[0] for group in parse_relations(text, f"{self.suite}: {self.name}"))

    @property
    def priority(self) -> int:
        """0 for required, up to 4 for extra."""
        value = self.fields.get("Priority", "extra")
        return PRIORITIES.index(value) if value in PRIORITIES else len(PRIORITIES)

    def meets(self, relation: Relation, architecture: str) -> bool:
        """True when installing this package satisfies `relation` (sections 7.1, 7.5; multi-arch specification)."""
        if relation.arch not in ("", architecture) and not (relation.arch == "any" and self._any_allowed):
            return False
        if self.name == relation.name:
            return satisfies(self.version, relation.operator, relation.version)
        return any(
            given.name == relation.name
            and (
                not relation.operator
                or bool(given.operator and satisfies(given.version, relation.operator, relation.version))
            )
            for given in self.provides
        )

    @property
    def _any_allowed(self) -> bool:
        return self.fields.get("Multi-Arch") == "allowed"


def parse_relations(text: str, subject: str) -> Iterator[tuple[Relation, ...]]:
    """The groups of a relationship field, each a tuple of alternatives."""
    for group in filter(str.strip, text.split(",")):
        alternatives = []
        for item in group.split("|"):
            found = _RELATION.fullmatch(item)
            if not found:
                raise InputError(f"{subject}: not a relation: {item.strip()!r}")
            alternatives.append(Relation(*(found[part] or "" for part in ("name", "arch", "operator", "version"))))
        yield tuple(alternatives)


class Universe:
    """All packages that a base's suites offer together; of each name the highest version is the candidate."""

    def __init__(self, indices: dict[str, bytes], architecture: str) -> None:
        self.architecture = architecture
        self._stanzas: dict[str, list[Package]] = {}
        self._providers: dict[str, set[str]] = {}
        self._candidates: dict[str, Package | None] = {}
        for suite in sorted(indices):
            self._add(indices[suite], suite)

    def _add(self, index: bytes, suite: str) -> None:
        for stanza in index.split(b"\n\n"):
            found = _NAME.search(stanza)
            if not found:
                continue
            name = found[1].decode(errors="replace")
            self._stanzas.setdefault(name, []).append(Package(stanza, suite))
            if provides := _PROVIDES.search(stanza):
                for item in provides[1].split(b","):
                    given = item.strip().split(b" ")[0].split(b"(")[0].decode(errors="replace")
                    self._providers.setdefault(given, set()).add(name)

    def names(self) -> list[str]:
        """The names of all real packages, sorted."""
        return sorted(self._stanzas)

    def candidate(self, name: str) -> Package | None:
        """The version that would be installed: the highest, as apt chooses among suites of equal priority."""
        if name not in self._candidates:
            fitting = [
                package
                for package in self._stanzas.get(name, [])
                if package.fields.get("Architecture") in ("all", self.architecture)
            ]
            # One version in two suites is one file; the name of the suite decides only what the lock calls its source.
            best = max(
                fitting, key=lambda package: (version_key(package.version), package.sha256, package.suite), default=None
            )
            self._candidates[name] = best
        return self._candidates[name]

    def choices(self, relation: Relation) -> list[Package]:
        """The candidates that meet `relation`: the package of that name first, then providers as apt orders them."""
        names = [relation.name, *sorted(self._providers.get(relation.name, set()) - {relation.name})]
        found = [package for name in names if (package := self.candidate(name)) is not None]
        meeting = [package for package in found if package.meets(relation, self.architecture)]
        return sorted(meeting, key=lambda package: (package.name != relation.name, package.priority))
