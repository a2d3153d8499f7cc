"""TOML that people write, into a strict model; a complaint is one line with file, line, key and nearest right name."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reprobuild.ground.errors import InputError
from reprobuild.project.lines import line_of


def parse_toml(data: bytes, file: str) -> tuple[str, dict[str, Any]]:
    """The text and the tables of a TOML file; InputError with the line where it is none."""
    try:
        text = data.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8: {error}", hint="save it as UTF-8 text") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or an integer of thousands of digits
        line = re.search(r"at line (\d+)", str(error))
        number = f":{line[1]}" if line else ""
        if "end of document" in str(error):
            number = f":{data.decode().count(chr(10)) + 1}"
        raise InputError(
            f"{file}{number}: not TOML: {error}", hint="see https://toml.io for how TOML is written"
        ) from error


@dataclass(frozen=True)
class Complaints:
    """What is wrong with the values of one file; `example_of` gives a right value for the hint beside a wrong one."""

    file: str
    text: str
    model: type[BaseModel]
    example_of: Callable[[Sequence[str]], str]
    union_tags: tuple[str, ...] = ()
    """What pydantic puts into a key for the members of a union."""

    def about(self, key: Sequence[str], message: str, hint: str = "") -> InputError:
        """A complaint about one key."""
        name = list(key)
        while name[-1:] and name[-1].isdigit():
            name.pop()  # of an item of a list, the line says which it is
        where = f"{self.file}:{line_of(self.text, key)}: {'.'.join(name)}"
        return InputError(f"{where}: {message}", hint=hint or self.example_of(key))

    def first(self, error: ValidationError) -> tuple[list[str], dict[str, Any]]:
        """The key of the complaint that explains the others, and what pydantic says."""
        # An unknown key explains a missing one beside it (a misspelling makes both), so it is told first.
        errors = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
        return [str(part) for part in errors[0]["loc"] if part not in self.union_tags], dict(errors[0])

    def of(self, error: ValidationError) -> InputError:
        """The one line for what pydantic found."""
        key, first = self.first(error)
        if first["type"] == "extra_forbidden":
            known = sorted(self._fields_beside(key))
            near = difflib.get_close_matches(key[-1], known, n=1, cutoff=0.5)
            return self.about(
                key, "unknown key", f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            )
        if first["type"] == "missing":
            return self.about(key, "missing", f"add it: {self.example_of(key)}")
        return self.about(key, str(first["msg"]).removeprefix("Value error, "))

    def _fields_beside(self, key: Sequence[str]) -> list[str]:
        model: type[BaseModel] = self.model
        for part in key[:-1]:
            if part in model.model_fields:
                model = next(_models(model.model_fields[part].annotation), model)
        return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a field may hold, also in a list, a mapping or a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for item in get_args(annotation):
        yield from _models(item)
