"""Documents: frozen values that leave the process as canonical JSON and refuse unknown fields."""

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.errors import InputError


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
