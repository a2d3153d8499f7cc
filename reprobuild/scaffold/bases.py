"""Which base a folder asks for, and what to say where it is not the one that it names."""

import re
from collections.abc import Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from reprobuild.scaffold.choice import Choice
from reprobuild.scaffold.survey import Survey

BASES = {"3.11": "debian12-python311", "3.13": "debian13-python313"}
"""By the Python that each has, the first for who asks for none."""
CUDA = {"12": "cuda12-debian12-python311", "13": "cuda13-debian12-python311"}


def choose_base(survey: Survey, choice: Choice, known: Sequence[str]) -> tuple[str, list[str]]:
    """The name of a base, and remarks; `known` are the bases that there are."""
    asked = survey.python.value if survey.python else ""
    python = next((version for version in BASES if _admits(asked, version)), "")
    remarks = []
    if asked and not python and survey.python:
        remarks.append(f"{survey.python.at} asks for Python {asked}; the bases have {' and '.join(BASES)}")
    base = BASES[python or "3.11"]
    if choice.has("cuda"):
        base = _cuda(survey, known)
    docker = survey.dockerfile
    if docker and docker.base and not python and not choice.has("cuda"):
        remarks.append(
            f"{docker.path}:{docker.base_line} begins with {docker.base}; for that very image: "
            f'base = "docker://REGISTRY/{docker.base}", with the name of the registry that has it'
        )
    return base, remarks


def _admits(asked: str, version: str) -> bool:
    """True when a version of Python satisfies what is asked: `3.11`, `>=3.9` or Poetry's `^3.10`."""
    if not asked:
        return True
    if found := re.fullmatch(r"[\^~]\s*3\.(\d+)(\.\d+)*", asked):
        return int(found[1]) <= int(version[2:]) if asked[0] == "^" else found[1] == version[2:]
    if re.fullmatch(r"3\.\d+(\.\d+)*\.?", asked):
        return asked.split(".")[1] == version[2:]
    try:
        return SpecifierSet(asked).contains(f"{version}.9")
    except InvalidSpecifier:
        return False


def _cuda(survey: Survey, known: Sequence[str]) -> str:
    """The CUDA base of the major version that the Dockerfile names, the oldest where it names none."""
    named = survey.cuda.value if survey.cuda else ""
    major = found[1] if (found := re.search(r"cuda[:-]?(\d+)", named)) else ""
    wanted = CUDA.get(major, CUDA["12"])
    return (
        wanted
        if wanted in known or not known
        else next((base for base in known if base.startswith(f"cuda{major}")), wanted)
    )
