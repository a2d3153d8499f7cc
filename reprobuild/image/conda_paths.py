"""What a conda package says of its own files: `info/paths.json`, or the older `info/files` and `info/has_prefix`.

https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.digests import Sha256
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import check_path
from reprobuild.image.conda_archive import MAX_FILES, MAX_INFO

Model = TypeVar("Model", bound=BaseModel)
OLD_PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
"""The prefix of packages whose `has_prefix` names none."""


class Listed(BaseModel):
    """One path of a package; `placeholder` is the prefix to be replaced in it, if any."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    path: str = Field(alias="_path")
    kind: Literal["hardlink", "softlink", "directory"] = Field("hardlink", alias="path_type")
    sha256: Sha256 | None = None
    size: int | None = Field(None, alias="size_in_bytes", ge=0)
    placeholder: str = Field("", alias="prefix_placeholder")
    mode: Literal["text", "binary"] = Field("text", alias="file_mode")


class Index(BaseModel):
    """`info/index.json` as far as an image needs it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    version: str
    build: str
    build_number: int = 0
    subdir: str = ""
    noarch: str | bool | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    license: str | None = None
    timestamp: int | None = None


class Link(BaseModel):
    """`info/link.json` of a `noarch: python` package."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str = ""
    entry_points: tuple[str, ...] = ()


def read_index(info: Mapping[str, bytes], subject: str) -> Index:
    """The package's own name, version and build; InputError when it does not say."""
    if "index.json" not in info:
        raise InputError(f"{subject}: not a conda package: no info/index.json")
    return _model(Index, _json(info, "index.json", subject), f"{subject}: info/index.json")


def read_link(info: Mapping[str, bytes], subject: str) -> Link:
    """How a `noarch` package is to be linked."""
    table = _json(info, "link.json", subject).get("noarch") if "link.json" in info else None
    return _model(Link, table if isinstance(table, dict) else {}, f"{subject}: info/link.json")


def read_paths(info: Mapping[str, bytes], subject: str) -> dict[str, Listed]:
    """Every path that is to be there, by itself."""
    found: dict[str, Listed] = {}
    for listed in _listed(info, subject):
        check_path(listed.path, subject)
        if listed.path in found:
            raise InputError(f"{subject}: {listed.path} is listed twice")
        found[listed.path] = listed
    return found


def _listed(info: Mapping[str, bytes], subject: str) -> Iterator[Listed]:
    if "paths.json" in info:
        items = _json(info, "paths.json", subject).get("paths")
        if not isinstance(items, list) or len(items) > MAX_FILES:
            raise InputError(f"{subject}: info/paths.json: not a list of at most {MAX_FILES} paths")
        yield from (_model(Listed, item, f"{subject}: info/paths.json") for item in items)
        return
    prefixes = dict(_old_prefixes(info.get("has_prefix", b"").decode(errors="replace"), subject))
    for line in info.get("files", b"").decode(errors="replace").splitlines():
        if path := line.strip():
            placeholder, mode = prefixes.get(path, ("", "text"))
            yield _model(Listed, {"_path": path, "prefix_placeholder": placeholder, "file_mode": mode}, subject)


def _old_prefixes(text: str, subject: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """A line is a path, or placeholder, mode and path, each perhaps in quotes."""
    for line in text.splitlines():
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise InputError(f"{subject}: info/has_prefix: {error}") from error
        if len(words) == 3:
            yield words[2], (words[0], words[1])
        elif words:
            yield line.strip(), (OLD_PLACEHOLDER, "text")


def _json(info: Mapping[str, bytes], name: str, subject: str) -> dict[str, Any]:
    value = parse_json(info[name], f"{subject}: info/{name}", max_size=MAX_INFO)
    if not isinstance(value, dict):
        raise InputError(f"{subject}: info/{name}: not a JSON object")
    return value


def _model(model: type[Model], value: object, subject: str) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{subject}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
