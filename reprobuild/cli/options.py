"""Options that several commands share."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from reprobuild.hardware.fingerprint import EngineName


class Compression(StrEnum):
    """How a bundle's image layers are compressed."""

    ZSTD = "zstd"
    GZIP = "gzip"

    @property
    def name_of(self) -> Literal["zstd", "gzip"]:
        """The name, as images know it."""
        return "gzip" if self is Compression.GZIP else "zstd"


class EngineChoice(StrEnum):
    """What runs an image."""

    SANDBOX = "sandbox"
    DOCKER = "docker"
    PODMAN = "podman"


class DaemonChoice(StrEnum):
    """An engine that keeps images itself."""

    DOCKER = "docker"
    PODMAN = "podman"


EngineOption = Annotated[
    EngineChoice | None,
    typer.Option(
        "--engine",
        help="What runs the image: the sandbox (bubblewrap; on macOS there is none and Docker is used), "
        "or the Docker or Podman that runs here. The result is the same.",
    ),
]


def choose_engine(option: EngineChoice | None, project: "EngineName | None" = None) -> "EngineName":
    """The engine of the command line, else the project's, else the one that is usual on this machine."""
    from reprobuild.engines.find import default_engine

    return option.value if option else project or default_engine(sys.platform)


class NumericsChoice(StrEnum):
    """The numerics profiles."""

    NATIVE = "native"
    PORTABLE = "portable"


NumericsOption = Annotated[
    NumericsChoice | None,
    typer.Option(
        "--numerics",
        help="native computes as fast as the machine can; portable pins kernels and threads, so that other CPUs give "
        "the same bits. Default: [run] numerics, and in a replay the recorded profile.",
    ),
]

GpuOption = Annotated[
    bool,
    typer.Option("--gpu", help="Pass this machine's NVIDIA GPUs, with the libraries of its driver, as [run] gpu does."),
]

CompressionOption = Annotated[
    Compression,
    typer.Option("--compression", help="Of the image's layers; gzip is for Docker before 25 and umoci."),
]


def _complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """The runs of the project whose number begins so, for a shell's completion."""
    from reprobuild.record.folder import LATEST, run_folders

    root = context.find_root().params.get("project") or Path()
    names = [*(folder.name for folder in run_folders(Path(root))), LATEST]
    return [name for name in names if name.startswith(incomplete) or name.lstrip("0").startswith(incomplete)]


RunArgument = Annotated[str, typer.Argument(help="Number of a run, or `latest`.", autocompletion=_complete_run)]
