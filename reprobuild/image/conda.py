"""conda packages to tar members below the image's prefix: as conda would install them, with nothing executed."""

import posixpath
import re
import tarfile
from pathlib import Path
from typing import Any, BinaryIO, cast

from installer.scripts import Script

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry
from reprobuild.image.conda_archive import open_package
from reprobuild.image.conda_paths import Index, Listed, read_index, read_link, read_paths
from reprobuild.image.note import Note
from reprobuild.image.prefix import replace_in_binary, replace_in_text
from reprobuild.image.spool import Spool
from reprobuild.image.wheel import Content
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import PythonOf
from reprobuild.lock.conda.target import PREFIX, has_conda_python

ROOT = PREFIX.lstrip("/")
MAX_PATCHED = 1 << 30
"""Bytes of a file in which a prefix is replaced: it is held in memory."""
MAX_SCRIPT = 1 << 20
SCRIPTS = ("pre-link", "post-link", "pre-unlink")
_ENTRY_POINT = re.compile(r"\s*([A-Za-z0-9_][^\s/=]*)\s*=\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*")


def read_conda(path: Path, artifact: Artifact, python: PythonOf, spool: Spool) -> Note:
    """Put what a package installs into `spool`; InputError when it is not what it says of itself, or leads out."""
    return _Package(artifact, python, spool).read(path)


