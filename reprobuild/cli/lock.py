"""`reprobuild lock`."""

from enum import StrEnum
from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json, progress, say, size_text
from reprobuild.ground.errors import UsageError

NAME = "lock"
EXAMPLES = ("reprobuild lock", 'reprobuild lock --check || echo "lock it anew"', "reprobuild lock --upgrade base")


class Upgrade(StrEnum):
    """What a lock keeps until it is asked to look again."""

    BASE = "base"


def command(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 10 and name the input that changed since the lock.")
    ] = False,
    upgrade: Annotated[
        Upgrade | None,
        typer.Option("--upgrade", help="base: ask again what the tag of a docker:// base is; say what changed."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Pin everything by hash: reprobuild.toml → lockfiles/.

    Debian packages from the archives that apt is configured with, conda packages from conda's channels through
    conda-lock, wheels from pip's sources, data by its content. No location is written: the same lock works behind any
    mirror. Nothing is installed and no package's code is run.
    """
    from reprobuild.cli.world import open_world
    from reprobuild.project.read import read_project
    from reprobuild.steps.lock import lock

    project = read_project(context.obj)
    if check and upgrade:
        raise UsageError("--check and --upgrade: one changes nothing, the other does", hint="leave one of them out")
    if check:
        changed = lock.changed_inputs(project)
        if as_json:
            answer_json({"changed": changed})
        else:
            answer("\n".join(f"changed: {name}" for name in changed) or "lockfiles/reprobuild.lock is up to date")
        raise typer.Exit(10 if changed else 0)
    with progress() as shown, open_world() as world:
        made = lock.lock_project(project, world, progress=shown, upgrade=upgrade is not None)
    for note in made.notes:
        say(f"note: {note}")
    origin, cuda = made.index.origin, made.index.cuda
    titles = {"oci-layer": "base layers"} if origin else {"deb": "Debian packages"}
    titles |= ({"conda": "conda packages"} if project.environment else {}) | {"wheel": "wheels"}
    counts = {kind: [item for item in made.index.artifacts if item.kind == kind] for kind in titles}
    if as_json:
        told = {"base": origin, "cuda": cuda}
        documents = {name: value and value.model_dump(mode="json") for name, value in told.items()}
        answer_json(
            {"lock": made.sha256, "artifacts": {kind: len(items) for kind, items in counts.items()}, **documents}
        )
        return
    if origin:
        answer(f"{origin.reference} is sha256:{origin.manifest}")
    for kind, title in titles.items():
        size = sum(item.size for item in counts[kind])
        answer(f"{len(counts[kind]):4} {title:16} {size_text(size):>8}")
    for name, data in sorted(made.index.data.items()):
        answer(f"     data {name:11} {size_text(data.size):>8}")
    if cuda:
        answer(f"     CUDA {cuda.version}, needs driver {cuda.driver or '(not known)'} or newer")
    answer(f"lockfiles/reprobuild.lock  sha256:{made.sha256}")
