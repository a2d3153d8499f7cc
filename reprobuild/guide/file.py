"""The tables of `guide.toml`, as written: each is one statement with who made it and when."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from reprobuild.ground.documents import Inside
from reprobuild.project.file import Table, Text


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1 or text.endswith(("\n", "\r")):
        raise ValueError("it has more than one line")
    return text


Prose = Annotated[Text, Field(min_length=1, max_length=20_000)]
"""Plain text; an empty line begins a new paragraph."""
Line = Annotated[Text, Field(min_length=1, max_length=500), AfterValidator(_one_line)]


class Statement(Table):
    """What every table has."""

    text: Prose
    by: Line
    """Who says so."""
    on: date
    """When it was said."""
    review_by: date | None = None
    """From the day after, `guide --check` asks for it to be looked at again."""


class Part(Table):
    """One part of the data: its share (of 1), or its rows."""

    name: Line
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    rows: Annotated[int, Field(ge=0)] | None = None
    how: Line | None = None


class Splits(Statement):
    """`[splits]`."""

    parts: Annotated[list[Part], Field(min_length=1)]


class Group(Table):
    """One figure of one group of people or things: a metric of the run, or a value that somebody declares."""

    group: Line
    metric: Line
    """What the figure is, for example `recall`."""
    recorded_as: Line | None = None
    """The name of the metric in the run's record, which makes the figure measured."""
    value: float | int | None = None

    @model_validator(mode="after")
    def _one(self) -> "Group":
        if (self.recorded_as is None) == (self.value is None):
            raise ValueError("it needs either recorded_as, a metric of the run, or value, a number")
        return self


class Fairness(Statement):
    """`[fairness]`."""

    groups: list[Group] = Field(default_factory=list)


class Bounds(Table):
    """What a figure must be at least, at most, or both."""

    at_least: float | int | None = None
    at_most: float | int | None = None

    @model_validator(mode="after")
    def _some(self) -> "Bounds":
        if self.at_least is None and self.at_most is None:
            raise ValueError("it needs at_least, at_most, or both")
        return self


class Signal(Bounds):
    """A figure that is watched in production: outside its bounds, `action` follows."""

    name: Line
    every: Line | None = None
    action: Line


class Watch(Statement):
    """`[model_drift]`, `[data_drift]`, `[degradation]`."""

    signals: Annotated[list[Signal], Field(min_length=1)]


class AbTest(Statement):
    """`[ab_test]`."""

    metric: Line | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of the traffic that the new model gets."""
    days: Annotated[int, Field(ge=1)] | None = None


class Rollback(Statement):
    """`[rollback]`."""

    steps: Annotated[list[Line], Field(min_length=1)]


class Retraining(Statement):
    """`[retraining]`."""

    triggers: Annotated[list[Line], Field(min_length=1)]


class Deprecation(Statement):
    """`[deprecation]`."""

    after: date | None = None
    """The model's last day."""


class Criterion(Bounds):
    """What the business asks of a figure; `recorded_as` names the run's metric that answers it."""

    name: Line
    recorded_as: Line | None = None


class Business(Statement):
    """`[business]`."""

    criteria: Annotated[list[Criterion], Field(min_length=1)]


class GuideFile(Table):
    """The whole file; every table may be left out, and the guide then says what is missing."""

    template: Inside | None = None
    """A team's own template, a file inside the project."""
    replay: Statement | None = None
    seeds: Statement | None = None
    libraries: Statement | None = None
    hardware: Statement | None = None
    hyperparameters: Statement | None = None
    architecture: Statement | None = None
    data: Statement | None = None
    preprocessing: Statement | None = None
    splits: Splits | None = None
    evaluation: Statement | None = None
    fairness: Fairness | None = None
    experiments: Statement | None = None
    versioning: Statement | None = None
    ab_test: AbTest | None = None
    rollback: Rollback | None = None
    model_drift: Watch | None = None
    data_drift: Watch | None = None
    degradation: Watch | None = None
    retraining: Retraining | None = None
    deprecation: Deprecation | None = None
    business: Business | None = None
    limitations: Statement | None = None
