"""What a script imports: other files of the project, and distributions by the names that they are imported by."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
"""Where an import can stand, or lie inside."""
TABLE = "distributions.toml"


@dataclass(frozen=True)
class Import:
    """A module by its dotted name; `optional` when the script can do without it."""

    module: str
    line: int
    optional: bool = False


def read_imports(tree: ast.Module) -> list[Import]:
    """Each import in the order of lines; relative ones begin with dots, those for type checkers are left out."""
    return sorted(_imports(tree, optional=False), key=lambda item: (item.line, item.module))


def _imports(node: ast.AST, *, optional: bool) -> Iterator[Import]:
    waiting = [(node, optional)]
    while waiting:
        here, may_fail = waiting.pop()
        if isinstance(here, ast.If) and "TYPE_CHECKING" in ast.unparse(here.test):
            waiting += [(child, may_fail) for child in here.orelse]
            continue
        if isinstance(here, ast.Import):
            yield from (Import(item.name, here.lineno, may_fail) for item in here.names)
        elif isinstance(here, ast.ImportFrom):
            yield from _from(here, may_fail)
        guarded = may_fail or (isinstance(here, ast.Try) and any(_forgives(item) for item in here.handlers))
        inner = (child for child in ast.iter_child_nodes(here) if isinstance(child, _STATEMENTS))
        waiting += [(child, guarded) for child in inner]


def _from(node: ast.ImportFrom, optional: bool) -> Iterator[Import]:
    """`from a import b`: `a.b` may be a module of its own, so both are told."""
    module = "." * node.level + (node.module or "")
    yield Import(module, node.lineno, optional)
    joint = "" if module.endswith(".") else "."
    yield from (Import(f"{module}{joint}{item.name}", node.lineno, optional) for item in node.names if item.name != "*")


def _forgives(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or any(
        name in ast.unparse(handler.type) for name in ("ImportError", "ModuleNotFoundError")
    )


@dataclass(frozen=True)
class Place:
    """Where an import leads inside the project, and the folder that must be on Python's path for it."""

    path: str
    root: str


def find_local(module: str, script: str, paths: Mapping[str, object], roots: tuple[str, ...]) -> Place | None:
    """The file of the project that an import of `script` means: beside the script, at the top, or under `src/`."""
    here = script.rpartition("/")[0]
    if module.startswith("."):
        up = len(module) - len(module.lstrip(".")) - 1
        parts = here.split("/") if here else []
        base = "/".join(parts[: len(parts) - up])
        found = _module_file(module.lstrip("."), base, paths) if up <= len(parts) else ""
        return Place(found, here) if found else None
    for root in dict.fromkeys((here, *roots)):
        if found := _module_file(module, root, paths):
            return Place(found, root)
    return None


def _module_file(module: str, root: str, paths: Mapping[str, object]) -> str:
    stem = "/".join(part for part in (root, *module.split(".")) if part)
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in paths), "")


@dataclass(frozen=True)
class Distributions:
    """Import names to distributions, and the Debian packages that a distribution's wheel expects to find."""

    names: Mapping[str, str]
    same: frozenset[str]
    """Those that are known to be imported by their own name."""
    debian: Mapping[str, tuple[str, ...]]
    archetypes: Mapping[str, str]

    def of(self, module: str) -> tuple[str, bool]:
        """The distribution of a module, and whether that is known and not only likely."""
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            if name := self.names.get(".".join(parts[:length])):
                return name, True
        return parts[0].replace("_", "-"), parts[0] in self.same


@cache
def distributions() -> Distributions:
    """The table of `kb/distributions.toml`."""
    table = tomllib.loads((files("reprobuild") / "kb" / TABLE).read_text(encoding="utf-8"))
    return Distributions(
        {row["module"]: row["distribution"] for row in table["module"]},
        frozenset(table["same"]["modules"]),
        {row["distribution"]: tuple(row["debian"]) for row in table["library"]},
        {name: archetype for archetype, names in table["archetype"].items() for name in names},
    )


def is_standard(module: str) -> bool:
    """True for a module of Python's own library, of this Python or of one that it has left behind."""
    return module.split(".")[0] in sys.stdlib_module_names or module.split(".")[0] in ("distutils", "imp", "asyncore")
