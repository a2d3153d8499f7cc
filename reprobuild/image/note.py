"""What was seen while an artifact became tar members: enough to make the rest of an image without another look."""

from collections.abc import Mapping
from typing import Self

from reprobuild.ground.documents import Document
from reprobuild.image.elf import read_soname
from reprobuild.image.spool import Spool

KEPT_SIZE = 1 << 20


class Note(Document):
    """Paths of an artifact; `package` and `status` are empty for a wheel."""

    paths: dict[str, str]
    """Path to kind, with `:target` for links."""
    sonames: dict[str, str]
    """Path of a shared library to its SONAME."""
    texts: dict[str, str]
    """Small files that the image copies or joins: certificates, dynamic linker configuration, masters of /etc files."""
    package: str = ""
    status: str = ""
    scripts: dict[str, str]

    @classmethod
    def of(cls, spool: Spool, *, status: str = "", package: str = "", scripts: Mapping[str, str] | None = None) -> Self:
        """The note of what `spool` holds."""
        entries = spool.entries
        return cls(
            paths={
                path: entry.kind + (f":{entry.link}" if entry.link else "") for path, entry in sorted(entries.items())
            },
            sonames={
                path: soname
                for path, entry in sorted(entries.items())
                if entry.kind == "file"
                and is_library(path)
                and (soname := read_soname(spool.open_at(path), entry.size))
            },
            texts={
                path: spool.read(path).decode(errors="surrogateescape")
                for path, entry in sorted(entries.items())
                if entry.kind == "file" and entry.size <= KEPT_SIZE and is_kept(path)
            },
            package=package,
            status=status,
            scripts=dict(scripts or {}),
        )


def is_library(path: str) -> bool:
    """True for names that the dynamic linker's cache may hold (ldconfig(8)), below the linker's own folders."""
    folder, _, name = path.rpartition("/")
    known = ("usr/lib", "usr/lib64", "usr/local/lib")
    return (
        (folder in known or folder.startswith(("usr/lib/x86_64", "usr/local/lib/", "usr/local/cuda", "opt/")))
        and name.startswith(("lib", "ld-"))
        and ".so" in name
    )


def is_kept(path: str) -> bool:
    """True for the small files that the made layer reads."""
    return path.startswith(("usr/share/ca-certificates/", "etc/ld.so.conf", "usr/share/base-")) or path in MASTERS


MASTERS = ("usr/share/libc-bin/nsswitch.conf", "usr/share/readline/inputrc", "usr/share/debianutils/shells")
