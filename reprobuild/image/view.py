"""What a base's layers come to, one over another, as names alone: where its programs are, without unpacking them."""

from collections.abc import Iterable

from reprobuild.ground.errors import InputError
from reprobuild.image.note import Note
from reprobuild.image.whiteouts import is_whiteout, removed_by

MAX_LINKS = 40
"""As many as Linux follows in one path (path_resolution(7))."""
Tree = dict[str, "Tree | str"]
"""Names to folders, or to the kind of what is no folder, with `:target` for links."""


class View:
    """The tree, and what notes know of single files by path."""

    def __init__(self, layers: Iterable[tuple[str, Note]]) -> None:
        self.tree: Tree = {}
        self._texts: dict[str, str] = {}
        for subject, note in layers:
            self._lay(subject, note)

    def _lay(self, subject: str, note: Note) -> None:
        """One layer more: first what it removes, then what it holds."""
        for path in note.paths:
            if is_whiteout(path):
                self._remove(*removed_by(path, subject))
        for path, kind in note.paths.items():
            if not is_whiteout(path):
                self._put(path, kind, subject)
                self._texts.pop(path, "")
        self._texts.update(note.texts)

    def _remove(self, path: str, only_inside: bool) -> None:
        if not path:
            self.tree.clear()
            return
        parent, name = self._parent(path)
        if parent is None or name not in parent:
            return
        if only_inside:
            parent[name] = {} if isinstance(parent[name], dict) else parent[name]
        else:
            del parent[name]

    def _parent(self, path: str) -> tuple[Tree | None, str]:
        here: Tree = self.tree
        *folders, name = path.split("/")
        for folder in folders:
            below = here.get(folder)
            if not isinstance(below, dict):
                return None, name
            here = below
        return here, name

    def _put(self, path: str, kind: str, subject: str) -> None:
        here: Tree = self.tree
        *folders, name = path.split("/")
        for number, folder in enumerate(folders):
            below = here.setdefault(folder, {})
            if not isinstance(below, dict):
                place = "/".join(folders[: number + 1])
                raise InputError(f"{subject}: {path}: {place} is no folder, but a {below.partition(':')[0]}")
            here = below
        if kind != "dir":
            here[name] = kind
        elif not isinstance(here.get(name), dict):
            here[name] = {}

    def find(self, path: str) -> str:
        """The path itself behind all links, without a slash at the beginning; empty where there is nothing."""
        left, done, links = path.strip("/").split("/"), list[str](), 0
        while left:
            part = left.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            there = self._at([*done, part])
            if there is None:
                return ""
            if isinstance(there, str) and there.startswith("symlink:"):
                links += 1
                target = there.removeprefix("symlink:")
                if links > MAX_LINKS:
                    return ""
                done = [] if target.startswith("/") else done
                left = [*target.split("/"), *left]
            else:
                done.append(part)
        return "/".join(done)

    def _at(self, parts: list[str]) -> "Tree | str | None":
        here: Tree | str | None = self.tree
        for part in parts:
            if not isinstance(here, dict):
                return None
            here = here.get(part)
        return here

    def kind(self, path: str) -> str:
        """What stands at a path, links on the way followed and the last one not: `dir`, `file` …; empty for nothing."""
        folder, _, name = path.strip("/").rpartition("/")
        place = self.find(folder)
        there = self._at([*(place.split("/") if place else []), name]) if place or not folder else None
        return "dir" if isinstance(there, dict) else (there or "").partition(":")[0]

    def is_file(self, path: str) -> bool:
        """True for a file, links followed."""
        return isinstance(self._at(self.find(path).split("/")), str)

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where it is no folder."""
        place = self.find(path)
        there = self._at(place.split("/")) if place else None
        return sorted(there) if isinstance(there, dict) else []

    def text(self, path: str) -> str:
        """What is known of a file, links followed; empty for nothing."""
        return self._texts.get(self.find(path), "")
