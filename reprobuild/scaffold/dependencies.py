"""What a project says it needs: requirement files, `pyproject.toml`, a conda environment; in their own words."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.requirements import included_files, logical_lines, parse_requirements
from reprobuild.scaffold.toml import plain

_MAX_LINE, _MAX_SHOWN = 2000, 200
_ASIDE = re.compile(r"dev|test|doc|lint|ci\b|build|notebook|style")


@dataclass(frozen=True)
class Refused:
    """A line that `reprobuild lock` does not take, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Needs:
    """The requirements of one file; `refused` are lines that have to be said in another way."""

    path: str
    requirements: tuple[str, ...]
    refused: tuple[Refused, ...] = ()
    python: str = ""
    """The version of Python that it asks for, in its own words."""

    @property
    def names(self) -> frozenset[str]:
        """The canonical names of what is required."""
        return frozenset(canonicalize_name(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in self.requirements)


def requirement_file(texts: Mapping[str, str]) -> Needs | None:
    """The requirement file that a training needs: an `.in` before a `.txt`, the plainest name first."""
    named = [
        path for path in texts if re.fullmatch(r"requirements[\w./-]*\.(in|txt)", path) and not _ASIDE.search(path)
    ]
    for path in sorted(named, key=lambda path: (path.count("/"), path.endswith(".txt"), len(path), path)):
        return read_requirement_file(path, texts)
    return None


def read_requirement_file(path: str, texts: Mapping[str, str], seen: frozenset[str] = frozenset()) -> Needs:
    """What a requirement file and the files that it includes say, each line tried as the lock would."""
    good: list[str] = []
    bad: list[Refused] = []
    for number, line in logical_lines(texts[path]):
        if len(line) > _MAX_LINE:
            bad.append(Refused(number, line[:80], "longer than any requirement"))
            continue
        try:
            if includes := list(included_files(line, path)):
                for name, constrains in includes:
                    if name not in texts:
                        bad.append(Refused(number, line, f"{name} is not here"))
                    elif name not in seen | {path} and not constrains:
                        inner = read_requirement_file(name, texts, seen | {path})
                        good += inner.requirements
                        bad += [Refused(number, line, f"{name}:{item.line}: {item.reason}") for item in inner.refused]
                continue
            good += [str(requirement) for requirement in parse_requirements(line, path)]
        except InputError as error:
            bad.append(Refused(number, line, str(error).partition(": ")[2]))
    return Needs(path, tuple(good), tuple(bad))


def read_wheels(path: str, lines: Sequence[str]) -> Needs:
    """The requirements that an environment leaves to pip."""
    text = "\n".join(line.replace("\n", " ") for line in lines)
    return replace(read_requirement_file(path, {path: text}), path=path)


def restated(needs: Needs) -> str:
    """The same requirements in lines that a lock takes, the others as comments without their places."""
    lines = [f"# From {plain(needs.path)}.", *needs.requirements]
    for item in needs.refused:
        again, at = rescued(item), f":{item.line}" if item.line else ""
        said = re.sub(r"\S+://\S+", "<URL>", item.text[:_MAX_SHOWN])
        lines += [again] if again else [f"# {plain(needs.path)}{at}: {plain(said)}: {plain(item.reason)}"]
    return "\n".join(lines) + "\n"


def rescued(refused: Refused) -> str:
    """The requirement in a line that has options, such as hashes, behind it; empty when there is none."""
    text = re.split(r"\s+--", refused.text, maxsplit=1)[0]
    return text if text and text != refused.text and is_requirement(text) else ""


def is_requirement(text: str) -> bool:
    """True for a requirement that names no place."""
    try:
        return not Requirement(text).url
    except InvalidRequirement:
        return False


def read_pyproject(path: str, text: str) -> tuple[Needs | None, str]:
    """The dependencies of `[project]` or of Poetry, None when there are none; and the project's name."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not TOML that can be read") from error
    project, poetry = _table(table, "project"), _table(table, "tool", "poetry")
    name = project.get("name") or poetry.get("name")
    python = str(project.get("requires-python") or _poetry_python(poetry))
    stated = [item for item in _list(project.get("dependencies")) if isinstance(item, str)]
    good = [item for item in stated if is_requirement(item)]
    bad = [Refused(0, item, "it names a place, or is no requirement (PEP 508)") for item in stated if item not in good]
    for key, value in sorted(_table(poetry, "dependencies").items()):
        if key.lower() != "python":
            requirement = poetry_requirement(key, value)
            good += [requirement] if requirement else []
            bad += [] if requirement else [Refused(0, key, "it names a place, or is no requirement")]
    found = Needs(path, tuple(good), tuple(bad), python) if good or bad or python else None
    return found, name if isinstance(name, str) else ""


def poetry_requirement(name: str, value: object) -> str:
    """Poetry's `^1.2` and `~1.2` in the words of PEP 440: https://python-poetry.org/docs/dependency-specification/."""
    version = value.get("version") if isinstance(value, dict) else value
    if not isinstance(version, str):
        return ""
    spelt = ",".join(_poetry_version(part.strip()) for part in version.split(","))
    text = f"{name}{spelt}"
    return text if is_requirement(text) else ""


def _poetry_version(text: str) -> str:
    if text in ("", "*"):
        return ""
    if text[0] not in "^~" or text.startswith("~="):
        return text if text[0] in "<>=!~" else f"=={text}"
    numbers = re.findall(r"\d+", text)[:3]
    kept = next((i for i, number in enumerate(numbers) if int(number)), len(numbers) - 1) if text[0] == "^" else 1
    kept = min(kept, len(numbers) - 1)
    above = [*numbers[:kept], str(int(numbers[kept]) + 1)] if numbers else ["1"]
    return f">={text[1:]},<{'.'.join(above)}"


def _poetry_python(poetry: Mapping[str, Any]) -> str:
    return str(_table(poetry, "dependencies").get("python", ""))


def _table(value: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Iterator[object]:
    return iter(value if isinstance(value, list) else [])
