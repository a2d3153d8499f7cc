"""Which JSON object a script writes into which file, as far as its dictionary is written down."""

import ast
from collections.abc import Mapping

_DUMPS = ("json.dumps", "json.dump", "ujson.dump", "orjson.dumps")
_NESTED = (ast.Dict, ast.List, ast.ListComp, ast.DictComp, ast.Tuple)


class Objects:
    """The objects of one script by the call that writes them."""

    def __init__(self, tree: ast.Module) -> None:
        self._assigned: dict[str, list[ast.expr]] = {}
        self._by_call: dict[int, ast.expr] = {}
        opened: dict[str, list[ast.Call]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for name in _names(*node.targets):
                    self._assigned.setdefault(name, []).append(node.value)
            elif isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call):
                for name in _names(node.optional_vars):
                    opened.setdefault(name, []).append(node.context_expr)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and len(node.args) > 1 and ast.unparse(node.func) in _DUMPS:
                self._dumped(node.args[0], node.args[1], opened)

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
            dumps = (node for node in inner if isinstance(node, ast.Call) and ast.unparse(node.func) in _DUMPS)
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
        return tuple(keys), any(isinstance(value, _NESTED) for value in node.values)


def _names(*targets: ast.expr | None) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]
