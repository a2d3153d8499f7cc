"""Small C libraries, built where a test needs one."""

import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent


def build_library(source: str | Path, target: Path, *options: str) -> Path:
    """The shared library of a C text, or of a file beside this one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = (FOLDER / source).read_text() if isinstance(source, Path) else source
    argv = ["gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{target.name}", *options, "-o", str(target), "-xc", "-"]
    subprocess.run(argv, input=text, text=True, check=True)
    return target
