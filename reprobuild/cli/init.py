"""`reprobuild init`."""

from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json, say

NAME = "init"
EXAMPLES = (
    "reprobuild init",
    "reprobuild init tabular --dir new-project",
    "reprobuild init vision --features cuda,fairness --dry-run",
)
_SAID = {"written": "written", "kept": "kept", "same": "kept", "new": "new"}


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
    """Make a project of a folder: write reprobuild.toml from what lies there.

    Reads requirement files, pyproject.toml, environment.yml, a Dockerfile, parameter files and the training script (its
    arguments, the files that it opens, the seeds that it sets), and runs nothing. What could not be known stands in
    comments, with what to do. A file that is there already is never changed. In an empty folder a small training is
    written too.
    """
    from reprobuild.scaffold.choice import parse_archetype, parse_features
    from reprobuild.scaffold.plan import render_difference
    from reprobuild.scaffold.report import as_document
    from reprobuild.scaffold.toml import plain
    from reprobuild.steps.init import scaffold

    root = context.obj if directory is None else context.obj / directory
    made = scaffold(
        root, parse_archetype(archetype) if archetype else None, parse_features(features), write=not dry_run
    )
    rows = [{"path": file.planned.path, "purpose": file.planned.purpose, "action": file.action} for file in made.files]
    if as_json:
        answer_json({**as_document(made.survey, made.choice), "notes": list(made.notes), "files": rows})
        return
    for note in made.notes:
        say(f"note: {plain(note)}")
    say(f"archetype {made.choice.archetype}: {plain(made.choice.why)}")
    for name, why in made.choice.features:
        say(f"feature {name}: {plain(why)}")
    if dry_run:
        shown = (render_difference(file.planned.path, file.before, file.planned.text) for file in made.files)
        answer("".join(shown).rstrip("\n") or "nothing would change")
        return
    answer("\n".join(f"{_SAID[row['action']]:8} {row['path']:34} {row['purpose']}" for row in rows))
    if not any(file.written for file in made.files):
        say("nothing was written: every file is there already; --dry-run shows how they differ")
    else:
        say("next: read reprobuild.toml, then reprobuild lock && reprobuild run")
