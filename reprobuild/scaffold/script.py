"""One Python file, read and never run; and which one of a folder trains."""

import ast
import posixpath
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from reprobuild.scaffold.arguments import Argument, CommandLine, read_command_line
from reprobuild.scaffold.imports import Import, read_imports
from reprobuild.scaffold.uses import Uses, read_uses
from reprobuild.scaffold.values import Values

_NAMES = (
    (re.compile(r"train\.py"), 100),
    (re.compile(r"train\w*\.py|\w*_train\.py|fit\.py|run_train\w*\.py"), 80),
    (re.compile(r"main\.py|__main__\.py|run\.py|experiment\.py"), 40),
    (re.compile(r"\w*(train|finetune|fine_tune)\w*\.py"), 30),
)
_ASIDE = re.compile(
    r"(^|/)(tests?|docs?|examples?|notebooks?|build|dist|migrations|deploy\w*)/|(^|/)(test_\w+|conftest|setup)\.py$"
)
ENOUGH = 20
"""Of points: a name or a call that speaks of training."""


@dataclass(frozen=True)
class Script:
    """What one file says."""

    path: str
    imports: tuple[Import, ...]
    command_line: CommandLine
    uses: Uses


def read_script(path: str, text: str, fill: Callable[[Argument], str] = lambda _: "") -> Script | str:
    """The script, or why it cannot be read; `fill` may know a value for a required argument."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would be the script's author's
            tree = ast.parse(text)
        command_line = read_command_line(tree, path).filled(fill)
        values = Values(tree, path, command_line.defaults)
        return Script(path, tuple(read_imports(tree)), command_line, read_uses(tree, values))
    except SyntaxError as error:
        return f"not Python that this version reads: {error.msg}, line {error.lineno}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"not Python that can be read: {type(error).__name__}"


def score(script: Script, started: str) -> int:
    """How much a script looks like the one that trains; `started` is the one that a Dockerfile starts."""
    name = posixpath.basename(script.path)
    points = next((points for shape, points in _NAMES if shape.fullmatch(name)), 0)
    points += 30 if script.uses.trains else 0
    points += 15 if script.uses.is_program else 0
    points += 200 if started and script.path == started else 0
    return points - 5 * script.path.count("/") - (100 if _ASIDE.search(script.path) else 0)
