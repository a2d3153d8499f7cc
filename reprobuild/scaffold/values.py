"""Which value an expression has, as far as a reader can tell who runs nothing: literals, paths, names bound once.

A piece of a text that cannot be known (the number of an epoch, an argument without a default) is written as `HOLE`.
"""

import ast
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from reprobuild.scaffold.syntax import Syntax

HOLE = "\0"
_PERCENT, _BRACES = re.compile(r"%[^a-zA-Z]*[a-zA-Z]"), re.compile(r"\{[^{}]*\}")
_SURROGATE = re.compile("[\ud800-\udfff]")
Known = bool | int | float | str | None
_MAX_DEPTH, _MAX_LENGTH, _MAX_PARTS = 40, 2000, 50
"""Of what is followed: paths are shorter, and a stranger's script may double a text with each line."""
_SAME = {"resolve", "absolute", "expanduser", "as_posix", "str", "Path", "PurePath", "fspath", "abspath", "realpath"}


class Unknown:
    """What is not known."""


UNKNOWN = Unknown()


class Values:
    """The values of one script's expressions; `arguments` are those of its command line by name."""

    def __init__(self, syntax: Syntax, path: str, arguments: Mapping[str, Known]) -> None:
        self._arguments = arguments
        self._names: dict[str, Known | Unknown] = {"__file__": path}
        for target, value in _bindings(syntax):
            known = self.of(value)
            if target in self._names and self._names[target] != known:
                known = UNKNOWN
            self._names[target] = known

    def of(self, node: ast.expr, depth: int = 0) -> Known | Unknown:
        """The value, or UNKNOWN."""
        if depth > _MAX_DEPTH:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, Known) and _is_text(node.value) else UNKNOWN
        if isinstance(node, ast.Name):
            return self._names.get(node.id, self._arguments.get(node.id, UNKNOWN))
        reader = _READERS.get(type(node))
        known = reader(self, node, depth + 1) if reader else UNKNOWN
        return UNKNOWN if isinstance(known, str) and len(known) > _MAX_LENGTH else known

    def text(self, node: ast.expr) -> str:
        """The value as a path or text, with holes; empty when nothing of it is known."""
        known = self.of(node)
        return known if isinstance(known, str) and known.strip(HOLE + "/.") else ""

    def argument(self, name: str) -> Known | Unknown:
        """The default of the command line's argument of that name."""
        return self._arguments.get(name, UNKNOWN)

    def piece(self, node: ast.expr, depth: int) -> str:
        """A part of a text: a hole when it is not known."""
        return _spelt(self.of(node, depth))


def _is_text(value: Known) -> bool:
    """False for a text that is too long to mean anything here, or with half of a surrogate pair."""
    return not isinstance(value, str) or (len(value) <= _MAX_LENGTH and not _SURROGATE.search(value))


def _spelt(known: Known | Unknown) -> str:
    return HOLE if isinstance(known, Unknown) or known is None else str(known)


def _bindings(syntax: Syntax) -> Iterator[tuple[str, ast.expr]]:
    """Names with what they are bound to; one that changes comes first, bound to itself, and so is not known."""
    changing = [loop.target for loop in syntax.all(ast.For)] + [step.target for step in syntax.all(ast.AugAssign)]
    yield from ((target.id, target) for target in changing if isinstance(target, ast.Name))
    for node in syntax.all(ast.AnnAssign):
        if node.value and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
    yield from ((node.target.id, node.value) for node in syntax.all(ast.NamedExpr))
    for assignment in syntax.all(ast.Assign):
        yield from ((target.id, assignment.value) for target in assignment.targets if isinstance(target, ast.Name))


def _attribute(values: Values, node: ast.Attribute, depth: int) -> Known | Unknown:
    if node.attr == "parent":
        inner = values.of(node.value, depth)
        return (posixpath.dirname(inner) or ".") if isinstance(inner, str) else UNKNOWN
    return values.argument(node.attr) if isinstance(node.value, ast.Name) else UNKNOWN


