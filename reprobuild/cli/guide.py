"""`reprobuild guide`."""

from pathlib import Path
from typing import Annotated

import typer

from reprobuild.cli.show import answer, answer_json, say

NAME = "guide"
EXAMPLES = ("reprobuild guide", "reprobuild guide --check", "reprobuild guide --output docs/TRAINING.md --json")


def command(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 10 and say what is out of date, missing or due.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where the guide is, docs/TRAINING_REPRODUCIBILITY.md by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write the training reproducibility guide: docs/TRAINING_REPRODUCIBILITY.md, and a page of HTML beside it.

    What was measured comes from the newest run that succeeded, what people declare from guide.toml; what is missing is
    named. Your own paragraphs between the markers survive every rewrite; other edits are refused and never lost.
    """
    if check:
        raise typer.Exit(_check(context.obj, output, as_json))
    from reprobuild.steps.guide import EditedError, told, write_guide

    try:
        written = write_guide(context.obj, output)
    except EditedError as error:
        for edit in error.edits[1:]:
            say(told(error.name, edit))
        raise
    rendered = written.rendered
    if as_json:
        answer_json(
            {
                "guide": str(written.place),
                "page": str(written.page),
                "run": written.run[0] if written.run else None,
                "measured": rendered.measured,
                "declared": rendered.declared,
                "missing": [{"section": i.section, "key": i.key, "remedy": i.remedy} for i in rendered.missing],
            }
        )
        return
    for item in rendered.missing:
        say(f"missing: {item.message}; {item.remedy}")
    run = f"run {written.run[0]}" if written.run else "no run"
    counts = f"{rendered.measured} measured, {rendered.declared} declared, {len(rendered.missing)} missing"
    answer(f"{written.place}  {run}  {counts}")


def _check(project: Path, output: Path | None, as_json: bool) -> int:
    """Say what is wrong with the guide today; the exit status comes back."""
    from datetime import date

    from reprobuild.steps.guide import check_project_guide

    checked, name = check_project_guide(project, output, date.today())
    if as_json:
        findings = [vars(finding) for finding in checked.findings]
        answer_json({"guide": name, "findings": findings, "unchecked": list(checked.unchecked)})
        return checked.exit_status
    for finding in checked.findings:
        where = f"{name}:{finding.line}" if finding.line else name
        answer(f"{finding.rule} {where}: {finding.message}\n      {finding.remedy}")
    for line in checked.unchecked:
        answer(f"unchecked {line}")
    if not checked.exit_status:
        answer(f"{name} is up to date")
    return checked.exit_status