class _Package:
    """One package on its way into an image."""

    def __init__(self, artifact: Artifact, python: PythonOf, spool: Spool) -> None:
        self._artifact, self._python, self._spool = artifact, python, spool
        self._subject = artifact.filename
        self._taken: dict[str, Listed] = {}
        self._records: list[dict[str, Any]] = []
        self._pure = False

    def read(self, path: Path) -> Note:
        """All of it, in the order of the archive."""
        with open_package(path, self._subject, self._spool.folder) as (info, members):
            index = read_index(info, self._subject)
            self._require_name(index)
            self._pure = index.noarch == "python"
            if self._pure and not has_conda_python(self._python):
                raise InputError(f"{self._subject}: it is for any Python of conda, and none is locked")
            paths = read_paths(info, self._subject)
            for member, content in members:
                self._take(member, content, paths)
            missing = sorted(
                item.path for item in paths.values() if self._wanted(item) and item.path not in self._taken
            )
            if missing:
                raise InputError(f"{self._subject}: {missing[0]} is listed in it and missing")
            for item in paths.values():
                if item.kind == "directory":
                    self._spool.add(Entry(self._place(item.path), "dir", 0o755))
            if self._pure:
                for line in read_link(info, self._subject).entry_points:
                    self._launcher(line)
        self._record(index)
        return Note.of(self._spool, package=f"conda {index.name}", scripts=self._scripts(index.name))

    def _require_name(self, index: Index) -> None:
        artifact = self._artifact
        suffix = ".conda" if artifact.filename.endswith(".conda") else ".tar.bz2"
        own = f"{index.name}-{index.version}-{index.build}{suffix}"
        if (index.name, index.version, own) != (artifact.name, artifact.version, artifact.filename):
            raise InputError(f"{self._subject}: it says that it is {own[:200]}")

    def _wanted(self, listed: Listed) -> bool:
        """False for folders and for bytecode, which is valid for other times than the image's."""
        return listed.kind != "directory" and not _is_bytecode(listed.path)

    def _place(self, path: str) -> str:
        """Where a path of the package is in the image (conda's layout of `noarch: python`)."""
        if self._pure and path.startswith("site-packages/"):
            return posixpath.join(self._python.site.lstrip("/"), path.removeprefix("site-packages/"))
        if self._pure and path.startswith("python-scripts/"):
            return f"{ROOT}/bin/{path.removeprefix('python-scripts/')}"
        return f"{ROOT}/{path}"

    def _take(self, member: tarfile.TarInfo, content: BinaryIO | None, paths: dict[str, Listed]) -> None:
        listed = paths.get(member.name)
        if listed is None or not self._wanted(listed):  # conda installs what is listed, and nothing else
            return
        if member.name in self._taken:
            raise InputError(f"{self._subject}: {member.name} is in it twice")
        place, mode = self._place(member.name), 0o755 if member.mode & 0o111 else 0o644
        self._taken[member.name] = listed
        if member.issym():
            self._link(member, place)
        elif member.islnk():
            self._hard_link(member, listed, place)
        elif content is not None:
            self._file(member, content, listed, place, mode)

    def _link(self, member: tarfile.TarInfo, place: str) -> None:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(place), member.linkname))
        if member.linkname.startswith("/") or "\0" in member.linkname or not f"{target}/".startswith(f"{ROOT}/"):
            raise InputError(f"{self._subject}: {member.name}: a link to {member.linkname!r}, out of the prefix")
        self._spool.add(Entry(place, "symlink", 0o777, link=member.linkname))
        self._records.append({"_path": self._relative(place), "path_type": "softlink"})

    def _hard_link(self, member: tarfile.TarInfo, listed: Listed, place: str) -> None:
        name = member.linkname.removeprefix("./")
        source = self._taken.get(name)
        entry = self._spool.entries.get(self._place(name))
        if source is None or entry is None or entry.kind not in ("file", "hardlink"):
            raise InputError(f"{self._subject}: {member.name}: a hard link to {name}, which is no file before it")
        if (source.placeholder, source.mode) != (listed.placeholder, listed.mode):
            raise InputError(f"{self._subject}: {member.name}: a hard link to {name}, which has another prefix")
        target = entry.link if entry.kind == "hardlink" else entry.path
        self._spool.add(Entry(place, "hardlink", entry.mode, link=target))
        self._records.append({"_path": self._relative(place), "path_type": "hardlink"})

    def _file(self, member: tarfile.TarInfo, content: BinaryIO, listed: Listed, place: str, mode: int) -> None:
        if listed.size is not None and listed.size != member.size:
            raise InputError(f"{self._subject}: {member.name}: {member.size} bytes, its paths.json says {listed.size}")
        record: dict[str, Any] = {"_path": self._relative(place), "path_type": "hardlink"}
        if listed.placeholder:
            seen, size, own = self._patched(member, content, listed, place, mode)
            record |= {"file_mode": listed.mode, "prefix_placeholder": listed.placeholder, "sha256_in_prefix": own}
        else:
            hashing = Content(content, member.size)
            self._spool.add(Entry(place, "file", mode, member.size), cast(BinaryIO, hashing))
            seen, size = hashing.hexdigest, member.size
        if listed.sha256 is not None and listed.sha256 != seen:
            raise InputError(
                f"{self._subject}: {member.name}: its sha256 is {seen[:12]}, its paths.json says {listed.sha256[:12]}"
            )
        self._records.append({**record, "sha256": seen, "size_in_bytes": size})

    def _patched(
        self, member: tarfile.TarInfo, content: BinaryIO, listed: Listed, place: str, mode: int
    ) -> tuple[str, int, str]:
        """Digest and size as packaged, and the digest with the image's prefix."""
        if member.size > MAX_PATCHED:
            raise InputError(f"{self._subject}: {member.name}: {member.size} bytes with a prefix in it")
        data = content.read()
        replace = replace_in_binary if listed.mode == "binary" else replace_in_text
        try:
            patched = replace(data, listed.placeholder, PREFIX)
        except ValueError as error:
            raise InputError(f"{self._subject}: {member.name}: {error}") from error
        self._spool.add_bytes(place, patched, mode)
        return sha256_bytes(data), len(data), sha256_bytes(patched)

    def _launcher(self, line: str) -> None:
        found = _ENTRY_POINT.fullmatch(line)
        if not found:
            raise InputError(f"{self._subject}: info/link.json: {line[:100]!r} is no entry point")
        _, data = Script(found[1], found[2], found[3], "console").generate(self._python.executable, "posix")
        place = f"{ROOT}/bin/{found[1]}"
        self._spool.add_bytes(place, data, 0o755)
        record = {"path_type": "unix_python_entry_point", "sha256": sha256_bytes(data), "size_in_bytes": len(data)}
        self._records.append({"_path": self._relative(place), **record})

    def _relative(self, place: str) -> str:
        return place.removeprefix(f"{ROOT}/")

    def _record(self, index: Index) -> None:
        """`conda-meta/NAME.json`, by which conda knows what is installed; it names no place of a machine."""
        artifact = self._artifact
        paths = sorted(self._records, key=lambda record: str(record["_path"]))
        record = {
            **{name: value for name, value in index.model_dump(mode="json").items() if value is not None},
            "subdir": artifact.path.partition("/")[0],
            "channel": artifact.source,
            "fn": artifact.filename,
            "url": f"conda://{artifact.source}/{artifact.path}",
            "sha256": artifact.sha256,
            "size": artifact.size,
            "files": [path["_path"] for path in paths],
            "paths_data": {"paths_version": 1, "paths": paths},
            "link": {"source": "", "type": 1},
        }
        stem = artifact.filename.removesuffix(".conda").removesuffix(".tar.bz2")
        self._spool.add_bytes(f"{ROOT}/conda-meta/{stem}.json", canonical_json(record))

    def _scripts(self, name: str) -> dict[str, str]:
        """What conda would run on linking and unlinking."""
        found = {}
        for script in SCRIPTS:
            path = f"{ROOT}/bin/.{name}-{script}.sh"
            entry = self._spool.entries.get(path)
            if entry and entry.kind == "file" and entry.size <= MAX_SCRIPT:
                found[script] = self._spool.read(path).decode(errors="replace")
        return found


def _is_bytecode(path: str) -> bool:
    return path.endswith(".pyc") and "__pycache__/" in path
