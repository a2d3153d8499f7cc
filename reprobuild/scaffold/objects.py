"""Which JSON object a script writes into which file, as far as its dictionary is written down."""

import ast
from collections.abc import Mapping

from reprobuild.scaffold.syntax import Syntax

_DUMPS = ("json.dumps", "json.dump", "ujson.dump", "orjson.dumps")
_NESTED = (ast.Dict, ast.List, ast.ListComp, ast.DictComp, ast.Tuple)


class Objects:
    """The objects of one script by the call that writes them."""

    def __init__(self, syntax: Syntax) -> None:
        self._assigned: dict[str, list[ast.expr]] = {}
        self._by_call: dict[int, ast.expr] = {}
        for node in syntax.all(ast.Assign):
            for name in _names(*node.targets):
                self._assigned.setdefault(name, []).append(node.value)
        opened: dict[str, list[ast.Call]] = {}
        for item in syntax.all(ast.withitem):
            if isinstance(call := item.context_expr, ast.Call):
                for name in _names(item.optional_vars):
                    opened.setdefault(name, []).append(call)
        for call in syntax.all(ast.Call):
            if len(call.args) > 1 and _is_dump(call):
                self._dumped(call.args[0], call.args[1], opened)

    def _dumped(self, value: ast.expr, target: ast.expr, opened: Mapping[str, list[ast.Call]]) -> None:
        if isinstance(target, ast.Call):
            self._by_call[id(target)] = value
        elif isinstance(target, ast.Name):
            before = [call for call in opened.get(target.id, []) if call.lineno <= value.lineno]
            if before:
                self._by_call[id(max(before, key=lambda call: call.lineno))] = value

    def written_by(self, call: ast.Call) -> tuple[tuple[str, ...], bool]:
        """The names of the flat object that a call writes, and whether it is known not to be flat."""
        value = self._by_call.get(id(call))
        if value is None:
            inner = (node for part in call.args for node in ast.walk(part))
            dumps = (node for node in inner if isinstance(node, ast.Call) and _is_dump(node))
            value = next((node.args[0] for node in dumps if node.args), None)
        return self._keys(value) if value is not None else ((), False)

    def _keys(self, node: ast.expr) -> tuple[tuple[str, ...], bool]:
        if isinstance(node, ast.Name):
            bound = self._assigned.get(node.id, [])
            node = bound[0] if len(bound) == 1 else node
        if isinstance(node, ast.List | ast.ListComp | ast.Tuple):
            return (), True
        if not isinstance(node, ast.Dict):
            return (), False
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        return tuple(key for key in keys if key.isprintable()), any(isinstance(value, _NESTED) for value in node.values)


def _is_dump(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute) and function.attr in ("dump", "dumps") and ast.unparse(function) in _DUMPS
    )


def _names(*targets: ast.expr | None) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]
