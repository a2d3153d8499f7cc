"""The calls of a script, and which of them happen when its arguments and constants are what they are."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from reprobuild.scaffold.values import Unknown, Values, called


@dataclass(frozen=True)
class Happening:
    """A call; `certain` unless it stands in a branch that is known not to be taken."""

    node: ast.Call
    name: str
    """The last part of what is called."""
    certain: bool


def happenings(tree: ast.Module, values: Values) -> Iterator[Happening]:
    """Every call, in no particular order."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
    while waiting:
        node, certain = waiting.pop()
        if isinstance(node, ast.Call):
            yield Happening(node, called(node), certain)
        if isinstance(node, ast.If):
            known = values.of(node.test)
            unsure = isinstance(known, Unknown)
            waiting += [(child, certain and (unsure or bool(known))) for child in (node.test, *node.body)]
            waiting += [(child, certain and (unsure or not known)) for child in node.orelse]
        else:
            waiting += [(child, certain) for child in ast.iter_child_nodes(node)]
