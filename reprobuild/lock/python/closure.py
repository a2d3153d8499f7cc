"""Whether a set of pins is complete and has nothing surplus, judged with the image's own markers."""

from collections import deque
from collections.abc import Iterable, Mapping
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


def find_gaps(
    roots: Iterable[Requirement],
    pins: Mapping[str, Version],
    metadata: Mapping[str, tuple[list[Requirement], str]],
    target: Target,
) -> list[str]:
    """What is missing, unfit or surplus, one line each; empty when the pins are exactly what the image needs."""
    gaps: list[str] = []
    reached: set[tuple[str, str]] = set()
    queue = deque((requirement, "", "the project") for requirement in roots)
    while queue:
        requirement, extra, asker = queue.popleft()
        if requirement.marker and not requirement.marker.evaluate(target.markers(extra)):
            continue
        name = canonicalize_name(requirement.name)
        if name not in pins:
            gaps.append(f"{asker} needs {requirement.name}, which is not locked")
            continue
        if not requirement.specifier.contains(pins[name], prereleases=True):
            gaps.append(f"{asker} needs {requirement.name}{requirement.specifier}, locked is {pins[name]}")
        for wanted in ("", *sorted(requirement.extras)):
            if (name, wanted) not in reached:
                reached.add((name, wanted))
                queue.extend((need, wanted, name) for need in metadata[name][0])
    gaps += [f"{name} is locked and nothing needs it" for name in sorted(set(pins) - {name for name, _ in reached})]
    gaps += [gap for name in sorted(pins) if (gap := _python_gap(name, metadata[name][1], target))]
    return list(dict.fromkeys(gaps))


def _python_gap(name: str, requires: str, target: Target) -> str:
    try:
        fits = SpecifierSet(requires).contains(target.python, prereleases=True)
    except InvalidSpecifier:
        return ""  # installers ignore a Requires-Python that is no specifier
    return "" if fits else f"{name} needs Python {requires}, the image has {target.python}"
