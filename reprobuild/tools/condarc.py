"""Where conda channels are, as conda is configured on this machine: its files and variables, read as conda reads them.

https://docs.conda.io/projects/conda/en/stable/user-guide/configuration/use-condarc.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reprobuild.ground.errors import InputError

MAX_FILE = 1 << 20
NAMES = (".condarc", "condarc")


@dataclass(frozen=True)
class Condarc:
    """The keys that say where a channel is; empty where nothing says so."""

    alias: str = ""
    defaults: tuple[str, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)
    """Channel to the place that holds a folder of its name."""
    multichannels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def places(self, channel: str) -> tuple[str, ...]:
        """Where the channel is, without a slash at the end; empty where only conda's own default can say."""
        if channel in self.multichannels:
            return tuple(place for member in self.multichannels[channel] for place in self._one(member))
        if channel == "defaults":
            return tuple(place for member in self.defaults for place in self._one(member))
        return self._one(channel)

    def _one(self, channel: str) -> tuple[str, ...]:
        if "://" in channel:
            return (channel.rstrip("/"),)
        for name in (channel, channel.partition("/")[0]):  # a label is a folder of its channel
            if name in self.custom:
                return (f"{self.custom[name].rstrip('/')}/{channel}",)
        return (f"{self.alias.rstrip('/')}/{channel}",) if self.alias else ()


def condarc_files(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Every file that conda looks for, the weakest first."""
    roots = [Path("/etc/conda"), Path("/var/lib/conda")]
    roots += [Path(environment["CONDA_ROOT"])] if environment.get("CONDA_ROOT") else []
    roots.append(Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "conda")
    roots.append(home / ".conda")
    for root in roots:
        yield from (root / name for name in NAMES)
        yield from sorted((root / "condarc.d").glob("*.y*ml")) if (root / "condarc.d").is_dir() else ()
    yield home / ".condarc"
    if environment.get("CONDA_PREFIX"):
        yield from (Path(environment["CONDA_PREFIX"]) / name for name in NAMES)
    if environment.get("CONDARC"):
        yield Path(environment["CONDARC"]).expanduser()


def read_condarc(environment: Mapping[str, str], home: Path) -> Condarc:
    """What conda's files and variables say together, the stronger over the weaker."""
    found: dict[str, object] = {}
    for path in dict.fromkeys(condarc_files(environment, home)):
        if path.is_file():
            for key, value in _read(path).items():
                old = found.get(key)
                found[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    if environment.get("CONDA_CHANNEL_ALIAS"):
        found["channel_alias"] = environment["CONDA_CHANNEL_ALIAS"]
    if environment.get("CONDA_DEFAULT_CHANNELS"):
        found["default_channels"] = environment["CONDA_DEFAULT_CHANNELS"].split(",")
    return Condarc(
        alias=str(found.get("channel_alias") or ""),
        defaults=_list(found.get("default_channels")),
        custom={str(name): str(place) for name, place in _mapping(found.get("custom_channels")).items()},
        multichannels={str(name): _list(of) for name, of in _mapping(found.get("custom_multichannels")).items()},
    )


def _read(path: Path) -> dict[str, object]:
    import yaml

    try:
        data = path.read_bytes()
        table = yaml.safe_load(data[:MAX_FILE]) if data.strip() else {}
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if not isinstance(table, dict):
        raise InputError(f"{path}: not a mapping of conda's settings")
    return {str(key): value for key, value in table.items()}


def _list(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _mapping(value: object) -> dict[object, object]:
    return value if isinstance(value, dict) else {}
