"""Reading a base: `images/NAME.toml` and the public keys beside it, or a file that the project names."""

import difflib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from reprobuild.ground.errors import InputError
from reprobuild.lock.base import Base

MAX_PARENTS = 8


def read_base(name: str, project: Path) -> tuple[Base, bytes]:
    """The base and its archive keys (binary OpenPGP certificates); `name` is one of ours, or a path ending in .toml."""
    table, keys = _read_whole(name, project, ())
    return parse_base(table, name), keys


def _read_whole(name: str, project: Path, below: tuple[str, ...]) -> tuple[dict[str, Any], bytes]:
    """The table of a base with what it inherits, and the keys that lie beside the file that names them."""
    place, folder = _find_base(name, project, below)
    if name in below or len(below) > MAX_PARENTS:
        raise InputError(f"{below[0]}: extends: {' → '.join((*below, name))} has no end")
    table = parse_table(place.read_bytes(), name)
    parent, keys = table.pop("extends", None), table.pop("keys", None)
    if parent is not None and not isinstance(parent, str):
        raise InputError(f"{name}: extends: not the name of a base")
    inherited, archive_keys = _read_whole(parent, project, (*below, name)) if parent is not None else ({}, b"")
    if keys is not None or parent is None:
        archive_keys = _read_keys(keys, folder, name)
    return merge_tables(inherited, table), archive_keys


def _find_base(name: str, project: Path, below: tuple[str, ...]) -> tuple[Traversable, Traversable]:
    """The file of a base and the folder that holds it."""
    subject = f"{below[-1]}: extends: {name}" if below else name
    if name.endswith(".toml"):
        path = project / name
        if not path.is_file():
            raise InputError(
                f"{subject}: no such base", hint="image.base is the path of a file below the project, or a name"
            )
        return path, path.parent
    folder = shipped_bases()
    place = folder / f"{name}.toml"
    if "/" in name or not place.is_file():
        known = sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))
        near = difflib.get_close_matches(name, known, n=1)
        raise InputError(
            f"{subject}: no such base", hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        )
    return place, folder


def _read_keys(keys: object, folder: Traversable, subject: str) -> bytes:
    if not isinstance(keys, str):
        raise InputError(f"{subject}: keys: the name of a file with the archive's public keys is missing")
    if "/" in keys or not (folder / keys).is_file():
        raise InputError(f"{subject}: keys: {keys} is not a file beside it")
    return (folder / keys).read_bytes()


def merge_tables(inherited: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables as one: a table is merged key by key, anything else that `own` says takes the inherited place."""
    merged = dict(inherited)
    for key, value in own.items():
        there = merged.get(key)
        merged[key] = merge_tables(there, value) if isinstance(value, dict) and isinstance(there, dict) else value
    return merged


def shipped_bases() -> Traversable:
    """The folder of our own bases: inside the installed wheel, or beside the package in a checkout."""
    installed = files("reprobuild") / "images"
    return installed if installed.is_dir() else Path(str(files("reprobuild"))).parent / "images"


def parse_table(data: bytes, subject: str) -> dict[str, Any]:
    """What a base's file says, unchecked."""
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{subject}: not TOML: {error}") from error


def parse_base(table: Mapping[str, Any], subject: str) -> Base:
    """The base that a whole table says."""
    try:
        # TOML has lists where the document has tuples; every other type is strict.
        base = Base.model_validate_json(to_json(table))
        if not base.suites:
            raise InputError(f"{subject}: suites: none of them, and packages come from suites")
        return base
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{subject}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
