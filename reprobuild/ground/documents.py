"""Documents: frozen values that leave the process as canonical JSON and refuse unknown fields."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.errors import InputError


def _inside(path: str) -> str:
    if "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("not a plain relative path inside the project")
    return path


Inside = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_inside)]
"""A path below a folder that is known from elsewhere: relative, normal, with `/`."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""A name that may be part of a path."""
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of an environment variable or of a hyperparameter."""


class Document(BaseModel):
    """A frozen, strictly typed value; field names are matched by exact case."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def to_bytes(self) -> bytes:
        """The one spelling of this value."""
        return canonical_json(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, data: bytes, subject: str) -> Self:
        """The value that `data` spells; InputError names `subject`, the field and what is wrong."""
        parse_json(data, subject)
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{subject}: {where}: {first['msg']}") from error
