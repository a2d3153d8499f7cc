"""`reprobuild runs`: the list of runs, and what is done with one of them."""

import json
import shutil
import sys
from typing import Annotated

import typer

from reprobuild.cli.show import answer, progress, say

NAME = "runs"
EXAMPLES = (
    "reprobuild runs --sort -accuracy --limit 10",
    "reprobuild runs --where 'lr<0.1' --where 'accuracy>=0.9' --columns run,lr,accuracy,note",
    "reprobuild runs --failed",
)
app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def command(
    context: typer.Context,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="CONDITION", help="Only runs of which it holds; all, when several are given."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed or were interrupted.")] = False,
    sort: Annotated[
        list[str] | None,
        typer.Option("--sort", metavar="NAME", help="By this value; -NAME for the largest first. Ties by the next."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many: the first of --sort, else the latest.")
    ] = None,
    columns: Annotated[
        str, typer.Option("--columns", metavar="NAMES", help="These columns, separated by commas.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print every value of these runs as JSON.")] = False,
) -> None:
    """List the recorded runs, failed ones too: what was asked, what came out, and what was said of it.

    CONDITION is NAME, an operator and a value: = != < <= > >=, or ~ for what a text holds. NAME is a metric, a
    hyperparameter, or one of run, status (ok, failed, unreadable), ending, seed, threads, command, seconds, memory,
    image, lock, source, reprobuild, note. Where a metric and a hyperparameter share a name: metric.NAME, param.NAME.
    """
    if context.invoked_subcommand is not None:
        return
    from reprobuild.ledger.select import Wanted, choose
    from reprobuild.ledger.table import render_listing
    from reprobuild.steps.runs.runs import list_runs

    with progress() as shown:
        listing = list_runs(context.obj, shown)
    for note in listing.notes:
        say(f"note: {note}")
    conditions = [*(where or []), *(["status=failed"] if failed else [])]
    rows, known = choose(listing.rows, Wanted(tuple(conditions), tuple(sort or []), limit))
    if as_json:
        lines = ",\n".join(json.dumps(dict(row.values), sort_keys=True, ensure_ascii=False) for row in rows)
        answer(f"[\n{lines}\n]" if lines else "[]")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    answer(render_listing(rows, columns.split(",") if columns else [], known, width))
