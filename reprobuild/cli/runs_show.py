"""`reprobuild runs show`."""

from typing import Annotated

import typer

from reprobuild.cli.options import RunArgument
from reprobuild.cli.show import answer, answer_json

NAME = "show"
EXAMPLES = ("reprobuild runs show 3", "reprobuild runs show latest --json")


def command(
    context: typer.Context,
    run: RunArgument = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Say everything of one run: request, machine, software, data, outputs, metrics, how it ended, note and log."""
    from reprobuild.ledger.show import render_run
    from reprobuild.record.folder import find_run, read_record
    from reprobuild.record.note import read_note

    folder = find_run(context.obj, run)
    record = read_record(folder)
    if as_json:
        answer_json(record.model_dump(mode="json"))
    else:
        answer(render_run(folder, record, read_note(folder)))
