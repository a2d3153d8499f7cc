"""`reprobuild inspect`."""

from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json

NAME = "inspect"
EXAMPLES = (
    "reprobuild inspect bundle.tar",
    "reprobuild inspect bundle.tar --guide",
    "reprobuild inspect bundle.tar --json",
)


def command(
    bundle: Annotated[Path, typer.Argument(help="The bundle to look into.", dir_okay=False)],
    guide: Annotated[bool, typer.Option("--guide", help="Print the guide that it carries, as Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what is in a bundle: reads kilobytes, executes nothing."""
    from reprobuild.steps.inspect import inspect_bundle, read_bundled_guide, render_summary

    if guide:
        answer(read_bundled_guide(bundle).removesuffix("\n"))
        return
    summary = inspect_bundle(bundle)
    if as_json:
        answer_json(summary.model_dump(mode="json"))
    else:
        answer(render_summary(summary))
