"""`reprobuild runs note`."""

from typing import Annotated

import typer

from reprobuild.cli.options import RunArgument
from reprobuild.cli.show import answer, answer_json
from reprobuild.ground.errors import UsageError

NAME = "note"
EXAMPLES = (
    'reprobuild runs note 3 "dropped: it overfits after epoch 4"',
    "reprobuild runs note latest",
    "reprobuild runs note 3 --remove",
)


def command(
    context: typer.Context,
    run: RunArgument,
    text: Annotated[str | None, typer.Argument(help="What there is to say; without it the note is shown.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the note away.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print run and note as JSON.")] = False,
) -> None:
    """Say why a run was dropped, or whatever else its numbers do not: kept as note.txt beside the record."""
    from reprobuild.ground.text import escaped_lines
    from reprobuild.record.folder import find_run
    from reprobuild.record.note import read_note, remove_note, write_note

    if remove and text is not None:
        raise UsageError("--remove: a text is given too", hint="a new note replaces the old one: leave --remove out")
    folder = find_run(context.obj, run)
    if remove:
        remove_note(folder)
    elif text is not None:
        write_note(folder, text)
    note = "" if remove else read_note(folder)
    if as_json:
        answer_json({"run": folder.name, "note": note})
    elif text is None and not remove:
        answer(escaped_lines(note).rstrip("\n") or f"run {folder.name} has no note")
