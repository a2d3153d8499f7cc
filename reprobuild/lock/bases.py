"""Reading a base: `images/NAME.toml` and the public keys beside it, or a file that the project names."""

import difflib
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import to_json

from reprobuild.ground.errors import InputError
from reprobuild.lock.base import Base


def read_base(name: str, project: Path) -> tuple[Base, bytes]:
    """The base and its archive keys (binary OpenPGP certificates); `name` is one of ours, or a path ending in .toml."""
    place: Traversable
    folder: Traversable
    if name.endswith(".toml"):
        place, folder = project / name, (project / name).parent
        if not place.is_file():
            raise InputError(
                f"{name}: no such base", hint="image.base is the path of a file below the project, or a name"
            )
    else:
        folder = shipped_bases()
        place = folder / f"{name}.toml"
        if "/" in name or not place.is_file():
            known = sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))
            near = difflib.get_close_matches(name, known, n=1)
            raise InputError(
                f"{name}: no such base", hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            )
    base, keys = parse_base(place.read_bytes(), name)
    if "/" in keys or not (folder / keys).is_file():
        raise InputError(f"{name}: keys: {keys} is not a file beside it")
    return base, (folder / keys).read_bytes()


def shipped_bases() -> Traversable:
    """The folder of our own bases: inside the installed wheel, or beside the package in a checkout."""
    installed = files("reprobuild") / "images"
    return installed if installed.is_dir() else Path(str(files("reprobuild"))).parent / "images"


def parse_base(data: bytes, subject: str) -> tuple[Base, str]:
    """A base and the name of its file of keys."""
    try:
        table = tomllib.loads(data.decode())
        keys = table.pop("keys", None)
        if not isinstance(keys, str):
            raise InputError(f"{subject}: keys: the name of a file with the archive's public keys is missing")
        # TOML has lists where the document has tuples; every other type is strict.
        return Base.model_validate_json(to_json(table)), keys
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{subject}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{subject}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
