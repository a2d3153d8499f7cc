"""The command line: its commands, its global options, and the one place where errors become a line and a status."""

import errno
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reprobuild import __version__
from reprobuild.cli import (
    bundle,
    doctor,
    fingerprint,
    guide,
    image,
    init,
    inspect,
    lock,
    preflight,
    probe,
    replay,
    run,
    runs,
    runs_compare,
    runs_note,
    runs_show,
)
from reprobuild.cli.show import say
from reprobuild.cli.usage import WrongUsage, usage_error
from reprobuild.ground.errors import ReprobuildError, ToolError, UsageError
from reprobuild.ground.text import escaped

EPILOG = (
    "Exit status: 0 done, identical or equivalent; 10 different (or a lock or guide that is out of date); "
    "11 unchecked; 2 usage; 3 bad input; 4 a tool, the machine or the training failed; 5 not trusted."
)

_HINTS = {
    errno.ENOSPC: "free some space there, or name another store with REPROBUILD_STORE; nothing is left half written",
    errno.EDQUOT: "free some of your quota, or name another store with REPROBUILD_STORE",
    errno.ENOTDIR: "a file stands where a folder must be",
    errno.EACCES: "another user owns it: change its owner, or name another place",
    errno.EROFS: "that disk is read-only; name another place",
}


def _epilog(examples: Sequence[str]) -> str:
    # \b keeps the lines that follow as they are
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in examples), "", EPILOG))


app = typer.Typer(
    help="Freeze a training run into one file, and say on any other machine whether the same result came out.\n\n"
    "init → lock → image → run → bundle.tar → replay",
    epilog=EPILOG,
    invoke_without_command=True,
    rich_markup_mode=None,  # plain help: the same text everywhere, and half the start-up time
    pretty_exceptions_enable=False,
)
for module in (init, lock, image, run, bundle, replay, inspect, preflight, fingerprint, probe, guide, doctor):
    app.command(name=module.NAME, epilog=_epilog(module.EXAMPLES))(module.command)
for module in (runs_show, runs_compare, runs_note):
    runs.app.command(name=module.NAME, epilog=_epilog(module.EXAMPLES))(module.command)
app.add_typer(runs.app, name=runs.NAME, epilog=_epilog(runs.EXAMPLES))


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"reprobuild {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option("--project", "-C", help="Folder with reprobuild.toml.", file_okay=False)
    ] = Path(),
    version: Annotated[  # noqa: ARG001  # Typer reads it
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Freeze a training run into one file, and say on any other machine whether the same result came out."""
    context.obj = project
    if context.invoked_subcommand is None:
        sys.stderr.write(context.get_help() + "\n")
        raise typer.Exit(UsageError.status)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of one command line; everything it has to say is on standard output and standard error."""
    try:
        words = None if arguments is None else list(arguments)
        status = app(args=words, prog_name="reprobuild", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except WrongUsage as error:
        return _complain(usage_error(error))
    except ReprobuildError as error:
        return _complain(error)
    except OSError as error:
        subject = error.filename or "the operating system"
        hint = _HINTS.get(error.errno or 0, "look at that place: is it there, is it yours, is its disk well?")
        return _complain(ToolError(f"{subject}: {error.strerror or error}", hint))


def _complain(error: ReprobuildError) -> int:
    say(f"error: {escaped(str(error))}")
    if error.hint:
        say(f"hint: {escaped(error.hint)}")
    return error.status
