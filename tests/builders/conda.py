"""Small conda packages, the same bytes for the same arguments; real channels of them, indexed by py-rattler."""

import asyncio
import bz2
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard
from builders.debian_archive import Content, File, HardLink, Link, Mirror, body_of, serve_mirror

from reprobuild.lock.artifact import Artifact
from reprobuild.tools.store import Store

PLACEHOLDER = "/placeholder" + "_long" * 20
"""The prefix that packages are built for."""
TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Prefixed:
    """A file in which the prefix stands."""

    content: bytes | str
    mode: str = "text"
    permissions: int = 0o644


Item = Content | Prefixed


def make_conda(
    name: str,
    version: str = "1.0",
    files: Mapping[str, Item] | None = None,
    *,
    build: str = "0",
    depends: Sequence[str] = (),
    noarch: str | None = None,
    entry_points: Sequence[str] = (),
    suffix: str = ".conda",
    info: Mapping[str, bytes | None] | None = None,
    unlisted: Mapping[str, Item] | None = None,
) -> tuple[str, bytes]:
    """The path of a package in its channel, and its bytes. `noarch` is `generic`, `python` or None for linux-64.

    `info` replaces files about the package, or leaves them out; `unlisted` are members that `paths.json` knows not of.
    """
    subdir = "noarch" if noarch else "linux-64"
    files = files if files is not None else {f"share/{name}": f"{name}\n"}
    about: dict[str, bytes | None] = {
        "index.json": dump(
            {"name": name, "version": version, "build": build, "build_number": 0, "depends": list(depends)}
            | {"subdir": subdir}
            | ({"noarch": noarch} if noarch else {})
        ),
        "paths.json": dump({"paths_version": 1, "paths": [listed(path, item) for path, item in sorted(files.items())]}),
        "files": "".join(f"{path}\n" for path in sorted(files)).encode(),
    }
    if noarch == "python":
        about["link.json"] = dump(
            {"noarch": {"type": "python", "entry_points": list(entry_points)}, "package_metadata_version": 1}
        )
    about |= info or {}
    told: dict[str, Content] = {f"info/{path}": data for path, data in about.items() if data is not None}
    members = {path: plain(item) for path, item in {**files, **(unlisted or {})}.items()}
    stem = f"{name}-{version}-{build}"
    if suffix == ".tar.bz2":
        return f"{subdir}/{stem}.tar.bz2", bz2.compress(tar({**members, **told}))
    return f"{subdir}/{stem}.conda", zipped(stem, tar(told), tar(members))


def dump(value: object) -> bytes:
    """JSON."""
    return json.dumps(value, sort_keys=True).encode()


def plain(item: Item) -> Content:
    """The item as a tar holds it."""
    return File(item.content, item.permissions) if isinstance(item, Prefixed) else item


def listed(path: str, item: Item) -> dict[str, object]:
    """The item's line of `paths.json`."""
    if isinstance(item, Link):
        return {"_path": path, "path_type": "softlink"}
    if isinstance(item, HardLink):
        return {"_path": path, "path_type": "hardlink"}
    body = body_of(plain(item)) or b""
    entry = {"_path": path, "path_type": "hardlink", "sha256": digest(body), "size_in_bytes": len(body)}
    return entry | ({"prefix_placeholder": PLACEHOLDER, "file_mode": item.mode} if isinstance(item, Prefixed) else {})


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def tar(members: Mapping[str, Content]) -> bytes:
    """A tar as conda writes it: names without `./`, no folders, in the order that is given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, item in members.items():
            member = tarfile.TarInfo(path)
            if isinstance(item, Link):
                member.type, member.mode, member.linkname = tarfile.SYMTYPE, 0o777, item.target
            elif isinstance(item, HardLink):
                member.type, member.linkname = tarfile.LNKTYPE, item.target
            elif isinstance(item, File):
                member.mode = item.mode
            body = body_of(item) or b""
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def zipped(stem: str, info: bytes, pkg: bytes) -> bytes:
    """The two tars as a `.conda` file; bytes of a stored zip depend on zstd's version alone."""
    pack = zstandard.ZstdCompressor(level=3).compress
    members = {
        "metadata.json": b'{"conda_pkg_format_version": 2}',
        f"pkg-{stem}.tar.zst": pack(pkg),
        f"info-{stem}.tar.zst": pack(info),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, TIME), data)
    return buffer.getvalue()


