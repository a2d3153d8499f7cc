"""Whether a set of pins is complete and has nothing surplus, judged with the image's own markers."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from email.parser import BytesHeaderParser

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.target import Target


def parse_metadata(data: bytes, subject: str) -> tuple[list[Requirement], str]:
    """`Requires-Dist` and `Requires-Python` of a wheel's METADATA (core metadata specification)."""
    headers = BytesHeaderParser().parsebytes(data)
    try:
        needs = [Requirement(str(line)) for line in headers.get_all("Requires-Dist", [])]
    except InvalidRequirement as error:
        raise InputError(f"{subject}: METADATA: {error}".splitlines()[0]) from error
    return needs, str(headers.get("Requires-Python", ""))


Metadata = Mapping[str, tuple[list[Requirement], str]]
"""By canonical name, what `parse_metadata` says of each pinned wheel."""


def find_gaps(
    roots: Iterable[Requirement], pins: Mapping[str, Version], metadata: Metadata, target: Target
) -> list[str]:
    """What is missing, unfit or surplus, one line each; empty when the pins are exactly what the image needs."""
    gaps: list[str] = []
    reached: set[str] = set()
    for asker, requirement in _needs(roots, metadata, target):
        name = canonicalize_name(requirement.name)
        if name not in pins:
            gaps.append(f"{asker} needs {requirement.name}, which is not locked")
            continue
        reached.add(name)
        if not requirement.specifier.contains(pins[name], prereleases=True):
            gaps.append(f"{asker} needs {requirement.name}{requirement.specifier}, locked is {pins[name]}")
    gaps += [f"{name} is locked and nothing needs it" for name in sorted(set(pins) - reached)]
    gaps += [gap for name in sorted(pins) if (gap := _python_gap(name, metadata[name][1], target))]
    return list(dict.fromkeys(gaps))


def find_reached(roots: Iterable[Requirement], metadata: Metadata, target: Target) -> set[str]:
    """The pinned wheels that these requirements alone lead to."""
    found: set[str] = {canonicalize_name(need.name) for _, need in _needs(roots, metadata, target)}
    return found & metadata.keys()


def _needs(roots: Iterable[Requirement], metadata: Metadata, target: Target) -> Iterator[tuple[str, Requirement]]:
    """Every requirement that applies to the image, with who asks for it."""
    followed: set[tuple[str, str]] = set()
    queue = deque((requirement, "", "the project") for requirement in roots)
    while queue:
        requirement, extra, asker = queue.popleft()
        if requirement.marker and not requirement.marker.evaluate(target.markers(extra)):
            continue
        yield asker, requirement
        name = canonicalize_name(requirement.name)
        for wanted in ("", *sorted(requirement.extras)) if name in metadata else ():
            if (name, wanted) not in followed:
                followed.add((name, wanted))
                queue.extend((need, wanted, name) for need in metadata[name][0])


def _python_gap(name: str, requires: str, target: Target) -> str:
    try:
        fits = SpecifierSet(requires).contains(target.python, prereleases=True)
    except InvalidSpecifier:
        return ""  # installers ignore a Requires-Python that is no specifier
    return "" if fits else f"{name} needs Python {requires}, the image has {target.python}"
