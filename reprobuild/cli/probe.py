"""`reprobuild probe`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reprobuild.cli.options import EngineChoice, EngineOption, NumericsOption, choose_engine
from reprobuild.cli.show import answer, answer_json, progress
from reprobuild.ground.errors import UsageError

if TYPE_CHECKING:
    from reprobuild.numerics.document import Numerics
    from reprobuild.numerics.pins import Profile

NAME = "probe"
EXAMPLES = (
    "reprobuild probe --json > here.json",
    "reprobuild probe --python /opt/conda/bin/python --threads 8",
    "reprobuild probe --image --against bundle.tar",
    "reprobuild probe --image --numerics portable --emulate Haswell --against here.json",
)
IMAGE_ONLY = "it is for an image"


def command(
    context: typer.Context,
    python: Annotated[
        str | None,
        typer.Option("--python", help="A Python outside any image, with its libraries; none: the one that runs this."),
    ] = None,
    image: Annotated[
        bool, typer.Option("--image", help="Probe the project's image, as a run would compute in it.")
    ] = False,
    numerics: NumericsOption = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads to compute with; none: the project's, or 1.", min=1)
    ] = None,
    emulate: Annotated[
        str | None,
        typer.Option(
            "--emulate", metavar="CPU", help="Compute on another CPU, emulated by qemu, for instance Haswell."
        ),
    ] = None,
    engine: EngineOption = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="Compare with another probe: a bundle, a numerics.json, or what --json printed.",
            dir_okay=False,
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="List every operation with its digest.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print numerics.json, or the comparison with --against.")
    ] = False,
) -> None:
    """Compute hundreds of small operations and hash the results, to see whether machines have the same arithmetic.

    The inputs are made from integers, so they are equal everywhere; what differs is the arithmetic: the C library,
    Python's math, NumPy, SciPy, PyTorch on the CPU and on each GPU, whichever are there. Machines that agree on an
    operation here give the same bits for it in a training. Ends with 0; with --against 10 when an operation disagrees,
    and 11 when nothing could be compared.
    """
    from reprobuild.numerics.compare import compare_numerics
    from reprobuild.numerics.render import render_agreement, render_numerics
    from reprobuild.steps.probe.probe import read_numerics

    _check(python, image, emulate, engine is not None)
    recorded = read_numerics(against) if against is not None else None
    profile: Profile | None = numerics.value if numerics else None
    if image:
        seen = _probe_image(context.obj, engine, profile, threads, emulate)
    else:
        seen = _probe_python(python or sys.executable, profile or "native", threads or 1)
    if recorded is None:
        answer_json(seen.model_dump(mode="json")) if as_json else answer(render_numerics(seen, verbose=verbose))
        return
    agreement = compare_numerics(recorded, seen)
    if as_json:
        answer_json(agreement.model_dump(mode="json"))
    else:
        answer(render_agreement(agreement, verbose=verbose))
    raise typer.Exit({"agree": 0, "disagree": 10, "unchecked": 11}[agreement.outcome])


def _check(python: str | None, image: bool, emulate: str | None, engine: bool) -> None:
    if image and python is not None:
        raise UsageError("--python: an image has its own Python", hint="leave out --python or --image")
    for option, given in (("--emulate", emulate is not None), ("--engine", engine)):
        if given and not image:
            raise UsageError(f"{option}: {IMAGE_ONLY}", hint="add --image, in a project with a lock")


def _probe_python(python: str, profile: "Profile", threads: int) -> "Numerics":
    from reprobuild.steps.probe.probe import probe_python
    from reprobuild.tools.process import run_process

    return probe_python(python, run_process, os.environ, profile, threads)


def _probe_image(
    folder: Path, engine: EngineChoice | None, profile: "Profile | None", threads: int | None, emulate: str | None
) -> "Numerics":
    from reprobuild.cli.world import open_world
    from reprobuild.engines.engine import ONLY_SANDBOX
    from reprobuild.project.read import read_project
    from reprobuild.steps.probe.probe import probe_project

    project = read_project(folder)
    chosen = choose_engine(engine, project.engine)
    if emulate is not None and chosen != "sandbox":
        raise UsageError(f"--emulate: {chosen} cannot emulate a CPU", hint=ONLY_SANDBOX)
    with open_world(chosen) as world, progress() as shown:
        return probe_project(project, world, shown, os.environ, profile=profile, threads=threads, cpu=emulate)