def _call(values: Values, node: ast.Call, depth: int) -> Known | Unknown:
    name = called(node)
    if len(node.args) > _MAX_PARTS:
        return UNKNOWN
    if name == "join":
        return _join([values.piece(part, depth) for part in node.args]) if _is_path(node.func) else UNKNOWN
    if name == "joinpath" and isinstance(node.func, ast.Attribute):
        return _join([values.piece(part, depth) for part in (node.func.value, *node.args)])
    if name == "format" and isinstance(node.func, ast.Attribute):
        inner = values.of(node.func.value, depth)
        pieces = [values.piece(part, depth) for part in node.args]
        return _filled(_BRACES, inner, pieces) if isinstance(inner, str) else UNKNOWN
    if name == "dirname" and node.args:
        inner = values.of(node.args[0], depth)
        return (posixpath.dirname(inner) or ".") if isinstance(inner, str) else UNKNOWN
    if name in _SAME:
        if not node.args and isinstance(node.func, ast.Attribute):
            return values.of(node.func.value, depth)
        return _join([values.piece(part, depth) for part in node.args])
    return UNKNOWN


def _is_path(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and ast.unparse(function.value) in ("os.path", "path", "osp")


def _binary(values: Values, node: ast.BinOp, depth: int) -> Known | Unknown:
    left, right = values.of(node.left, depth), values.of(node.right, depth)
    if isinstance(node.op, ast.Div) and isinstance(left, str):
        return _join([left, _spelt(right)])
    if isinstance(node.op, ast.Mod) and isinstance(left, str):
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(_PERCENT, left, [values.piece(part, depth) for part in given[:_MAX_PARTS]])
    if isinstance(node.op, ast.Add) and (isinstance(left, str) or isinstance(right, str)):
        return _spelt(left) + _spelt(right)
    return UNKNOWN


def _either(values: Values, node: ast.BoolOp, depth: int) -> Known | Unknown:
    """`a and b` is known as soon as one of them is false, `a or b` as soon as one is true."""
    ends = isinstance(node.op, ast.Or)
    known = [values.of(part, depth) for part in node.values[:_MAX_PARTS]]
    if any(not isinstance(part, Unknown) and bool(part) is ends for part in known):
        return ends
    return UNKNOWN if any(isinstance(part, Unknown) for part in known) else not ends


def _compared(values: Values, node: ast.Compare, depth: int) -> Known | Unknown:
    left, right = values.of(node.left, depth), values.of(node.comparators[0], depth)
    if len(node.ops) > 1 or isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    same = left == right
    if isinstance(node.ops[0], ast.Eq | ast.Is):
        return same
    return not same if isinstance(node.ops[0], ast.NotEq | ast.IsNot) else UNKNOWN


def _negative(values: Values, node: ast.UnaryOp, depth: int) -> Known | Unknown:
    inner = values.of(node.operand, depth)
    if isinstance(node.op, ast.Not) and not isinstance(inner, Unknown):
        return not inner
    is_number = isinstance(inner, int | float) and not isinstance(inner, bool)
    return -inner if isinstance(node.op, ast.USub) and is_number else UNKNOWN  # type: ignore[operator]


def _joined(values: Values, node: ast.JoinedStr, depth: int) -> Known | Unknown:
    if len(node.values) > _MAX_PARTS:
        return UNKNOWN
    pieces = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
    return "".join(values.piece(piece, depth) for piece in pieces)


def _filled(places: re.Pattern[str], text: str, pieces: list[str]) -> str:
    """The text with a piece in each of its places, and holes where pieces run out or are formatted."""
    waiting = iter(pieces)
    return places.sub(
        lambda found: next(waiting, HOLE) if found[0] in ("%s", "{}") else (next(waiting, ""), HOLE)[1], text
    )


def _join(parts: list[str]) -> str | Unknown:
    return posixpath.normpath(posixpath.join(*parts)) if parts and parts[0] else UNKNOWN


def called(node: ast.Call) -> str:
    """The last part of the name that is called."""
    function = node.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


_READERS: dict[type, Callable[[Values, "ast.expr", int], Known | Unknown]] = {
    ast.Attribute: _attribute,  # type: ignore[dict-item]  # each takes the node of its key
    ast.Call: _call,  # type: ignore[dict-item]
    ast.BinOp: _binary,  # type: ignore[dict-item]
    ast.BoolOp: _either,  # type: ignore[dict-item]
    ast.Compare: _compared,  # type: ignore[dict-item]
    ast.UnaryOp: _negative,  # type: ignore[dict-item]
    ast.JoinedStr: _joined,  # type: ignore[dict-item]
}
