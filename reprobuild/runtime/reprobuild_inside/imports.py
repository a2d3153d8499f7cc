"""Something to do after the script's first import of a framework has succeeded."""

import sys
from typing import Any, Callable, Dict, List, Set

from reprobuild_inside.found import problem, tell

AFTER: Dict[str, List[Callable[[Any], None]]] = {}


def after(name: str, *actions: Callable[[Any], None]) -> None:
    """Call the actions with the module once it has been imported, in the order in which they were given."""
    AFTER.setdefault(name, []).extend(actions)


class _Loader:
    """The framework's own loader, and the actions after it; importlib.abc would import a hundred modules."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        FINDER.done.add(module.__name__)
        for action in AFTER[module.__name__]:
            try:
                action(module)
            except Exception as error:  # any framework, any version: told in the record
                problem(module.__name__, error)
        tell()


class _Finder:
    """Wraps the loader of a framework until the script's first import of it has succeeded.

    A script may look for a framework without importing it (`importlib.util.find_spec`), and may reload one.
    """

    def __init__(self) -> None:
        self.done: Set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in AFTER or name in self.done:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                # A namespace package, perhaps a folder of that name, has no loader with code to run.
                if hasattr(spec.loader, "exec_module") and spec.origin is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


FINDER = _Finder()


def watch_imports() -> None:
    """From now on, imports are followed by their actions."""
    sys.meta_path.insert(0, FINDER)