def conda_artifact(store: Store, package: tuple[str, bytes], channel: str = "tests") -> Artifact:
    """A package in the store, as a lock names it."""
    path, data = package
    filename = path.partition("/")[2]
    stem = filename.removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, _ = stem.rsplit("-", 2)
    return Artifact(
        kind="conda",
        name=name,
        version=version,
        filename=filename,
        size=len(data),
        sha256=store.add_bytes(data),
        source=channel,
        path=path,
    )


def write_channel(folder: Path, packages: Sequence[tuple[str, bytes]]) -> Path:
    """A channel with an index, as `rattler-index` writes it."""
    from rattler.index import index_fs

    for subdir in ("noarch", "linux-64"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for path, data in packages:
        (folder / path).write_bytes(data)
    asyncio.run(index_fs(folder))
    return folder


@contextmanager
def serve_channel(folder: Path, packages: Sequence[tuple[str, bytes]]) -> Iterator[Mirror]:
    """A channel of these packages on loopback, called `tests`; its faults are those of a mirror."""
    write_channel(folder / "tests", packages)
    with serve_mirror(folder) as mirror:
        yield mirror


def compiled(folder: Path, source: str, *options: str) -> bytes:
    """What gcc makes of a C source."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.c").write_text(source)
    subprocess.run(["gcc", "-O1", "-o", str(folder / "made"), str(folder / "source.c"), *options], check=True)
    return (folder / "made").read_bytes()


def c_library(folder: Path) -> tuple[str, bytes]:
    """`libanswer`, whose function returns 42."""
    body = compiled(folder, "int answer(void) { return 42; }\n", "-shared", "-fPIC", "-Wl,-soname,libanswer.so.1")
    files: dict[str, Item] = {
        "lib/libanswer.so.1.0": File(body, 0o755),
        "lib/libanswer.so.1": Link("libanswer.so.1.0"),
        "lib/libanswer.so": Link("libanswer.so.1"),
        "include/answer.h": "int answer(void);\n",
    }
    return make_conda("libanswer", "1.0", files, depends=["__glibc >=2.17"])


def program_with_prefix(folder: Path) -> tuple[str, bytes]:
    """`where`, which prints the prefix that it was built for; and a script and a text that name it."""
    source = f'#include <stdio.h>\nint main(void) {{ puts("{PLACEHOLDER}/share/where"); return 0; }}\n'
    files: dict[str, Item] = {
        "bin/where": Prefixed(compiled(folder, source), "binary", 0o755),
        "bin/where-script": Prefixed(f"#!{PLACEHOLDER}/bin/python\nprint('{PLACEHOLDER}')\n", "text", 0o755),
        "share/where": Prefixed(f"prefix={PLACEHOLDER}\n"),
        "bin/.where-post-link.sh": File("#!/bin/sh\nregister-where $PREFIX\n", 0o755),
    }
    return make_conda("where", "2.0", files, depends=["libanswer"])


def noarch_package() -> tuple[str, bytes]:
    """`greeting`, a module with an entry point and a script, for any Python."""
    files: dict[str, Item] = {
        "site-packages/greeting/__init__.py": "def main():\n    print('hello from greeting')\n",
        "site-packages/greeting/__pycache__/__init__.cpython-311.pyc": b"stale",
        "site-packages/greeting-3.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 3.0\n",
        "python-scripts/greet-script": Prefixed(f"#!{PLACEHOLDER}/bin/python\nprint('script')\n", "text", 0o755),
    }
    return make_conda(
        "greeting", "3.0", files, depends=["python"], noarch="python", entry_points=["greet = greeting:main"]
    )


def python_package(debs: Mapping[str, Path], folder: Path) -> tuple[str, bytes]:
    """CPython 3.11 for any prefix, of Debian's own files: `debs` are the packages' files by name."""
    root = folder / "root"
    root.mkdir(parents=True)
    for deb in debs.values():
        subprocess.run(["dpkg-deb", "--extract", str(deb), str(root)], check=True)
    files: dict[str, Item] = {
        "bin/python3.11": File((root / "usr/bin/python3.11").read_bytes(), 0o755),
        "bin/python3": Link("python3.11"),
        "bin/python": Link("python3.11"),
        "lib/python3.11/site-packages/README.txt": "for packages\n",
        "lib/python3.11/dist-packages": Link("site-packages"),  # where the frozen `site` of Debian's Python looks
    }
    library = root / "usr/lib/python3.11"
    for path in sorted(library.rglob("*")):
        if path.is_file() and not path.is_symlink():
            files[f"lib/python3.11/{path.relative_to(library).as_posix()}"] = path.read_bytes()
    return make_conda("python", "3.11.2", files, build="0_cpython", depends=["__glibc >=2.36"])
