"""Which base a folder asks for, and what to say where it is not the one that it names."""

import re
from collections.abc import Iterator, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from reprobuild.scaffold.choice import Choice
from reprobuild.scaffold.survey import Survey

BASES = {"3.11": "debian12-python311", "3.13": "debian13-python313"}
"""By the Python that each has, the first for who asks for none."""
CUDA = {"12": "cuda12-debian12-python311", "13": "cuda13-debian12-python311"}
_CUDA = re.compile(r"cuda\D?(\d+)")


def choose_base(survey: Survey, choice: Choice) -> tuple[str, list[str]]:
    """The name of a base, and remarks."""
    asked = survey.python.value if survey.python and not choice.has("conda") else ""
    major = _cuda(survey) if choice.has("cuda") else ""
    there = [version for version in BASES if not major or CUDA[major].endswith(version.replace(".", ""))]
    python = next((version for version in there if _admits(asked, version)), "")
    base = CUDA[major] if major else BASES[python or there[0]]
    return base, list(_remarks(survey, asked, major, there, python))


def _remarks(survey: Survey, asked: str, major: str, there: Sequence[str], python: str) -> Iterator[str]:
    docker = survey.dockerfile
    if asked and survey.python and not python:
        which = "this base has" if major else "the bases have"
        yield f"{survey.python.at} asks for Python {survey.python.value}; {which} {' and '.join(there)}"
    if major and survey.cuda and (named := _CUDA.search(survey.cuda.value)) and named[1] != major:
        yield f"{survey.cuda.at} asks for CUDA {named[1]}; the bases have {' and '.join(CUDA)}"
    told = survey.python and python and docker and survey.python.path == docker.path
    if docker and docker.base not in ("", "scratch") and not told and not major:
        whole = bool(re.match(r"(localhost|[^/]*[.:][^/]*)/", docker.base))
        image = f'base = "docker://{docker.base if whole else f"REGISTRY/{docker.base}"}"'
        which = "" if whole else ", REGISTRY being the host of the registry that has it"
        yield f"{docker.path}:{docker.base_line} begins with {docker.base}; for that very image: {image}{which}"


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


def _cuda(survey: Survey) -> str:
    """The major version of CUDA that the folder names, when there is a base of it; else the oldest."""
    named = _CUDA.search(survey.cuda.value) if survey.cuda else None
    return named[1] if named and named[1] in CUDA else min(CUDA)
