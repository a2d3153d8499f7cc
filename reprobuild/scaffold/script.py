"""One Python file, read and never run; and which one of a folder trains."""

import ast
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reprobuild.scaffold.arguments import Argument, CommandLine, read_command_line
from reprobuild.scaffold.imports import Import, read_imports
from reprobuild.scaffold.syntax import Syntax
from reprobuild.scaffold.uses import Uses, read_uses
from reprobuild.scaffold.values import Values, called

_NAMES = (
    (re.compile(r"train\.py"), 100),
    (re.compile(r"train\w*\.py|\w*_train\.py|fit\.py|run_train\w*\.py"), 80),
    (re.compile(r"main\.py|__main__\.py|run\.py|experiment\.py"), 40),
    (re.compile(r"\w*(train|finetune|fine_tune)\w*\.py"), 30),
)
_ASIDE = re.compile(
    r"(^|/)(tests?|docs?|examples?|notebooks?|build|dist|migrations|deploy\w*)/|(^|/)(test_\w+|conftest|setup)\.py$"
)
_TRAINING = frozenset(("fit", "partial_fit", "backward", "Trainer", "zero_grad", "apply_gradients", "lstsq"))
ENOUGH = 20
"""Of points: a name or a call that speaks of training."""
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Glance:
    """What tells whether a file trains, and where its imports lead."""

    path: str
    imports: tuple[Import, ...]
    trains: bool
    """True when a call trains, and is not only of the kind that stands around a training."""
    is_program: bool
    acts: bool
    """True when it calls something as soon as it is imported."""


@dataclass(frozen=True)
class Script:
    """What one file says."""

    path: str
    imports: tuple[Import, ...]
    command_line: CommandLine
    uses: Uses


def read_glance(path: str, text: str) -> Glance | str:
    """The first look at a file, or why it cannot be read."""

    def read() -> Glance:
        syntax = Syntax(text)
        body = syntax.tree.body
        return Glance(
            path,
            tuple(read_imports(syntax.tree)),
            trains=any(called(call) in _TRAINING for call in syntax.all(ast.Call)),
            is_program=any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in body),
            acts=any(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in body),
        )

    return _tried(read)


def read_script(glance: Glance, text: str, fill: Callable[[Argument], str] = lambda _: "") -> Script | str:
    """The whole of it, or why it cannot be read; `fill` may know a value for a required argument."""

    def read() -> Script:
        syntax = Syntax(text)
        command_line = read_command_line(syntax, glance.path).filled(fill)
        values = Values(syntax, glance.path, command_line.defaults)
        return Script(glance.path, glance.imports, command_line, read_uses(syntax, values))

    return _tried(read)


def _tried(read: Callable[[], Seen]) -> Seen | str:
    try:
        return read()
    except SyntaxError as error:
        return f"not Python that this version reads: {error.msg}, line {error.lineno}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"not Python that can be read: {type(error).__name__}"


def is_aside(path: str) -> bool:
    """True for tests, documentation and the like."""
    return bool(_ASIDE.search(path))


def score(glance: Glance, started: str) -> int:
    """How much a file looks like the one that trains; `started` is the one that a Dockerfile starts."""
    name = posixpath.basename(glance.path)
    points = next((points for shape, points in _NAMES if shape.fullmatch(name)), 0)
    points += 30 if glance.trains else 0
    points += 15 if glance.is_program else 0
    points += 200 if started and glance.path == started else 0
    return points - 5 * glance.path.count("/") - (100 if is_aside(glance.path) else 0)
