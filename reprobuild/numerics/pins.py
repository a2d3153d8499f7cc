"""The published pins: what each sets, for which library and versions, why, by which source, and whether it was tested.

They are data, `kb/pins.toml`; docs/numerics.md has the table.
"""

import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, Field, ValidationError, model_validator

from reprobuild.ground.documents import Document, Variable
from reprobuild.ground.errors import InputError

Profile = Literal["native", "portable"]
PROFILES: tuple[Profile, ...] = ("native", "portable")
FILE = "kb/pins.toml"
_PLACE = re.compile(r"\{[^}]*\}?|\}")
_MODULE = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_OPERATORS = (">=", "<=", "==", "!=", "<", ">")
"""Those of PEP 440 that the runtime, which has no `packaging`, knows too."""


def _versions(text: str) -> str:
    try:
        found = SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"not a version specifier: {text}") from error
    if any(item.operator not in _OPERATORS or not re.fullmatch(r"\d+(\.\d+)*", item.version) for item in found):
        raise ValueError(f"a specifier of plain releases with {' '.join(_OPERATORS)} only: {text}")
    return text


def _value(text: str) -> str:
    if any(found != "{threads}" for found in _PLACE.findall(text)):
        raise ValueError(f"only {{threads}} can stand in a value: {text}")
    return text


Versions = Annotated[str, AfterValidator(_versions)]
"""A PEP 440 specifier; empty for all."""
Value = Annotated[str, Field(pattern=r"^[^\x00]*$"), AfterValidator(_value)]
"""A text in which `{threads}` stands for the number of threads."""
Function = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*\.[a-z_][a-z0-9_]*$")]
"""`module.function` below `reprobuild_inside` of the runtime."""


class Pin(Document):
    """One pin: variables that it sets, a function that it calls in the process, or only a check of what must hold."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    library: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Whose arithmetic it pins, as a person names it; what the versions are of."""
    versions: Versions
    after: tuple[Annotated[str, Field(pattern=_MODULE)], ...] = ()
    """Modules after whose import it is applied and checked; none: when Python starts."""
    environment: dict[Variable, Value] = Field(default_factory=dict)
    call: Function | None = None
    value: Value = ""
    """What the call and the check are given."""
    check: Function
    why: str = Field(min_length=20)
    source: str = Field(pattern=r"^(https://|tests/|docs/|benchmarks/)")
    """The documentation that it follows, or the experiment in this repository."""
    tested: bool
    """False: from documentation alone."""
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1)]


class Pins(Document):
    """The table; every id once, and no variable with two values in one profile."""

    pin: tuple[Pin, ...]

    @model_validator(mode="after")
    def _unique(self) -> "Pins":
        ids = [pin.id for pin in self.pin]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")
        for profile in PROFILES:
            values: dict[str, str] = {}
            for pin in self.pin:
                for name, value in pin.environment.items() if profile in pin.profiles else ():
                    if values.setdefault(name, value) != value:
                        raise ValueError(f"{name}: two pins of the profile {profile} set it to two values")
        return self


def parse_pins(data: bytes, subject: str) -> tuple[Pin, ...]:
    """The pins of a TOML file; InputError in one line for anything that is none."""
    try:
        table = tomllib.loads(data.decode())
        return Pins.model_validate_json(json.dumps(table)).pin
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{subject}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
    except ValueError as error:
        raise InputError(f"{subject}: not TOML: {error}") from error


@cache
def published_pins() -> tuple[Pin, ...]:
    """The pins of `kb/pins.toml`, in its order."""
    return parse_pins((files("reprobuild") / FILE).read_bytes(), FILE)


def render_pins() -> str:
    """The table for the documentation, in Markdown."""
    rows = [
        (
            f"`{pin.id}`",
            f"{pin.library} {pin.versions}".strip(),
            _what(pin),
            f"{pin.why} ([source]({_link(pin.source)}))",
            "yes" if pin.tested else "*untested*",
        )
        for pin in published_pins()
    ]
    lines = [("pin", "library", "what it sets", "why", "tested here"), ("---",) * 5, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _what(pin: Pin) -> str:
    parts = [f"`{name}={value}`" for name, value in sorted(pin.environment.items())]
    if pin.call:
        given = f"({pin.value})" if pin.value else ""
        parts.append(f"in the process: `{pin.call}{given}`")
    return ", ".join(parts) or "nothing; it is checked"


def _link(source: str) -> str:
    return source if source.startswith("https://") else f"../{source}"
