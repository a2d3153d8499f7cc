"""`reprobuild init`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reprobuild.cli.show import answer, answer_json, say

if TYPE_CHECKING:
    from reprobuild.steps.init.init import Scaffolded

NAME = "init"
EXAMPLES = (
    "reprobuild init",
    "reprobuild init tabular --dir new-project",
    "reprobuild init vision --features cuda,fairness --dry-run",
)


def command(
    context: typer.Context,
    archetype: Annotated[
        str, typer.Argument(help="tabular, vision, text or generic; without it the imports tell.", show_default=False)
    ] = "",
    features: Annotated[
        str, typer.Option("--features", help="Separated by commas: cuda, conda, fairness, monitoring.")
    ] = "",
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The folder to look at and write to; made when it is not there.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show the difference from what is there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found, and where, as JSON.")] = False,
) -> None:
    """Make a project of a folder: write reprobuild.toml, guide.toml and the stub of the guide from what lies there.

    Reads requirement files, pyproject.toml, environment.yml, a Dockerfile, parameter files and the training script (its
    arguments, the files that it opens, the seeds that it sets), and runs nothing. What could not be known stands in
    comments, with what to do. A file that is there already is never changed. In an empty folder a small training is
    written too.
    """
    from reprobuild.scaffold.choice import parse_archetype, parse_features
    from reprobuild.steps.init.init import scaffold

    root = context.obj if directory is None else context.obj / directory
    asked = parse_archetype(archetype) if archetype else None
    made = scaffold(root, asked, parse_features(features), write=not dry_run)
    if as_json:
        _answer_json(made, dry_run)
    else:
        _answer(made, dry_run)


def _answer_json(made: "Scaffolded", dry_run: bool) -> None:
    from reprobuild.scaffold.report import as_document

    rows = [
        {"path": file.planned.path, "purpose": file.planned.purpose, "action": file.action}
        | ({"difference": file.difference} if dry_run else {})
        for file in made.files
    ]
    answer_json({**as_document(made.survey, made.choice), "notes": list(made.notes), "files": rows})


def _answer(made: "Scaffolded", dry_run: bool) -> None:
    from reprobuild.scaffold.toml import plain

    for note in made.notes:
        say(f"note: {plain(note)}")
    say(f"archetype {made.choice.archetype}: {plain(made.choice.why)}")
    for name, why in made.choice.features:
        say(f"feature {name}: {plain(why)}")
    if dry_run:
        answer("".join(file.difference for file in made.files).rstrip("\n") or "nothing would change")
        return
    for file in made.files:
        answer(f"{'written' if file.written else 'kept':8} {file.planned.path:34} {file.planned.purpose}")
    if any(file.written for file in made.files):
        say("next: read reprobuild.toml, then reprobuild lock && reprobuild run")
    else:
        say("nothing was written: every file is there already; --dry-run shows how they differ")
