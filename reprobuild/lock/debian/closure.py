"""Sets of packages: what excludes what, what every solution must hold, and whether a set is closed."""

from collections.abc import Iterable, Iterator, Mapping

from reprobuild.ground.errors import InputError
from reprobuild.lock.debian.packages import Package, Relation
from reprobuild.lock.debian.universe import Universe


class UnsolvableError(Exception):
    """There is no such set: the reason as one line without a subject, and the name of what was in the way, if any."""

    def __init__(self, reason: str, blamed: str = "") -> None:
        super().__init__(reason)
        self.blamed = blamed


class Chosen:
    """A growing set that knows quickly what it satisfies and what it excludes."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self.packages: dict[str, Package] = {}
        self._refusals: dict[str, list[tuple[Package, Relation]]] = {}

    def add(self, package: Package) -> None:
        """Choose one more."""
        self.packages[package.name] = package
        for relation in package.refuses:
            self._refusals.setdefault(relation.name, []).append((package, relation))

    def shrink(self, size: int) -> None:
        """Take back what was chosen after the first `size`."""
        while len(self.packages) > size:
            _, package = self.packages.popitem()
            for relation in package.refuses:
                self._refusals[relation.name].pop()

    def satisfy(self, group: Iterable[Relation]) -> bool:
        """True when one of the alternatives is met."""
        return any(item.name in self.packages for relation in group for item in self._universe.choices(relation))

    def clash(self, package: Package) -> UnsolvableError | None:
        """Which chosen package and `package` exclude each other, or nothing (sections 7.3, 7.4)."""
        for relation in package.refuses:
            for item in self._universe.choices(relation):
                if item.name in self.packages and item.name != package.name:
                    return UnsolvableError(f"{package.name} conflicts with {item.name} ({relation})", item.name)
        for name in names_of(package):
            for other, relation in self._refusals.get(name, ()):
                if other.name != package.name and package.meets(relation, self._universe.architecture):
                    return UnsolvableError(f"{other.name} conflicts with {package.name} ({relation})", other.name)
        return None


def names_of(package: Package) -> Iterator[str]:
    """Its own name and those it provides."""
    yield package.name
    for given in package.provides:
        if given.name != package.name:
            yield given.name


def find_forced(
    universe: Universe, asked: Mapping[str, Package], without: frozenset[str]
) -> tuple[dict[str, Package], frozenset[str]]:
    """What every solution without some packages holds, and the names that none can hold; UnsolvableError if none is.

    A need with a single possible answer forces it; what conflicts with something forced is out, and so is whatever
    needs it. (apt calls this propagating protection.)
    """
    forced = Chosen(universe)
    for package in asked.values():
        forced.add(package)
    reachable = _reachable(universe, asked.values())
    barred = set(without)
    while True:
        before = len(forced.packages)
        barred = _barred(universe, forced, reachable, barred)
        for package in list(forced.packages.values()):
            for only in _single_answers(universe, package, barred):
                if only.name not in forced.packages:
                    forced.add(only)
        if len(forced.packages) == before:
            return forced.packages, frozenset(barred)


def _single_answers(universe: Universe, package: Package, barred: set[str]) -> Iterator[Package]:
    if package.name in barred:
        raise UnsolvableError(f"{package.name} conflicts with something that is needed")
    for group in package.needs:
        answers = {
            item.name: item for relation in group for item in universe.choices(relation) if item.name not in barred
        }
        if not answers:
            raise UnsolvableError(f"{package.name} needs {' | '.join(map(str, group))}")
        if len(answers) == 1:
            yield from answers.values()


def _reachable(universe: Universe, start: Iterable[Package]) -> dict[str, Package]:
    found = {package.name: package for package in start}
    waiting = list(found.values())
    while waiting:
        for group in waiting.pop().needs:
            for relation in group:
                for item in universe.choices(relation):
                    if item.name not in found:
                        found[item.name] = item
                        waiting.append(item)
    return found


def _barred(universe: Universe, forced: Chosen, reachable: Mapping[str, Package], before: set[str]) -> set[str]:
    """The names that conflict with what is forced, and all that can not do without them."""
    barred = before | {name for name, package in reachable.items() if forced.clash(package)}
    grown = True
    while grown:
        grown = False
        for name, package in reachable.items():
            if name not in barred and not all(_answerable(universe, group, barred) for group in package.needs):
                barred.add(name)
                grown = True
    return barred


def _answerable(universe: Universe, group: Iterable[Relation], barred: set[str]) -> bool:
    return any(item.name not in barred for relation in group for item in universe.choices(relation))


def check_closure(packages: Iterable[Package], universe: Universe) -> None:
    """InputError unless every need of every package is met and no two of them exclude each other."""
    everything = list(packages)
    holders: dict[str, list[Package]] = {}
    for package in everything:
        for name in names_of(package):
            holders.setdefault(name, []).append(package)

    def meeting(relation: Relation) -> Iterator[Package]:
        return (item for item in holders.get(relation.name, ()) if item.meets(relation, universe.architecture))

    for package in everything:
        for group in package.needs:
            if not any(next(meeting(relation), None) for relation in group):
                raise InputError(f"debian packages: {package.name} needs {' | '.join(map(str, group))}")
        for relation in package.refuses:
            for other in meeting(relation):
                if other.name != package.name:
                    raise InputError(f"debian packages: {package.name} conflicts with {other.name} ({relation})")
