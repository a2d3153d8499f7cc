"""The closure of a set of packages from nothing installed, as apt chooses it without recommendations.

First depth first and greedy, like apt's own marking: of a group of alternatives the one that is already there, else the
first that can be had. Where that ends in a conflict, what every solution must hold is worked out, and the same walk
starts from there. The result is checked whole before it is returned, so a mistake is an error and never a broken image.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reprobuild.ground.errors import InputError
from reprobuild.lock.debian.closure import Chosen, UnsolvableError, check_closure, find_forced
from reprobuild.lock.debian.packages import Package, Relation
from reprobuild.lock.debian.universe import Universe


def resolve(universe: Universe, wanted: Sequence[str]) -> list[Package]:
    """The packages to install for `wanted` names, sorted by name; InputError when there is no such set."""
    asked = {package.name: package for package in (_named(universe, name) for name in sorted(set(wanted)))}
    try:
        chosen = _walk(universe, asked, frozenset())
    except UnsolvableError as problem:
        found = _solve_from_facts(universe, asked, problem)
        if found is None:
            raise InputError(
                f"debian packages: {problem}",
                hint="these can not be installed together: change [image] debian in reprobuild.toml",
            ) from problem
        chosen = found
    check_closure(chosen.values(), universe)
    return [chosen[name] for name in sorted(chosen)]


def _solve_from_facts(
    universe: Universe, asked: Mapping[str, Package], problem: UnsolvableError
) -> dict[str, Package] | None:
    """The walk from what every solution must hold; what was in the way of a walk is left out of the next one."""
    barred: frozenset[str] = frozenset()
    for _ in range(MAX_WALKS):
        try:
            forced, barred = find_forced(universe, asked, barred)
            return _walk(universe, forced, barred)
        except UnsolvableError as found:
            problem = found
        if problem.blamed in barred or problem.blamed in asked or not problem.blamed:
            return None
        barred |= {problem.blamed}
    return None


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
            hint=f"name one of {', '.join(sorted(item.name for item in providers)[:5])} in [image] debian",
        )
    near = difflib.get_close_matches(name, universe.names(), n=3)
    raise InputError(
        f"debian packages: {name}: no such package",
        hint=f"did you mean {', '.join(near)}?" if near else "see [image] debian in reprobuild.toml",
    )


MAX_WALKS = 50
"""How many packages may be found in the way before we give up."""


@dataclass
class _Step:
    """A package whose needs are being met; `size` is how many were chosen before it."""

    package: Package
    size: int
    groups: Iterator[tuple[Relation, ...]]
    choices: Iterator[Package] | None = None


def _walk(universe: Universe, start: Mapping[str, Package], barred: frozenset[str]) -> dict[str, Package]:
    """The closure of `start` without the `barred` names; UnsolvableError with the first reason."""
    chosen = Chosen(universe)
    for package in start.values():
        if clash := chosen.clash(package):
            raise clash
        chosen.add(package)
    for package in start.values():
        if problem := _complete(universe, chosen, package, barred):
            raise problem
    return chosen.packages


def _complete(universe: Universe, chosen: Chosen, package: Package, barred: frozenset[str]) -> UnsolvableError | None:
    """Choose what `package` needs and what that needs, depth first; why that can not be, or nothing."""
    problem: UnsolvableError | None = None
    steps = [_Step(package, len(chosen.packages), iter(package.needs))]
    while steps:
        step = steps[-1]
        if step.choices is None:
            group = next((group for group in step.groups if not chosen.satisfy(group)), None)
            if group is None:
                steps.pop()
                problem = None
                if steps:
                    steps[-1].choices = None
                continue
            found = [item for relation in group for item in universe.choices(relation) if item.name not in barred]
            if not found:
                problem = problem or UnsolvableError(f"{step.package.name} needs {' | '.join(map(str, group))}")
            step.choices = iter(found)
        choice = next(step.choices, None)
        if choice is None:
            chosen.shrink(step.size)
            steps.pop()
        elif clash := chosen.clash(choice):
            problem = problem or clash
        else:
            steps.append(_Step(choice, len(chosen.packages), iter(choice.needs)))
            chosen.add(choice)
        if not steps:
            return problem
    return None
