"""Options that several commands share."""

from enum import StrEnum
from typing import Annotated, Literal

import typer


class Compression(StrEnum):
    """How a bundle's image layers are compressed."""

    ZSTD = "zstd"
    GZIP = "gzip"

    @property
    def name_of(self) -> Literal["zstd", "gzip"]:
        """The name, as images know it."""
        return "gzip" if self is Compression.GZIP else "zstd"


CompressionOption = Annotated[
    Compression,
    typer.Option("--compression", help="Of the image's layers; gzip is for Docker before 25 and umoci."),
]
