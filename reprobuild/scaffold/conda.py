"""A conda environment as it lies there, said again where a lock would refuse it, or a new one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from reprobuild.ground.errors import InputError
from reprobuild.scaffold.toml import plain, render_value

_PYTHON = re.compile(r"(?:\S*::)?python\s*[=<>~]+\s*(3\.\d+).*")
_CUDA = re.compile(r"(?:\S*::)?(?:cudatoolkit|pytorch-cuda|cuda|cuda-\w+|cudnn)\b")
_NAME = re.compile(r"[^\w.-]")
_ALIASES = {"pytorch": "torch", "pytorch-gpu": "torch", "opencv": "opencv-python-headless"}
"""Packages of conda that are called otherwise than the distribution: https://github.com/conda-forge/pytorch-cpu-feedstock."""
_CHANNELS = ["conda-forge"]
_YAML_VALUES = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
"""Words that YAML 1.1 reads as something else than a text: https://yaml.org/type/bool.html."""


@dataclass(frozen=True)
class Environment:
    """What an environment file says; `refused` tells why a lock does not take it as it is, empty when it does."""

    path: str
    python: str
    packages: tuple[str, ...]
    """As conda spells what is wanted."""
    wheels: tuple[str, ...]
    """What it leaves to pip."""
    channels: tuple[str, ...]
    refused: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The canonical names of what it brings, those of pip's where conda has another."""
        conda = (_NAME.split(item.rpartition("::")[2], maxsplit=1)[0] for item in self.packages)
        wheels = (_NAME.split(item, maxsplit=1)[0] for item in self.wheels)
        return frozenset(canonicalize_name(_ALIASES.get(name, name)) for name in (*conda, *wheels))

    @property
    def cuda(self) -> bool:
        """True when CUDA is among its packages."""
        return any(_CUDA.match(package) for package in self.packages)


def read_environment(path: str, text: str) -> Environment:
    """The environment; InputError when it is not one at all."""
    import yaml

    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not YAML that can be read") from error
    listed = table.get("dependencies") if isinstance(table, dict) else None
    if not isinstance(listed, list):
        raise InputError(f"{path}: no dependencies: not an environment")
    named = table.get("channels")
    return Environment(
        path=path,
        python=next((found[1] for item in listed if isinstance(item, str) and (found := _PYTHON.fullmatch(item))), ""),
        packages=tuple(item for item in listed if isinstance(item, str) and item.isprintable()),
        wheels=tuple(_wheels(listed)),
        channels=tuple(item for item in named if isinstance(item, str)) if isinstance(named, list) else (),
        refused=_refusal(path, text),
    )


def _wheels(listed: list[object]) -> Iterator[str]:
    for item in listed:
        inner = item.get("pip") if isinstance(item, dict) else None
        lines = inner if isinstance(inner, list) else []
        yield from (line for line in lines if isinstance(line, str) and line.isprintable())


def _refusal(path: str, text: str) -> str:
    from reprobuild.lock.conda.environment import parse_environment

    try:
        parse_environment(text.encode(), path)
    except InputError as error:
        return str(error)
    return ""


def restate(environment: Environment) -> str:
    """The same environment as a lock takes it: channels by name, and no wheels, which are locked apart."""
    channels = [name for name in environment.channels if _is_channel(name)] or _CHANNELS
    packages = [item for item in environment.packages if _is_package(item)]
    return _render(channels, packages, f"From {plain(environment.path)}, as reprobuild lock takes it.")


def _is_package(text: str) -> bool:
    place = "://" in text or text.lstrip().startswith("-")
    channel = text.partition("::")[0] if "::" in text else "x"
    return bool(text.strip()) and text.isprintable() and len(text) < 1000 and not place and _is_channel(channel)


def _is_channel(channel: str) -> bool:
    from reprobuild.lock.conda.environment import check_channel

    try:
        return bool(check_channel(channel, ""))
    except InputError:
        return False


def new_environment(python: str) -> str:
    """An environment with nothing but Python, to which packages can be added."""
    return _render(_CHANNELS, [f"python={python}"], "Packages that are named here come from conda, others are wheels.")


def _render(channels: list[str], packages: list[str], remark: str) -> str:
    rows = [f"# {remark}", "channels:", *(f"  - {_word(name)}" for name in channels)]
    return "\n".join((*rows, "dependencies:", *(f"  - {_word(item)}" for item in packages))) + "\n"


def _word(text: str) -> str:
    """A YAML scalar: a plain one where it cannot be read as anything but a text, else in double quotes as in JSON."""
    is_plain = re.fullmatch(r"[a-z][a-z0-9_.-]*[=<>]*[a-z0-9_.*-]*", text) and text not in _YAML_VALUES
    return text if is_plain else render_value(text)
