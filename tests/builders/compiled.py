"""Small libraries and programs, built by gcc, and what of this machine's C library they need to run."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

LOADER = Path("/lib64/ld-linux-x86-64.so.2")
LIBC = Path("/lib/x86_64-linux-gnu/libc.so.6")


def build_library(folder: Path, soname: str, source: str, needs: Sequence[str] = ()) -> bytes:
    """A shared library of that SONAME; `needs` are file names of libraries in `folder`, where it is left, too."""
    _gcc(folder, soname, source, "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-Wl,--no-as-needed", needs=needs)
    return (folder / soname).read_bytes()


def build_program(folder: Path, name: str, source: str, *options: str, needs: Sequence[str] = ()) -> bytes:
    """A program that needs the C library, and of the libraries in `folder` those that are named."""
    _gcc(folder, name, source, *options, needs=needs)
    return (folder / name).read_bytes()


def c_library() -> dict[str, bytes]:
    """The dynamic linker and the C library of this machine, by their paths in an image."""
    return {f"usr{path}": path.read_bytes() for path in (LOADER, LIBC)}


def _gcc(folder: Path, name: str, source: str, *options: str, needs: Sequence[str] = ()) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.c").write_text(source)
    libraries = [f"-l:{need}" for need in needs]
    argv = ["gcc", "-O0", "-o", name, f"{name}.c", *options, "-L.", *libraries]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)
