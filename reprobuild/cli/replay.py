"""`reprobuild replay`."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.options import EngineOption, GpuOption, NumericsOption, choose_engine
from reprobuild.cli.show import answer, answer_json, forwarding, progress
from reprobuild.ground.errors import UsageError

NAME = "replay"
EXAMPLES = ("reprobuild replay bundle.tar", "reprobuild replay bundle.tar --require identical --output results")


class Require(StrEnum):
    """What counts as success."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"


def command(
    bundle: Annotated[Path, typer.Argument(help="The bundle to repeat.", dir_okay=False)],
    require: Annotated[
        Require, typer.Option("--require", help="The least verdict that ends with 0.")
    ] = Require.EQUIVALENT,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Train with another seed than the recorded one.", min=0, max=2**32 - 1)
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="NAME=PATH", help="Where a data set is that the bundle does not carry."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for the outputs, the log and replay.json.")
    ] = None,
    engine: EngineOption = None,
    gpu: GpuOption = False,
    numerics: NumericsOption = None,
    emulate: Annotated[
        str | None,
        typer.Option(
            "--emulate",
            metavar="CPU",
            help="Train on another CPU, emulated by qemu in the sandbox, for instance Haswell; qemu-x86_64-static -cpu "
            "help lists them. About ten times slower.",
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Start even where reprobuild preflight says that it cannot run.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print replay.json; the training's output goes to standard error.")
    ] = False,
) -> None:
    """Run a bundle again and say whether the recorded result came out.

    Every byte is verified before anything is unpacked; the code runs in a sandbox, or another engine, without network.
    The verdict is identical, equivalent (0), different (10) or unchecked (11), with its reasons.
    """
    from reprobuild.cli.world import open_world
    from reprobuild.engines.engine import ONLY_SANDBOX
    from reprobuild.steps.replay.replay import Options, replay_bundle
    from reprobuild.verdict.render import render_report

    places = _places(data or [])
    options = Options(
        seed,
        places,
        require.value,
        output,
        os.environ,
        anyway,
        gpu,
        emulate,
        numerics.value if numerics else None,
    )
    chosen = choose_engine(engine)
    if emulate is not None and chosen != "sandbox":
        raise UsageError(f"--emulate: {chosen} cannot emulate a CPU", hint=ONLY_SANDBOX)
    with open_world(chosen) as world, progress() as shown:
        report = replay_bundle(bundle, world, options, on_output=forwarding(sys.stderr.buffer), progress=shown)
    if as_json:
        answer_json(report.model_dump(mode="json"))
    else:
        answer(render_report(report))
    raise typer.Exit(report.exit_status)


def _places(items: list[str]) -> dict[str, Path]:
    places: dict[str, Path] = {}
    for name, path in map(_pair, items):
        if name in places:
            raise UsageError(f"--data {name}: given twice", hint="give each data set one place")
        places[name] = path
    return places


def _pair(item: str) -> tuple[str, Path]:
    name, equals, path = item.partition("=")
    if not (name and equals and path):
        raise UsageError(f"--data {item}: not NAME=PATH", hint="for example --data digits=/data/digits.csv")
    return name, Path(path)
