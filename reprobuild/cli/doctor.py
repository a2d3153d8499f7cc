"""`reprobuild doctor`."""

import os
from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json
from reprobuild.ground.errors import ToolError

NAME = "doctor"
EXAMPLES = ("reprobuild doctor", "reprobuild doctor --json")


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print every row as JSON.")] = False,
) -> None:
    """Say what works on this machine, and what to do about the rest.

    Nothing is installed and nothing is changed. A sandbox is started, daemons and indexes are asked, all at once and
    for some seconds at most. Exit status 4 when lock, image, run and replay cannot work here.
    """
    from reprobuild.steps.doctor.checkup import Doors
    from reprobuild.steps.doctor.doctor import check_machine, render_checkup
    from reprobuild.tools.settings import read_settings

    checkup = check_machine(Doors(read_settings(os.environ), context.obj))
    if as_json:
        answer_json(checkup.model_dump(mode="json"))
    else:
        answer(render_checkup(checkup))
    raise typer.Exit(0 if checkup.works else ToolError.status)
