"""A script's syntax tree, walked once, with its nodes by their kind."""

import ast
import warnings
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)


class Syntax:
    """The tree of a text; whatever `ast.parse` raises for a text that is no Python."""

    def __init__(self, text: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are for the script's author
            self.tree = ast.parse(text)
        self._by_kind: dict[type[ast.AST], list[ast.AST]] = {}
        for node in ast.walk(self.tree):
            self._by_kind.setdefault(type(node), []).append(node)

    def all(self, kind: type[Node]) -> list[Node]:
        """Every node of that very kind, the outer ones first."""
        return self._by_kind.get(kind, [])  # type: ignore[return-value]  # filled by kind
