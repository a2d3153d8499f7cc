"""`reprobuild bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.options import Compression, CompressionOption
from reprobuild.cli.show import answer, answer_json

NAME = "bundle"
EXAMPLES = ("reprobuild bundle", "reprobuild bundle 3 --output third.tar --compression gzip")


def command(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Number of the run under .reprobuild/runs; the latest by default.")] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the bundle.")] = Path("bundle.tar"),
    compression: CompressionOption = Compression.ZSTD,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a bundle of any recorded run."""
    from reprobuild.cli.world import open_world
    from reprobuild.record.folder import find_run
    from reprobuild.steps.bundle import check_target, make_bundle

    folder = find_run(context.obj, run)
    target = output if output.is_absolute() or context.obj == Path() else context.obj / output
    check_target(target, "--output")
    with open_world() as world:
        digest = make_bundle(folder, world.store, target, compression=compression.name_of)
    if as_json:
        answer_json({"bundle": str(target), "digest": digest, "run": folder.name})
    else:
        answer(f"{target}  sha256:{digest}")
