"""What a project says it needs: requirement files, `pyproject.toml`, a conda environment; in their own words."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.requirements import included_files, logical_lines, parse_requirements

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


def rescued(refused: Refused) -> str:
    """The requirement in a line that has options, such as hashes, behind it; empty when there is none."""
    text = re.split(r"\s+--", refused.text, maxsplit=1)[0]
    return text if text and text != refused.text and _is_requirement(text) else ""


def _is_requirement(text: str) -> bool:
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
    good = [item for item in stated if _is_requirement(item)]
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
    return text if _is_requirement(text) else ""


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


def read_environment(path: str, text: str) -> tuple[Needs | None, bool]:
    """A conda environment's packages as requirements where pip would know them; and whether CUDA is among them."""
    import yaml

    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not YAML that can be read") from error
    listed = table.get("dependencies") if isinstance(table, dict) else None
    if not isinstance(listed, list):
        return None, False
    names = [item for item in listed if isinstance(item, str)]
    python = next((found[1] for item in names if (found := re.fullmatch(r"python\s*[=<>~]+\s*([\d.]+).*", item))), "")
    inner = [item["pip"] for item in listed if isinstance(item, dict) and isinstance(item.get("pip"), list)]
    wheels = [text for group in inner for text in group if isinstance(text, str) and _is_requirement(text)]
    cuda = any(re.match(r"(\S*::)?(cudatoolkit|pytorch-cuda|cuda-\w+|cuda|cudnn)\b", item) for item in names)
    conda = [re.split(r"[=<>!~\s]", item.rpartition("::")[2])[0] for item in names]
    return Needs(path, (*(item for item in conda if item != "python"), *wheels), (), python), cuda


def _table(value: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Iterator[object]:
    return iter(value if isinstance(value, list) else [])
