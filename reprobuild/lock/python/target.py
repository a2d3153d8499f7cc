"""The image as Python packaging sees it: its wheel tags and its markers, never those of the host."""

from dataclasses import dataclass
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags

LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
"""Names of older policies for a glibc version (PEP 600, "Legacy manylinux tags")."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Target:
    """CPython of an exact version, a glibc as (major, minor), and a Debian architecture."""

    python: str
    glibc: tuple[int, int]
    architecture: str = "amd64"

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version of Python."""
        major, minor, *_ = self.python.split(".")
        return int(major), int(minor)

    @property
    def machine(self) -> str:
        """The machine as the kernel names it."""
        return MACHINES[self.architecture]

    @cached_property
    def ranks(self) -> dict[Tag, int]:
        """Every tag that fits with its place in the order of preference, 0 the best (PEP 425, PEP 600)."""
        platforms = list(self._platforms())
        interpreter = "cp{}{}".format(*self.version)
        tags = [
            *cpython_tags(self.version, [interpreter], platforms),
            *compatible_tags(self.version, interpreter, platforms),
        ]
        return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def _platforms(self) -> list[str]:
        major, minor = self.glibc
        names = []
        for older in range(minor, 4, -1):
            names.append(f"manylinux_{major}_{older}_{self.machine}")
            if (major, older) in LEGACY:
                names.append(f"{LEGACY[major, older]}_{self.machine}")
        return [*names, f"linux_{self.machine}"]

    def markers(self, extra: str = "") -> dict[str, str]:
        """The environment markers of the image (PEP 508); what depends on the running kernel is empty."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python,
            "python_version": "{}.{}".format(*self.version),
            "sys_platform": "linux",
            "extra": extra,
        }

    def __str__(self) -> str:
        return f"CPython {self.python} on {self.machine} with glibc {self.glibc[0]}.{self.glibc[1]}"
