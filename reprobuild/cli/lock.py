"""`reprobuild lock`."""

from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json, progress, say, size_text

NAME = "lock"
EXAMPLES = ("reprobuild lock", 'reprobuild lock --check || echo "lock it anew"')


def command(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 10 and name the input that changed since the lock.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Pin everything by hash: reprobuild.toml → lockfiles/.

    Debian packages from the archives that apt is configured with, wheels from pip's sources, data by its content. No
    location is written: the same lock works behind any mirror. Nothing is installed and no package's code is run.
    """
    from reprobuild.cli.world import open_world
    from reprobuild.project.read import read_project
    from reprobuild.steps import lock

    project = read_project(context.obj)
    if check:
        changed = lock.changed_inputs(project)
        if as_json:
            answer_json({"changed": changed})
        else:
            answer("\n".join(f"changed: {name}" for name in changed) or "lockfiles/reprobuild.lock is up to date")
        raise typer.Exit(10 if changed else 0)
    with progress() as shown, open_world() as world:
        made = lock.lock_project(project, world, progress=shown)
    for note in made.notes:
        say(f"note: {note}")
    counts = {kind: [item for item in made.index.artifacts if item.kind == kind] for kind in ("deb", "wheel")}
    cuda = made.index.cuda
    if as_json:
        artifacts = {kind: len(items) for kind, items in counts.items()}
        answer_json({"lock": made.sha256, "artifacts": artifacts, "cuda": cuda and cuda.model_dump(mode="json")})
        return
    for kind, title in (("deb", "Debian packages"), ("wheel", "wheels")):
        size = sum(item.size for item in counts[kind])
        answer(f"{len(counts[kind]):4} {title:16} {size_text(size):>8}")
    for name, data in sorted(made.index.data.items()):
        answer(f"     data {name:11} {size_text(data.size):>8}")
    if cuda:
        answer(f"     CUDA {cuda.version}, needs driver {cuda.driver or '(not known)'} or newer")
    answer(f"lockfiles/reprobuild.lock  sha256:{made.sha256}")
