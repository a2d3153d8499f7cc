"""`reprobuild runs compare`."""

from typing import Annotated

import typer

from reprobuild.cli.options import RunArgument
from reprobuild.cli.show import answer, answer_json

NAME = "compare"
EXAMPLES = ("reprobuild runs compare 3 latest", "reprobuild runs compare 1 2 --json")


def command(
    context: typer.Context,
    first: RunArgument,
    second: RunArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print every difference as JSON.")] = False,
) -> None:
    """Say what differs between two runs: results first, then request, machine, source, lock and data.

    Exit status 10 when something does. Seconds, memory and log are not compared: they are never the same twice.
    """
    from reprobuild.cli.world import open_world
    from reprobuild.ledger.render import render_comparison
    from reprobuild.record.folder import find_run
    from reprobuild.steps.runs.compare import compare_recorded

    folders = find_run(context.obj, first), find_run(context.obj, second)
    with open_world() as world:
        comparison = compare_recorded(folders, world.store)
    if as_json:
        answer_json(comparison.model_dump(mode="json"))
    else:
        answer(render_comparison(comparison))
    raise typer.Exit(0 if comparison.same else 10)
