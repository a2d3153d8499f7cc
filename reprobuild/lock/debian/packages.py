"""`Packages` indices: which packages a suite offers (Debian repository format; Debian Policy, chapter 7)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from reprobuild.ground.digests import is_sha256
from reprobuild.ground.errors import InputError
from reprobuild.lock.debian.version import satisfies

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
        """The stanza's fields by name; folded lines are joined (section 5.1)."""
        text = self.stanza.decode(errors="replace").replace("\n ", " ").replace("\n\t", " ")
        pairs = (line.partition(":") for line in text.split("\n"))
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

    @property
    def weight(self) -> tuple[bool, bool, int]:
        """How apt likes it among providers, the most liked first: essential, protected, then by priority."""
        important = "yes" in (self.fields.get("Important"), self.fields.get("Protected"))
        return self.fields.get("Essential") != "yes", not important, self.priority

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
