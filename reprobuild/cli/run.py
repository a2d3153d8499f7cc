"""`reprobuild run`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.options import (
    Compression,
    CompressionOption,
    EngineOption,
    GpuOption,
    NumericsOption,
    choose_engine,
)
from reprobuild.cli.show import answer, answer_json, forwarding, progress, say
from reprobuild.ground.errors import InputError, ToolError

NAME = "run"
EXAMPLES = (
    "reprobuild run",
    "reprobuild run --seed 7 --bundle seed7.tar",
    "reprobuild run --numerics portable",
    "reprobuild run --engine docker",
)


def command(
    context: typer.Context,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Use this seed instead of [run] seed.", min=0, max=2**32 - 1)
    ] = None,
    bundle: Annotated[Path, typer.Option("--bundle", help="Where to write the bundle.")] = Path("bundle.tar"),
    engine: EngineOption = None,
    gpu: GpuOption = False,
    numerics: NumericsOption = None,
    compression: CompressionOption = Compression.ZSTD,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON; the training's output goes to standard error.")
    ] = False,
) -> None:
    """Train inside the image, record everything, and write bundle.tar.

    The training sees the source tree, its data read-only, no network and no variable of this shell. Seeds of Python,
    NumPy, PyTorch and others are set before the script's first line. A failed run is recorded too and makes no bundle
    (exit status 4).
    """
    from reprobuild.cli.world import open_world
    from reprobuild.ground.digests import short
    from reprobuild.numerics.price import render_price
    from reprobuild.numerics.taken import missed_lines
    from reprobuild.project.read import read_project
    from reprobuild.record.sources import render_sources
    from reprobuild.steps.bundle import check_target, make_bundle
    from reprobuild.steps.image.prepare import prepare_image, prepare_run
    from reprobuild.steps.lock.lock import read_lock_of
    from reprobuild.steps.probe.inquiry import place_of
    from reprobuild.steps.probe.probe import probed
    from reprobuild.steps.probe.repeat import keep_results
    from reprobuild.steps.replay.preflight import require_flags, require_gpu
    from reprobuild.steps.run.run import ask, run_training
    from reprobuild.tools.machine import collect_cpu

    project = read_project(context.obj)
    asked = ask(project, seed, gpu=gpu, numerics=numerics.value if numerics else None)
    lock = read_lock_of(project)
    target = bundle if bundle.is_absolute() or context.obj == Path() else context.obj / bundle
    check_target(target, "--bundle")
    with open_world(choose_engine(engine, project.engine)) as world:
        if asked.gpu:
            require_gpu(world.engine)
        require_flags(asked.numerics, collect_cpu().flags)
        with progress() as shown:
            prepared = prepare_run(prepare_image(lock[0], world, shown), lock[0].base, world, shown)
            place = place_of(prepared, world)
            probe = probed(place, asked, os.environ, shown)
        record, folder = run_training(
            project,
            lock,
            prepared,
            world.store,
            world.engine,
            world.runner,
            asked=asked,
            numerics=probe,
            variables=os.environ,
            on_output=forwarding(sys.stderr.buffer if as_json else sys.stdout.buffer),
        )
        if not record.good:
            raise ToolError(
                f"training: {record.ending.message or 'failed'}",
                hint=f"its record and log are in {folder}",
            )
        for line in missed_lines(record.found, record.asked.numerics):
            say(line)
        with progress() as shown:
            keep_results(folder, place, asked, os.environ, shown)
        _keep_guide(project.root, folder)
        if probe and asked.numerics != "native" and not _busy():
            with progress() as shown:
                native = probed(place, asked.model_copy(update={"numerics": "native"}), os.environ, shown)
            if native and (line := render_price(native, probe)):
                say(line)
        digest = make_bundle(folder, world.store, target, compression=compression.name_of)
    if as_json:
        answer_json(record.model_dump(mode="json"))
        return
    for line in render_sources(record.found):
        say(line)
    for name, value in sorted(record.metrics.items()):
        answer(f"{name} = {value:g}")
    say(f"record: {folder}")
    answer(f"{target}  sha256:{digest}  image {short(record.image)}")


def _busy() -> bool:
    """Whether others compute here as well, so that times say nothing."""
    return os.getloadavg()[0] > 1.5 * len(os.sched_getaffinity(0))


def _keep_guide(project: Path, folder: Path) -> None:
    """Write the run's guide for its bundle; a wrong guide.toml must not cost the bundle of a long training."""
    from reprobuild.steps.guide import keep_guide

    try:
        keep_guide(project, folder)
    except InputError as error:
        say(f"note: no guide in the bundle: {error}")
