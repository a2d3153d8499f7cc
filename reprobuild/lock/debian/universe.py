"""All packages that a base's suites offer together, and the order in which apt would try those that fit a need."""

from collections.abc import Iterable, Mapping, Sequence

from reprobuild.lock.debian.packages import Package, Relation
from reprobuild.lock.debian.version import version_key

# The fields in which apt hears of a package for the first time, in the order in which it reads them
# (debListParser::NewVersion in apt 2.6).
MENTIONS = (
    b"Package",
    b"Pre-Depends",
    b"Depends",
    b"Conflicts",
    b"Breaks",
    b"Recommends",
    b"Suggests",
    b"Replaces",
    b"Enhances",
    b"Provides",
)


class Universe:
    """The packages of all suites; of each name the highest version is the candidate."""

    def __init__(self, indices: Mapping[str, bytes], architecture: str, order: Sequence[str] = ()) -> None:
        """`indices` are unpacked `Packages` by suite; `order` is the base's order of suites, sorted when not given."""
        self.architecture = architecture
        self._texts: list[bytes] = []
        self._stanzas: dict[str, list[Package]] = {}
        self._providers: dict[str, set[str]] = {}
        self._candidates: dict[str, Package | None] = {}
        self._choices: dict[Relation, tuple[Package, ...]] = {}
        self._mentioned: dict[str, tuple[int, int, int, int]] = {}
        for suite in order or sorted(indices):
            self._add(indices[suite], suite)

    def _add(self, index: bytes, suite: str) -> None:
        rows = [
            (_value(stanza, b"Source").partition(b" ")[0] or package, package, stanza)
            for stanza in index.split(b"\n\n")
            if (package := _value(stanza, b"Package"))
        ]
        # An archive sorts by source package; whatever the order was, the result is that of this one.
        rows.sort()
        self._texts.append(b"\n\n".join(stanza for _, _, stanza in rows) + b"\n")
        for _, package, stanza in rows:
            name = package.decode(errors="replace")
            self._stanzas.setdefault(name, []).append(Package(stanza, suite))
            for item in filter(None, _value(stanza, b"Provides").split(b",")):
                given = item.strip().partition(b" ")[0].partition(b"(")[0].decode(errors="replace")
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

    def choices(self, relation: Relation) -> tuple[Package, ...]:
        """The candidates that meet `relation`, the first that apt would try first (`CompareProviders` in apt 2.6)."""
        if relation not in self._choices:
            names = [relation.name, *sorted(self._providers.get(relation.name, set()) - {relation.name})]
            found = (package for name in names if (package := self.candidate(name)) is not None)
            meeting = [package for package in found if package.meets(relation, self.architecture)]
            if len(meeting) > 1:
                meeting.sort(key=lambda package: self._rank(package, relation.name))
            self._choices[relation] = tuple(meeting)
        return self._choices[relation]

    def _rank(self, package: Package, name: str) -> tuple[object, ...]:
        # apt's last resort is its internal number, the higher the better: numbers grow as names are first mentioned.
        if package.name not in self._mentioned:
            self._mentioned[package.name] = self._first_mention(package.name.encode())
        return package.name != name, *package.weight, *(-place for place in self._mentioned[package.name])

    def _first_mention(self, name: bytes) -> tuple[int, int, int, int]:
        """Which suite, stanza, field and place in it mentions the name first."""
        for number, text in enumerate(self._texts):
            end = len(text)
            found: list[tuple[int, int, int]] = []
            for place in _occurrences(text, name):
                if place > end:
                    break
                line = text.rfind(b"\n", 0, place) + 1
                label = text[line : text.find(b":", line)]
                if label in MENTIONS:
                    start = text.rfind(b"\n\n", 0, place)
                    end = text.find(b"\n\n", place) if not found else end
                    end = len(text) if end < 0 else end
                    found.append((start, MENTIONS.index(label), place))
            if found:
                return number, *min(found)
        return len(self._texts), 0, 0, 0


def _occurrences(text: bytes, name: bytes) -> Iterable[int]:
    """Where `name` stands as a whole word of a relationship field, in order."""
    place = text.find(name)
    while place >= 0:
        if text[place - 1 : place] in (b" ", b",", b"|") and text[place + len(name) : place + len(name) + 1] in (
            b" ",
            b",",
            b"|",
            b"(",
            b"\n",
        ):
            yield place
        place = text.find(name, place + 1)


def _value(stanza: bytes, label: bytes) -> bytes:
    """The first line of a field, found without reading the others."""
    start = stanza.find(b"\n" + label + b":") + 1
    if not start and not stanza.startswith(label + b":"):
        return b""
    end = stanza.find(b"\n", start)
    return stanza[start + len(label) + 1 : end if end >= 0 else len(stanza)].strip()
