"""What a container needs of the GPUs by the Container Device Interface, which `nvidia-ctk cdi generate` describes.

https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md. Of its edits, device nodes, mounts of shared
libraries, variables and the links that its hooks would make are taken. Programs, sockets and firmware are not: nothing
in an image calls them. The hook that renews the linker's cache is not needed where the linker is told the folder.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from reprobuild.ground.errors import InputError, ToolError

FOLDERS = ("run/cdi", "var/run/cdi", "etc/cdi")
"""The standard's folders, the one that wins first; the first two are one folder on most machines."""
KIND = "nvidia.com/gpu"
ALL = "all"
MAX_SPEC = 8 << 20
HINT = "write it anew: sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"


class Node(BaseModel):
    """A device: where it is in a container, and here when that is another place."""

    path: str = Field(pattern=r"^/dev/[^\x00]+$")
    hostPath: str = ""  # noqa: N815  # the names are the standard's


class Mount(BaseModel):
    """A file of this machine and its place in a container."""

    hostPath: str = Field(pattern=r"^/[^\x00]+$")  # noqa: N815
    containerPath: str  # noqa: N815


class Hook(BaseModel):
    """A program that a container engine would call."""

    args: list[str] = []


class Edits(BaseModel):
    """What is done to a container."""

    env: list[str] = []
    deviceNodes: list[Node] = []  # noqa: N815
    mounts: list[Mount] = []
    hooks: list[Hook] = []


class Device(BaseModel):
    """One GPU, a part of one, or all together."""

    name: str | int
    containerEdits: Edits = Edits()  # noqa: N815


class Spec(BaseModel):
    """One file."""

    kind: str
    devices: list[Device]
    containerEdits: Edits = Edits()  # noqa: N815

    def edits(self) -> list[Edits]:
        """Those of every container, and of all devices."""
        named = [device for device in self.devices if device.name == ALL] or self.devices
        return [self.containerEdits, *(device.containerEdits for device in named)]


def read_cdi(host: Path) -> tuple[Path, Spec] | None:
    """The description of NVIDIA's GPUs on the machine under `host`, with its file; ToolError for a broken one."""
    for folder in FOLDERS:
        for path in sorted((host / folder).glob("*")):
            if path.suffix in (".json", ".yaml", ".yml") and path.is_file() and (spec := _read(path)):
                return path, spec
    return None


def _read(path: Path) -> Spec | None:
    """The description in a file, or None when it is of other devices."""
    import yaml

    try:
        table = yaml.safe_load(_bytes(path))  # JSON is YAML
        if not isinstance(table, dict) or table.get("kind") != KIND:
            return None
        return Spec.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ToolError(f"{path}: no device description: {where}: {first['msg']}", hint=HINT) from error
    except (OSError, yaml.YAMLError, InputError, RecursionError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise ToolError(f"{path}: no device description: {line}", hint=HINT) from error


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_SPEC + 1)
    if len(data) > MAX_SPEC:
        raise InputError(f"more than {MAX_SPEC} bytes")
    return data


def links_of(edits: Edits) -> Iterator[tuple[str, str]]:
    """(name, target) of each link that a `create-symlinks` hook would make (`--link TARGET::PATH`)."""
    for hook in edits.hooks:
        for flag, value in zip(hook.args, hook.args[1:], strict=False):
            if flag == "--link" and "::" in value:
                target, _, path = value.partition("::")
                yield path.rpartition("/")[2], target.rpartition("/")[2]
