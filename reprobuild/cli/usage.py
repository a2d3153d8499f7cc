"""Typer's complaints about a command line, as one line with its subject first and a hint."""

import difflib
import re

import typer

from reprobuild.ground.errors import UsageError

WrongUsage: type[Exception] = typer.BadParameter.__mro__[1]
"""The class of all such complaints, which Typer does not export."""
_SHAPES = (
    (re.compile(r"Invalid value for '([^']+)'(?: / '[^']+')*: (?:Value error, )?(.+)", re.DOTALL), r"\1: \2"),
    (re.compile(r"Missing (?:argument|option|parameter) '([^']+)'.*", re.DOTALL), r"\1: missing"),
    (re.compile(r"Option '([^']+)' requires an argument.*", re.DOTALL), r"\1: a value is missing behind it"),
    (re.compile(r"No such (option|command)[ :]+'?([^ ']+)'?.*", re.DOTALL), r"\2: no such \1"),
)


def usage_error(error: Exception) -> UsageError:
    """The error to show; a message of a shape that no version of Typer is known for is shown as it is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "reprobuild"
    said = " ".join(getattr(error, "format_message", error.__str__)().split())
    for shape, form in _SHAPES:
        if found := shape.fullmatch(said):
            said = found.expand(form)
            break
    wrong, names = said.partition(":")[0], _names(context)
    near = [] if wrong in names else difflib.get_close_matches(wrong, names, n=1)
    hint = f"did you mean {near[0]!r}? {command} --help shows what there is" if near else f"see {command} --help"
    return UsageError(said.rstrip("."), hint=hint)


def _names(context: typer.Context | None) -> list[str]:
    """The commands and options that stand in the place of the wrong one."""
    if context is None:
        return []
    options = [name for parameter in context.command.params for name in parameter.opts if name.startswith("-")]
    return [*options, *getattr(context.command, "commands", {})]
