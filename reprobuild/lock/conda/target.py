"""The image as conda sees it: virtual packages of the target, never of the host; and the Python that conda gives it."""

import re

from reprobuild.ground.errors import InputError
from reprobuild.lock.base import Base, PythonOf

PREFIX = "/opt/conda"
"""Where the environment is in an image."""
PYTHON = "python"
KERNEL = "5.10"
"""`__linux`: which kernel runs an image is not known while it is locked; this is what conda-lock assumes as well."""
PLATFORMS = {"amd64": ("linux-64", "x86_64")}
"""Debian's name of an architecture to conda's, and to the microarchitecture that every such machine has."""


def virtual_packages(architecture: str, glibc: tuple[int, int], cuda: str | None = None) -> dict[str, str]:
    """Name to `version [build]` (https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html).

    `cuda` is the version of the base's CUDA, if it has one.
    """
    packages = {
        "__archspec": f"1 {PLATFORMS[architecture][1]}",
        "__glibc": f"{glibc[0]}.{glibc[1]}",
        "__linux": KERNEL,
        "__unix": "0",
    }
    return packages | ({"__cuda": cuda} if cuda else {})


def with_conda(base: Base, version: str, site: str = "") -> Base:
    """The base as an image with a conda environment has it: its programs first, and its Python if it has one.

    `version` is that of the package `python`, or empty; `site` the site folder below the prefix where that package
    names one (free-threaded builds do).
    """
    environment = {
        **base.environment,
        "PATH": ":".join(part for part in (f"{PREFIX}/bin", base.environment.get("PATH", "")) if part),
        "CONDA_PREFIX": PREFIX,
    }
    if not version:
        return base.model_copy(update={"environment": environment})
    found = re.fullmatch(r"(3\.\d+)\.\d+\S*", version)
    if not found:
        raise InputError(f"python {version}: not a version of CPython 3")
    name = f"python{found[1]}"
    folder = site or f"lib/{name}/site-packages"
    if not re.fullmatch(r"lib/python3\.\d+t?/site-packages", folder):
        raise InputError(f"python {version}: its site folder is {folder[:100]!r}")
    python = PythonOf(
        package=PYTHON,
        executable=f"{PREFIX}/bin/{name}",
        site=f"{PREFIX}/{folder}",
        scripts=f"{PREFIX}/bin",
    )
    return base.model_copy(update={"environment": environment, "python": python})


def has_conda_python(python: PythonOf) -> bool:
    """True when an interpreter is conda's."""
    return python.site.startswith(f"{PREFIX}/")
