"""What was seen while an artifact became tar members: enough to make the rest of an image without another look."""

from collections.abc import Mapping
from typing import Self

from reprobuild.ground.documents import Document
from reprobuild.hardware.needs import Kernels
from reprobuild.image.code import read_code
from reprobuild.image.elf import read_soname
from reprobuild.image.spool import Spool

KEPT_SIZE = 1 << 20


class Note(Document):
    """Paths of an artifact; `package` and `status` are empty for a wheel, `status` for a conda package."""

    paths: dict[str, str]
    """Path to kind, with `:target` for links."""
    sonames: dict[str, str]
    """Path of a shared library to its SONAME."""
    texts: dict[str, str]
    """Small files that the image copies or joins: certificates, dynamic linker configuration, masters of /etc files."""
    package: str = ""
    status: str = ""
    scripts: dict[str, str]
    kernels: Kernels = Kernels()
    """For which GPUs the artifact's libraries have code."""
    linux: str = ""
    """The least kernel that the C library asks for, when it is in this artifact."""

    @classmethod
    def of(cls, spool: Spool, *, status: str = "", package: str = "", scripts: Mapping[str, str] | None = None) -> Self:
        """The note of what `spool` holds."""
        entries = spool.entries
        kernels, linux = code_of(spool)
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
            kernels=kernels,
            linux=linux,
        )


def code_of(spool: Spool) -> tuple[Kernels, str]:
    """Of everything that may be machine code: the GPUs that there are kernels for, and the C library's least kernel."""
    cubin: set[int] = set()
    ptx: set[int] = set()
    least = ""
    for path, entry in sorted(spool.entries.items()):
        if entry.kind != "file" or not (".so" in path or entry.mode & 0o111):
            continue
        kernels, linux = read_code(spool.open_at(path), entry.size)
        cubin |= set(kernels.cubin)
        ptx |= set(kernels.ptx)
        if path.endswith("/libc.so.6"):
            least = linux
    return Kernels(cubin=tuple(sorted(cubin)), ptx=tuple(sorted(ptx))), least


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
