"""What a user's configuration and environment say about this machine; never part of anything hashed.

`~/.config/reprobuild/config.toml` (or `$XDG_CONFIG_HOME`):

```toml
store = "/big/disk/reprobuild"
[debian]                       # mirrors for suites that apt does not know, tried in order
bookworm = ["<mirror>"]
[conda]                        # places of channels, instead of those that conda is configured with
conda-forge = ["<mirror>"]
[registries]                   # where a registry is for this machine; http:// where it has no certificate
"registry.example:5000" = "http://mirror.example/team"
```

Each setting also has a variable, which wins: `REPROBUILD_STORE`, `REPROBUILD_DEBIAN_<SUITE>` (upper case, `-` as `_`,
several mirrors separated by spaces), `REPROBUILD_CONDA_<CHANNEL>` (the same), `REPROBUILD_REGISTRY_<HOST>` (upper case,
`.`, `-` and `:` as `_`).
"""

import os
import pwd
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprobuild.ground.errors import InputError, hinting

REGISTRY = "REPROBUILD_REGISTRY_"
_NO_USER = re.compile(r"(?<=://)[^/\s]*@")


@dataclass(frozen=True)
class Settings:
    """Where the store is and which mirrors the user names."""

    store: Path
    debian: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conda: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Places of channels, by `plain_name`."""
    registries: Mapping[str, str] = field(default_factory=dict)
    """Places by the registry's name, or by that of its variable."""
    logins: tuple[Path, ...] = ()
    """Files in which docker and podman keep their logins, the most special first."""
    netrc: Path | None = None
    """Passwords for hosts, as pip and curl read them (curl(1), `--netrc`)."""
    home: Path = Path("/")
    origin: str = "~/.config/reprobuild/config.toml"

    def mirrors(self, suite: str) -> tuple[str, ...]:
        """The mirrors the user names for a Debian suite, perhaps none."""
        return self.debian.get(suite, ())

    def registry(self, name: str) -> str:
        """The place the user names for a registry, or nothing."""
        variable = REGISTRY + re.sub(r"[^A-Z0-9]", "_", name.upper())
        return self.registries.get(variable) or self.registries.get(name, "")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of the user whose environment this is."""
    home = Path(environment.get("HOME") or _home())
    path = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "reprobuild" / "config.toml"
    with hinting('for example store = "/big/disk/reprobuild"; and in [debian], bookworm = ["<mirror>"]'):
        table = _read_table(path)
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    store = environment.get("REPROBUILD_STORE") or table.get("store") or str(data / "reprobuild")
    return Settings(
        store=Path(store).expanduser(),
        debian=_places("debian", table, environment),
        conda={plain_name(name): places for name, places in _places("conda", table, environment).items()},
        registries=_registries(table, environment),
        logins=_logins(environment, home),
        netrc=Path(environment.get("NETRC") or home / ".netrc"),
        home=home,
        origin=str(path),
    )


def _places(kind: str, table: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Places by name, those of variables over those of the file."""
    found = {name: tuple(places) for name, places in table.get(kind, {}).items()}
    prefix = f"REPROBUILD_{kind.upper()}_"
    for variable, value in environment.items():
        if variable.startswith(prefix):
            found[variable.removeprefix(prefix).lower().replace("_", "-")] = tuple(value.split())
    return found


def plain_name(channel: str) -> str:
    """A channel's name as a variable can hold it: lower case, `-` for everything that is no letter and no digit."""
    return re.sub(r"[^a-z0-9]", "-", channel.lower())


def _registries(table: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = dict(table.get("registries", {}))
    found |= {name: value for name, value in environment.items() if name.startswith(REGISTRY) and value}
    for name, place in found.items():
        if not re.fullmatch(r"https?://[^\s/@]+(/[^\s@?#]*)?", place):
            raise InputError(
                f"{name}: {_NO_USER.sub('', place)}: not the place of a registry",
                hint='for example "https://mirror.example", without user and password: docker login keeps those',
            )
    return found


def _logins(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Where docker and podman look (docker login, podman-login(1)): named files, docker's, podman's two."""
    places = [
        environment.get("REGISTRY_AUTH_FILE"),
        f"{environment.get('DOCKER_CONFIG') or home / '.docker'}/config.json",
        f"{environment['XDG_RUNTIME_DIR']}/containers/auth.json" if environment.get("XDG_RUNTIME_DIR") else None,
        f"{environment.get('XDG_CONFIG_HOME') or home / '.config'}/containers/auth.json",
    ]
    return tuple(Path(place) for place in places if place)


def _home() -> str:
    """The user's own folder without HOME (environ(7)), as a service or `env -i` runs commands."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a user that no file knows, in a container
        return "/"


def _read_table(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    unknown = sorted(table.keys() - {"store", "debian", "conda", "registries"})
    if unknown:
        raise InputError(f"{path}: unknown key {unknown[0]!r}", hint="known keys: conda, debian, registries, store")
    for kind, name in (("debian", "suite"), ("conda", "channel")):
        places = table.get(kind, {})
        if not isinstance(places, dict) or not all(
            isinstance(value, list) and all(isinstance(item, str) for item in value) for value in places.values()
        ):
            raise InputError(f"{path}: {kind}: each {name} takes a list of mirrors")
    registries = table.get("registries", {})
    if not isinstance(registries, dict) or not all(isinstance(value, str) for value in registries.values()):
        raise InputError(f"{path}: registries: each registry takes the URL of a place")
    if not isinstance(table.get("store", ""), str):
        raise InputError(f"{path}: store: not a string")
    return table
