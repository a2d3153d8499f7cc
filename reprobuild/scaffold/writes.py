"""The files that a script writes, by the names of the functions that write them."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reprobuild.scaffold.branches import Happening
from reprobuild.scaffold.objects import Objects
from reprobuild.scaffold.syntax import Syntax
from reprobuild.scaffold.values import Values

_FIRST, _SECOND = 0, 1
_WRITERS = {
    **dict.fromkeys(
        ("savez", "savez_compressed", "savetxt", "savefig", "imwrite", "imsave", "save_pretrained"), _FIRST
    ),
    **dict.fromkeys(("to_csv", "to_parquet", "to_json", "to_pickle", "to_feather", "save_weights"), _FIRST),
    **dict.fromkeys(("save_model", "save_state_dict", "write_image"), _FIRST),
    **dict.fromkeys(("dump", "save_file", "save_image"), _SECOND),
}
"""Function to the argument that names the file. `save` is told apart by its module, `open` by its mode."""
_SECOND_OF = ("torch", "paddle", "cloudpickle")
"""`torch.save(what, where)`; numpy, pictures and models take the place first."""
_PLACES = ("path", "filename", "fname", "file", "path_or_buf", "filepath")
_OPENERS = ("io", "gzip", "codecs", "bz2", "lzma")


@dataclass(frozen=True)
class Write:
    """A file that a script writes; `certain` when nothing that is known keeps it from doing so."""

    path: str
    line: int
    certain: bool
    keys: tuple[str, ...] = ()
    """The names of a flat JSON object, as far as they are written down."""
    nested: bool = False
    """True when it is a JSON object that is known not to be flat."""


def read_writes(syntax: Syntax, calls: Iterable[Happening], values: Values) -> Iterator[Write]:
    """Every write whose path is known at least in part."""
    objects = Objects(syntax)
    for call in calls:
        target = _target(call, values)
        if target is not None and (path := values.text(target)):
            yield Write(path, call.node.lineno, call.certain, *objects.written_by(call.node))


def _target(call: Happening, values: Values) -> ast.expr | None:
    """The expression that names the file which a call writes."""
    node, function = call.node, call.node.func
    if call.name in ("write_text", "write_bytes") and isinstance(function, ast.Attribute):
        return function.value
    if call.name == "open":
        return _opened(node, values)
    position = _WRITERS.get(call.name)
    if call.name == "save":
        owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
        position = _SECOND if owner in _SECOND_OF else _FIRST
    if position is None:
        return None
    named = next((word.value for word in node.keywords if word.arg in _PLACES), None)
    return node.args[position] if len(node.args) > position else named


def _opened(node: ast.Call, values: Values) -> ast.expr | None:
    """What `open(path, "w")` or `path.open("w")` writes."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if owner is None or (isinstance(owner, ast.Name) and owner.id in _OPENERS):
        target, words = (node.args[0] if node.args else None), node.args[1:]
    else:
        target, words = owner, node.args
    mode = next((word.value for word in node.keywords if word.arg == "mode"), words[0] if words else None)
    known = values.of(mode) if mode else ""
    return target if isinstance(known, str) and set(known) & set("wax") else None
