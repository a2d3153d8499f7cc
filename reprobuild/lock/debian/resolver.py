"""The closure of a set of packages from nothing installed, as apt chooses it without recommendations.

Depth first and greedy, like apt's own marking: of a group of alternatives the one that is already there, else the first
that can be had. A choice that conflicts is taken back and the next alternative tried. The result is checked whole before
it is returned, so a greedy mistake is an error and never a broken image.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reprobuild.ground.errors import InputError
from reprobuild.lock.debian.packages import Package, Relation, Universe


def resolve(universe: Universe, wanted: Sequence[str]) -> list[Package]:
    """The packages to install for `wanted` names, sorted by name; InputError when there is no such set."""
    attempt = _Attempt(universe)
    asked = {package.name: package for package in (_named(universe, name) for name in sorted(set(wanted)))}
    attempt.chosen.update(asked)
    for package in asked.values():
        problem = attempt.refused_by(package)
        if problem or not attempt.complete(package):
            raise InputError(
                f"debian packages: {package.name} can not be installed: {problem or attempt.reason}",
                hint="change [image] debian in reprobuild.toml",
            )
    check_closure(attempt.chosen.values(), universe.architecture)
    return [attempt.chosen[name] for name in sorted(attempt.chosen)]


def _named(universe: Universe, name: str) -> Package:
    package = universe.candidate(name)
    if package:
        return package
    providers = universe.choices(Relation(name))
    if len(providers) == 1:  # apt too takes a virtual package that only one package provides
        return providers[0]
    if providers:
        raise InputError(
            f"debian packages: {name}: a virtual package that {len(providers)} packages provide",
            hint=f"name one of {', '.join(item.name for item in providers[:5])}",
        )
    near = difflib.get_close_matches(name, universe.names(), n=3)
    raise InputError(
        f"debian packages: {name}: no such package",
        hint=f"did you mean {', '.join(near)}?" if near else "see [image] debian in reprobuild.toml",
    )


@dataclass
class _Attempt:
    """What is chosen so far; `reason` says why the last choice failed."""

    universe: Universe
    chosen: dict[str, Package] = field(default_factory=dict)
    reason: str = ""

    def complete(self, package: Package) -> bool:
        """Choose what `package` needs, depth first; False leaves what was chosen before untouched."""
        for group in package.needs:
            if not self._satisfied(group) and not any(self._install(choice) for choice in self._choices(group)):
                self.reason = self.reason or f"{package.name} needs {' | '.join(map(str, group))}"
                return False
        return True

    def refused_by(self, package: Package) -> str:
        """Which chosen package and `package` exclude each other, as one line, or nothing."""
        for other in self.chosen.values():
            if other.name != package.name and (clash := _clash(package, other, self.universe.architecture)):
                return clash
        return ""

    def _satisfied(self, group: Iterable[Relation]) -> bool:
        architecture = self.universe.architecture
        for relation in group:
            if any(package.meets(relation, architecture) for package in self._holders(relation)):
                return True
        return False

    def _holders(self, relation: Relation) -> Iterable[Package]:
        # Only a package of that name or a provider of it can meet the relation.
        return (self.chosen[item.name] for item in self.universe.choices(relation) if item.name in self.chosen)

    def _choices(self, group: Iterable[Relation]) -> list[Package]:
        return [package for relation in group for package in self.universe.choices(relation)]

    def _install(self, package: Package) -> bool:
        if clash := self.refused_by(package):
            self.reason = clash
            return False
        before = dict(self.chosen)
        self.chosen[package.name] = package
        if self.complete(package):
            self.reason = ""
            return True
        self.chosen = before
        return False


def _clash(one: Package, other: Package, architecture: str) -> str:
    for first, second in ((one, other), (other, one)):
        for relation in first.refuses:
            if second.meets(relation, architecture):
                return f"{first.name} conflicts with {second.name} ({relation})"
    return ""


def check_closure(packages: Iterable[Package], architecture: str) -> None:
    """InputError unless every need of every package is met and no two of them exclude each other."""
    everything = list(packages)
    for package in everything:
        for group in package.needs:
            if not any(other.meets(relation, architecture) for relation in group for other in everything):
                raise InputError(f"debian packages: {package.name} needs {' | '.join(map(str, group))}")
        for other in everything:
            if other.name != package.name and (clash := _clash(package, other, architecture)):
                raise InputError(f"debian packages: {clash}")
