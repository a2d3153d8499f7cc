"""`reprobuild preflight`."""

from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json

NAME = "preflight"
EXAMPLES = ("reprobuild preflight bundle.tar", "reprobuild preflight bundle.tar --machine machine.json")


def command(
    bundle: Annotated[Path, typer.Argument(help="The bundle to ask for.", dir_okay=False)],
    machine: Annotated[
        Path | None,
        typer.Option("--machine", help="Another machine, as reprobuild fingerprint --json told of it.", dir_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print both machines and all findings as JSON.")] = False,
) -> None:
    """Say whether a bundle can run on a machine and give the same bits there; reads kilobytes and runs nothing.

    Ends with 0 when nothing stands in the way, 10 when bits may or will differ, 4 when it cannot run there: driver too
    old for its CUDA, no kernels for the GPU, too little memory or disk. Each finding names its rule; docs/hardware.md
    has the table with the sources.
    """
    from reprobuild.cli.world import open_world
    from reprobuild.steps.fingerprint import take_fingerprint
    from reprobuild.steps.replay.preflight import preflight_bundle, read_fingerprint, render_preflight

    with open_world() as world:
        if machine is not None:
            report = preflight_bundle(bundle, read_fingerprint(machine), None)
        else:
            here = take_fingerprint(world.store.root, world.runner)
            report = preflight_bundle(bundle, here, world.store)
    if as_json:
        answer_json(report.model_dump(mode="json"))
    else:
        answer(render_preflight(report))
    raise typer.Exit(report.exit_status)
