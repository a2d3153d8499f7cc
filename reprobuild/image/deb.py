"""`.deb` files to tar members (deb(5)): read as a stream of bytes, never unpacked to disk, no script executed."""

import gzip
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry
from reprobuild.image.foreign_tar import members_of, open_tar
from reprobuild.image.note import Note
from reprobuild.image.spool import MAX_CONTENT, Spool

MAGIC = b"!<arch>\n"
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")
"""Top-level names that are links into /usr (Debian's usr-is-merged)."""
INFO = "var/lib/dpkg/info"
BROKEN = (tarfile.TarError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, EOFError)
"""What the unpackers say of broken bytes; any other OSError is the machine's own."""
MAX_CONTROL = 64 << 20
MAX_FILES = 500_000


def read_deb(path: Path, subject: str, spool: Spool) -> Note:
    """Put what a `.deb` installs into `spool`, with dpkg's own files about it; what was seen comes back as a note."""
    members = dict(_ar_members(path, subject))
    control = _control(path, members, subject)
    stanza = control.pop("control", b"").decode(errors="replace").strip()
    fields = dict(line.partition(": ")[::2] for line in stanza.splitlines() if not line.startswith((" ", "\t")))
    if "Package" not in fields:
        raise InputError(f"{subject}: its control file names no package")
    listed = ["/."]
    with _tar(path, members, "data.tar", subject) as archive:
        for member in members_of(archive, MAX_FILES, subject):
            _take(member, archive, spool, subject, listed)
    conffiles = _conffiles(control.get("conffiles", b"").decode(errors="replace"), spool)
    name = fields["Package"] + (f":{fields.get('Architecture', '')}" if fields.get("Multi-Arch") == "same" else "")
    spool.add_bytes(f"{INFO}/{name}.list", "".join(f"{line}\n" for line in listed).encode(errors="surrogateescape"))
    for file, data in sorted(control.items()):
        script = file in ("preinst", "postinst", "prerm", "postrm", "config")
        spool.add_bytes(f"{INFO}/{name}.{file}", data, 0o755 if script else 0o644)
    scripts = {str(file): control[file].decode(errors="replace") for file in ("preinst", "postinst") if file in control}
    return Note.of(spool, status=_status(stanza, conffiles), package=fields["Package"], scripts=scripts)


def _ar_members(path: Path, subject: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names of the members of the `ar` archive with offset and size."""
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise InputError(f"{subject}: not a .deb: no ar archive")
        end = path.stat().st_size
        while len(header := stream.read(60)) == 60:
            name, size = header[:16].decode(errors="replace").rstrip(" ").rstrip("/"), header[48:58].strip()
            offset = stream.tell()
            if header[58:] != b"`\n" or not size.isdigit() or offset + int(size) > end:
                raise InputError(f"{subject}: broken at byte {offset}; is it truncated?")
            yield name, (offset, int(size))
            stream.seek(offset + int(size) + int(size) % 2)
        if header:
            raise InputError(f"{subject}: it ends early; the file is truncated")


class _Slice:
    """A part of a file, to be read once."""

    def __init__(self, stream: BinaryIO, offset: int, size: int) -> None:
        self._stream, self._left = stream, size
        stream.seek(offset)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, and none behind the part's end."""
        data = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


@contextmanager
def _tar(path: Path, members: dict[str, tuple[int, int]], stem: str, subject: str) -> Iterator[tarfile.TarFile]:
    name = next((name for name in members if name.startswith(stem)), "")
    suffix = name.removeprefix(stem)
    if not name:
        raise InputError(f"{subject}: it has no {stem}")
    with path.open("rb") as stream, ExitStack() as stack:
        packed = cast(BinaryIO, _Slice(stream, *members[name]))
        if suffix == ".gz":
            packed = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=packed)))
        elif suffix == ".xz":
            packed = cast(BinaryIO, stack.enter_context(lzma.LZMAFile(packed)))
        elif suffix == ".zst":
            unpacker = zstandard.ZstdDecompressor()
            packed = cast(BinaryIO, stack.enter_context(unpacker.stream_reader(packed, read_across_frames=True)))
        elif suffix:
            raise InputError(f"{subject}: {name}: unknown compression")
        try:
            with open_tar(packed, "r|") as archive:
                yield archive
        except BROKEN as error:
            raise InputError(f"{subject}: {name}: {error}") from error


def _control(path: Path, members: dict[str, tuple[int, int]], subject: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with _tar(path, members, "control.tar", subject) as archive:
        for member in members_of(archive, MAX_FILES, subject):
            name = member.name.removeprefix("./")
            if member.isfile() and name and "/" not in name:
                if member.size + sum(map(len, found.values())) > MAX_CONTROL:
                    raise InputError(f"{subject}: control files of more than {MAX_CONTROL} bytes")
                stream = archive.extractfile(member)
                found[name] = stream.read() if stream else b""
    return found


def merged(path: str) -> str:
    """The place of a path in an image where /bin, /lib and the like are links into /usr."""
    return f"usr/{path}" if path.split("/")[0] in MERGED else path


def _take(member: tarfile.TarInfo, archive: tarfile.TarFile, spool: Spool, subject: str, listed: list[str]) -> None:
    name = member.name.removeprefix("./").rstrip("/")
    if name in ("", "."):
        return
    listed.append(f"/{name}")
    if name in MERGED and not member.isdir():
        return  # the image makes these links itself
    path = merged(name)
    # No setuid and no setgid: nothing in an image needs them, and an unpacked root lies in a user's store.
    mode = member.mode & 0o1777
    if member.isdir():
        spool.add(Entry(path, "dir", mode))
    elif member.isfile():
        if member.size > MAX_CONTENT:
            raise InputError(f"{subject}: {name}: {member.size} bytes")
        content = archive.extractfile(member)
        spool.add(Entry(path, "file", mode & 0o777, member.size), content)  # type: ignore[arg-type]
    elif member.issym():
        spool.add(Entry(path, "symlink", 0o777, link=member.linkname))
    elif member.islnk():
        target = merged(member.linkname.removeprefix("./"))
        if target not in spool.entries or spool.entries[target].kind != "file":
            raise InputError(f"{subject}: {name}: a hard link to {member.linkname}, which is no file before it")
        spool.add(Entry(path, "hardlink", spool.entries[target].mode, link=target))
    else:
        raise InputError(f"{subject}: {name}: neither a file, a folder nor a link")


def _conffiles(text: str, spool: Spool) -> list[tuple[str, str]]:
    found = []
    for line in text.splitlines():
        name = line.split()[-1].lstrip("/") if line.split() else ""
        if (path := merged(name)) in spool.entries and spool.entries[path].kind == "file":
            # dpkg's database holds MD5 sums; they are for dpkg --verify, not for trust.
            digest = hashlib.md5(spool.read(path), usedforsecurity=False).hexdigest()
            found.append((f"/{name}", digest))
    return found


def _status(stanza: str, conffiles: list[tuple[str, str]]) -> str:
    """The package's stanza as dpkg's status file has it."""
    first, _, rest = stanza.partition("\n")
    lines = "".join(f"\n {path} {digest}" for path, digest in conffiles)
    return f"{first}\nStatus: install ok installed\n{rest}" + (f"\nConffiles:{lines}" if lines else "") + "\n"
