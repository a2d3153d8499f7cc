"""The tables of `reprobuild.toml`, as written: types, bounds and defaults."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reprobuild.ground.documents import Inside, Name, Variable
from reprobuild.hardware.fingerprint import EngineName
from reprobuild.lock.base import AbsolutePath
from reprobuild.numerics.pins import Profile
from reprobuild.record.document import LONGEST, Scalar, Tolerance

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CREDENTIALS = re.compile(r"://[^/\s]*@")


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m`, `2h` or `1d`."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not 0 < (seconds := float(found[1]) * _SECONDS[found[2]]) <= LONGEST:
        raise ValueError('not a duration such as "90s", "5m", "2h" or "1d", at most a year')
    return seconds


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _hyperparameter(value: Scalar) -> Scalar:
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError("an integer of more than 64 bits")
    return _without_nul(value) if isinstance(value, str) else value


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return text


def _public(text: str) -> str:
    _without_nul(text)
    if _CREDENTIALS.search(text):
        raise ValueError("a URL with credentials; this file travels in every bundle")
    return text


Text = Annotated[str, AfterValidator(_public)]
Hyperparameter = Annotated[Scalar, AfterValidator(_hyperparameter)]
Duration = Annotated[str, AfterValidator(_duration)]


class Table(BaseModel):
    """A table that knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ProjectTable(Table):
    """`[project]`."""

    name: Name


class ImageTable(Table):
    """`[image]`."""

    base: Text
    debian: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.:-]+$")]] = []
    python: AbsolutePath | None = None


class PythonTable(Table):
    """`[python]`."""

    requirements: list[Inside] = []
    resolver: Literal["pip-tools", "uv"] = "pip-tools"


class CondaTable(Table):
    """`[conda]`."""

    environment: Inside


class RunTable(Table):
    """`[run]` with its two sub-tables."""

    command: Annotated[list[Text], Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    threads: Annotated[int, Field(ge=1, le=4096)] = 1
    numerics: Profile = "native"
    timeout: Duration = "24h"
    gpu: bool = False
    engine: EngineName | None = None
    env: list[Variable] = []
    params: list[Inside] = []
    outputs: list[Inside] = []
    metrics: Inside | None = None
    hyperparameters: dict[Variable, Hyperparameter] = {}
    tolerances: dict[str, Annotated[float, Field(ge=0)] | Annotated[int, Field(ge=0)] | Tolerance] = {}


class DataTable(Table):
    """`[data.NAME]`."""

    path: Annotated[Text, Field(min_length=1)]
    licence: Text = ""
    origin: Text = ""
    preprocessing: Text = ""


class ProjectFile(Table):
    """The whole file."""

    project: ProjectTable
    image: ImageTable
    python: PythonTable = PythonTable()
    conda: CondaTable | None = None
    run: RunTable
    data: dict[Name, DataTable] = {}
