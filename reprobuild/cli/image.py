"""`reprobuild image`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reprobuild.cli.options import DaemonChoice
from reprobuild.cli.show import answer, answer_json, progress, say

if TYPE_CHECKING:
    from reprobuild.project.model import Project

NAME = "image"
EXAMPLES = ("reprobuild image", "reprobuild image --json", "reprobuild image --load docker")


def command(
    context: typer.Context,
    load: Annotated[
        DaemonChoice | None,
        typer.Option("--load", help="Put the image there too, named by the project and the start of its ID."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print image ID, layers and notes as JSON.")] = False,
) -> None:
    """Turn the lock into an image and print its ID.

    The ID depends on the lock alone: the same on every machine, for every user, with or without a container engine.
    Downloads are kept in the store and resumed; nothing in a package is executed.
    """
    from reprobuild.cli.world import open_world
    from reprobuild.steps.image.prepare import prepare_image
    from reprobuild.steps.lock.file import read_lock

    index, _ = read_lock(context.obj / "lockfiles")
    project = _read_project(context.obj) if load else None
    with progress() as shown, open_world() as world:
        image = prepare_image(index, world, progress=shown)
        name = ""
        if load and project:
            from reprobuild.engines.find import open_docker

            engine = open_docker(load.value, os.environ)
            name = engine.tag(engine.load(image, world.store, shown), image, project.name)
    for note in image.notes:
        say(f"note: {note.package}: its {note.script} would have done more: {note.line}")
    if as_json:
        answer_json(image.model_dump(mode="json") | ({"loaded": name} if name else {}))
    else:
        answer(f"sha256:{image.image_id}")
    if name:
        say(f"{load} calls it {name}")


def _read_project(folder: Path) -> "Project":
    from reprobuild.project.read import read_project  # late: an unchanged image is found without it

    return read_project(folder)
