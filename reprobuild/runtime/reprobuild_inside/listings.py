"""Is a folder's listing put in order by the line that asks for it? Told from the source, once for each line."""

import ast
import os
from typing import Dict, Iterator, List, Optional

from reprobuild_inside.notes import START

LISTS = {"listdir", "scandir", "iterdir", "glob", "iglob", "rglob", "walk", "fwalk"}
ORDERLESS = {"sorted", "natsorted", "set", "frozenset", "len", "any", "all", "min", "max", "Counter"}
"""Functions whose result is the same in whatever order things come."""
Parents = Dict[ast.AST, ast.AST]


def read_source(name: str) -> str:
    """The text of a source file; "" when it cannot be read."""
    try:
        with open(os.path.join(START, name), encoding="utf-8") as stream:
            return stream.read()
    except (OSError, ValueError):
        return ""


def is_sorted(source: str, line: int) -> bool:
    """True when no listing on this line has an order that could matter; False also where that cannot be told."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    parents: Parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    on_line = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _covers(node, line)]
    calls = [node for node in on_line if _name(node) in LISTS]
    if not calls:  # of a generator that another line made
        return any(_name(node) in ORDERLESS for node in on_line)
    return all(_is_ordered(node, parents) for node in calls)


def _covers(node: ast.Call, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _name(node: ast.AST) -> str:
    """Of a call's function, without what it belongs to."""
    function = node.func if isinstance(node, ast.Call) else None
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def _is_ordered(call: ast.AST, parents: Parents) -> bool:
    node = call
    for above in _above(call, parents):
        if isinstance(above, ast.Call) and _name(above) in ORDERLESS and node is not above.func:
            return True
        if isinstance(above, ast.SetComp) or (isinstance(above, ast.Compare) and _asks_in(above, node)):
            return True
        if isinstance(above, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            targets = above.targets if isinstance(above, ast.Assign) else [above.target]
            return _later(_names(*targets), _scope(above, parents))
        if isinstance(above, (ast.For, ast.AsyncFor)) and node is above.iter:
            return _name(call) in ("walk", "fwalk") and _later(_names(above.target), above)
        if isinstance(above, ast.stmt):
            return False
        node = above
    return False


def _above(node: ast.AST, parents: Parents) -> Iterator[ast.AST]:
    above: Optional[ast.AST] = parents.get(node)
    while above is not None:
        yield above
        above = parents.get(above)


def _asks_in(compare: ast.Compare, node: ast.AST) -> bool:
    return node in compare.comparators and all(isinstance(operator, (ast.In, ast.NotIn)) for operator in compare.ops)


def _names(*targets: ast.expr) -> List[str]:
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _scope(node: ast.AST, parents: Parents) -> ast.AST:
    """The function, class or module that a node is in."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    return next(above for above in _above(node, parents) if isinstance(above, inner))


def _later(names: List[str], scope: ast.AST) -> bool:
    """True when one of the names is sorted in a scope: x.sort(), sorted(x)."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call):
            method = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "sort" else None
            given = node.args if _name(node) in ("sorted", "natsorted", "set", "frozenset") else []
            if set(names) & set(_names(*given, *([method] if method else []))):
                return True
    return False
