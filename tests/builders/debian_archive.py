"""Small `.deb` files, the same bytes for the same arguments, and signed archives of them on disk and on loopback."""

import gzip
import hashlib
import io
import lzma
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pysequoia
import zstandard
from builders.serving import QuietHandler, listening

from reprobuild.lock.base import Base, PythonOf, Suite

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""When archives are dated, unless told otherwise."""
TIME = 1_700_000_000
Compression = Literal["xz", "gz", "zst", "none"]


@dataclass(frozen=True)
class File:
    """A file with permissions, owner and group of its own."""

    content: bytes | str = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Folder:
    """A folder that is empty or has a mode of its own."""

    mode: int = 0o755


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class HardLink:
    """A hard link to another path of the same package, which sorts before it."""

    target: str


Content = bytes | str | File | Folder | Link | HardLink


def make_deb(
    name: str,
    version: str = "1.0-1",
    files: Mapping[str, Content] | None = None,
    *,
    architecture: str = "amd64",
    scripts: Mapping[str, str] | None = None,
    compression: Compression = "xz",
    **fields: str,
) -> bytes:
    """A package (deb(5)). `files` maps paths without a leading slash to content; missing folders are added.

    `scripts` are further control files: `postinst`, `triggers`, `conffiles`. `fields` are control fields with `_` for
    `-`: `Depends="libc6 (>= 2.36)"`, `Pre_Depends`, `Multi_Arch`. Only `compression="none"` gives
    bytes that no version of a compressor can change.
    """
    content = dict(files or {})
    control = {
        "control": render_control(name, version, architecture, fields),
        "md5sums": "".join(
            f"{hashlib.md5(body).hexdigest()}  {path}\n"
            for path, value in sorted(content.items())
            if (body := body_of(value)) is not None
        ),
        **(scripts or {}),
    }
    members: dict[str, Content] = {
        path: File(text, 0o755 if path in ("preinst", "postinst", "prerm", "postrm", "config") else 0o644)
        for path, text in control.items()
    }
    suffix = "" if compression == "none" else f".{compression}"
    return render_ar(
        {
            "debian-binary": b"2.0\n",
            f"control.tar{suffix}": compress(render_tar(members), compression),
            f"data.tar{suffix}": compress(render_tar(content), compression),
        }
    )


def render_control(name: str, version: str, architecture: str, fields: Mapping[str, str]) -> str:
    """The control file; what a field needs and nobody gave is made up."""
    values = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Nobody <nobody@mirror.example>",
        "Priority": "optional",
        **{key.replace("_", "-"): value for key, value in fields.items()},
        "Description": f"{name} for tests\n A package that a test has built.",
    }
    return "".join(f"{key}: {value}\n" for key, value in values.items())


def body_of(value: Content) -> bytes | None:
    """What a regular file holds, or None for what is not one."""
    if isinstance(value, File):
        value = value.content
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else None


def render_tar(members: Mapping[str, Content]) -> bytes:
    """A tar as dpkg-deb writes it: names below `./`, folders before what they hold."""
    tree: dict[str, Content] = {".": Folder()}
    for path in members:
        tree.update({str(parent): Folder() for parent in reversed(PurePosixPath(path).parents)})
    tree.update(members)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, value in sorted(tree.items(), key=lambda item: item[0].split("/")):
            member = tarfile.TarInfo("." if path == "." else f"./{path}")
            member.mtime, member.uname, member.gname = TIME, "root", "root"
            body = describe(member, value)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def describe(member: tarfile.TarInfo, value: Content) -> bytes:
    """Fill a header for `value`; its body comes back."""
    if isinstance(value, Folder):
        member.type, member.mode = tarfile.DIRTYPE, value.mode
    elif isinstance(value, Link):
        member.type, member.mode, member.linkname = tarfile.SYMTYPE, 0o777, value.target
    elif isinstance(value, HardLink):
        member.type, member.linkname = tarfile.LNKTYPE, f"./{value.target}"
    elif isinstance(value, File):
        member.mode, member.uid, member.gid = value.mode, value.uid, value.gid
    body = body_of(value) or b""
    member.size = len(body)
    return body


def compress(data: bytes, compression: Compression) -> bytes:
    """Packed as `.deb` members may be."""
    return {
        "xz": lambda: lzma.compress(data),
        "gz": lambda: gzip.compress(data, mtime=0),
        "zst": lambda: zstandard.ZstdCompressor(level=3).compress(data),
        "none": lambda: data,
    }[compression]()


def render_ar(members: Mapping[str, bytes]) -> bytes:
    """An ar archive (deb(5)): sixty-byte headers, bodies padded to an even length."""
    parts = [b"!<arch>\n"]
    for name, body in members.items():
        parts.append(f"{name:<16}{TIME:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n".encode())
        parts.append(body + b"\n" * (len(body) % 2))
    return b"".join(parts)


def control_of(deb: bytes) -> str:
    """The control file of a package that `make_deb` made."""
    start = 8 + 60 + 4
    name, size = deb[start : start + 16].decode().strip(), int(deb[start + 48 : start + 58])
    packed = deb[start + 60 : start + 60 + size]
    opened: dict[str, Callable[[bytes], bytes]] = {
        "control.tar.xz": lzma.decompress,
        "control.tar.gz": gzip.decompress,
        "control.tar.zst": zstandard.ZstdDecompressor().decompress,
        "control.tar": bytes,
    }
    with tarfile.open(fileobj=io.BytesIO(opened[name](packed))) as archive:
        stream = archive.extractfile("./control")
        assert stream
        return stream.read().decode()


@dataclass(frozen=True)
class Key:
    """An archive key: what signs, the public certificate, and its fingerprint."""

    signer: Any
    public: bytes
    fingerprint: str


def make_key(name: str = "Archive of a test") -> Key:
    """A fresh key."""
    secret = pysequoia.Tsk.generate(f"{name} <archive@mirror.example>")
    public = secret.extract_certificate()
    return Key(secret.signer(), bytes(public), public.fingerprint.upper())


@dataclass(frozen=True)
class Entry:
    """One stanza of `Packages` and the file it stands for."""

    stanza: str
    path: str
    deb: bytes


def entry_of(deb: bytes, component: str = "main") -> Entry:
    """The stanza that an archive would make of a package."""
    control = control_of(deb)
    fields = dict(line.split(": ", 1) for line in control.splitlines() if line[:1] != " ")
    name, version = fields["Package"], fields["Version"].partition(":")[2] or fields["Version"]
    path = f"pool/{component}/{name[0]}/{name}/{name}_{version}_{fields['Architecture']}.deb"
    body, _, description = control.partition("Description: ")
    place = f"Filename: {path}\nSize: {len(deb)}\nSHA256: {hashlib.sha256(deb).hexdigest()}\n"
    return Entry(f"{body}{place}Description: {description}", path, deb)


def render_packages(entries: Sequence[Entry]) -> bytes:
    """An index in the order of `entries`."""
    return "\n".join(entry.stanza for entry in entries).encode()


def render_release(
    suite: str,
    indices: Mapping[str, bytes],
    *,
    now: datetime,
    valid: timedelta | None,
    by_hash: bool = True,
    **more: str,
) -> str:
    """A release file that vouches for `indices`; `more` replaces fields, with `_` for `-`."""
    fields = {
        "Origin": "Test",
        "Suite": f"{suite}-suite",
        "Codename": suite,
        "Date": http_date(now),
        **({"Valid-Until": http_date(now + valid)} if valid is not None else {}),
        **({"Acquire-By-Hash": "yes"} if by_hash else {}),
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    lines = [f"{key}: {value}\n" for key, value in fields.items()]
    sums = [f" {hashlib.sha256(body).hexdigest()} {len(body):8} {path}\n" for path, body in sorted(indices.items())]
    return "".join([*lines, "SHA256:\n", *sums])


def http_date(moment: datetime) -> str:
    """As release files spell a date."""
    return format_datetime(moment.astimezone(UTC), usegmt=True).replace("GMT", "UTC")


def clearsign(text: str, key: Key) -> bytes:
    """`text` signed in the clear."""
    signed: bytes = pysequoia.sign(key.signer, text.encode(), mode=pysequoia.SignatureMode.CLEAR)
    return signed


def write_suite(
    root: Path,
    suite: str,
    debs: Sequence[bytes],
    key: Key,
    *,
    component: str = "main",
    architecture: str = "amd64",
    now: datetime = NOW,
    valid: timedelta | None = timedelta(days=7),
    by_hash: bool = True,
    packages: bytes | None = None,
    **release: str,
) -> Path:
    """Write one suite below `root` and return its folder; `packages` replaces the packed index that is signed."""
    entries = [entry_of(deb, component) for deb in debs]
    for entry in entries:
        write(root / entry.path, entry.deb)
    folder = root / "dists" / suite
    index = f"{component}/binary-{architecture}/Packages.xz"
    packed = lzma.compress(render_packages(entries)) if packages is None else packages
    write(folder / index, packed)
    if by_hash:
        write(folder / Path(index).parent / "by-hash" / "SHA256" / hashlib.sha256(packed).hexdigest(), packed)
    text = render_release(suite, {index: packed}, now=now, valid=valid, by_hash=by_hash, **release)
    write(folder / "InRelease", clearsign(text, key))
    return folder


def write(path: Path, body: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def make_base(key: Key, packages: Sequence[str], suites: Sequence[str] = ("stable",), **changes: object) -> Base:
    """A base over `suites`, all signed by `key`; `changes` replaces fields."""
    base = Base(
        name="test",
        distribution="debian",
        architecture="amd64",
        suites=tuple(Suite(name=suite, keys=(key.fingerprint,)) for suite in suites),
        component="main",
        packages=tuple(packages),
        python=PythonOf(
            package="python3.11",
            executable="/usr/bin/python3.11",
            site="/usr/local/lib/python3.11/dist-packages",
            scripts="/usr/local/bin",
        ),
        environment={"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        links={},
        copies={},
        files={},
        explained={},
    )
    return base.model_copy(update=changes)


@dataclass
class Mirror:
    """A folder on loopback; paths in `missing` answer 404, in `stalled` nothing, in `replaced` other bytes."""

    root: Path
    missing: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    replaced: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Every path that was asked for, in order."""
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """The mirror's root."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body for a path without a leading slash."""
        if path in self.replaced:
            return 200, self.replaced[path]
        if path in self.missing or not (self.root / path).is_file():
            return 404, b"nothing here"
        return 200, (self.root / path).read_bytes()


@contextmanager
def serve_mirror(root: Path) -> Iterator[Mirror]:
    """Serve `root` until the end of the block."""
    mirror = Mirror(root)

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            mirror.asked.append(path)
            if path in mirror.stalled:
                mirror.released.wait(60)
                return
            status, body = mirror.answer(path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler, mirror.released) as mirror.port:
        yield mirror
