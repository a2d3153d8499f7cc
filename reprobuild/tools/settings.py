"""What a user's configuration and environment say about this machine; never part of anything hashed.

`~/.config/reprobuild/config.toml` (or `$XDG_CONFIG_HOME`):

```toml
store = "/big/disk/reprobuild"
[debian]                       # mirrors for suites that apt does not know, tried in order
bookworm = ["<mirror>"]
```

Each setting also has a variable, which wins: `REPROBUILD_STORE`, `REPROBUILD_DEBIAN_<SUITE>` (upper case, `-` as `_`,
several mirrors separated by spaces).
"""

import os
import pwd
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprobuild.ground.errors import InputError, hinting


@dataclass(frozen=True)
class Settings:
    """Where the store is and which mirrors the user names."""

    store: Path
    debian: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    netrc: Path | None = None
    """Passwords for hosts, as pip and curl read them (curl(1), `--netrc`)."""
    origin: str = "~/.config/reprobuild/config.toml"

    def mirrors(self, suite: str) -> tuple[str, ...]:
        """The mirrors the user names for a Debian suite, perhaps none."""
        return self.debian.get(suite, ())


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of the user whose environment this is."""
    home = Path(environment.get("HOME") or _home())
    path = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "reprobuild" / "config.toml"
    with hinting('for example store = "/big/disk/reprobuild"; and in [debian], bookworm = ["<mirror>"]'):
        table = _read_table(path)
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    store = environment.get("REPROBUILD_STORE") or table.get("store") or str(data / "reprobuild")
    debian = {suite: tuple(mirrors) for suite, mirrors in table.get("debian", {}).items()}
    prefix = "REPROBUILD_DEBIAN_"
    for name, value in environment.items():
        if name.startswith(prefix):
            debian[name.removeprefix(prefix).lower().replace("_", "-")] = tuple(value.split())
    return Settings(
        store=Path(store).expanduser(),
        debian=debian,
        netrc=Path(environment.get("NETRC") or home / ".netrc"),
        origin=str(path),
    )


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
    unknown = sorted(table.keys() - {"store", "debian"})
    if unknown:
        raise InputError(f"{path}: unknown key {unknown[0]!r}", hint="known keys: debian, store")
    debian = table.get("debian", {})
    if not isinstance(debian, dict) or not all(
        isinstance(value, list) and all(isinstance(item, str) for item in value) for value in debian.values()
    ):
        raise InputError(f"{path}: debian: each suite takes a list of mirrors")
    if not isinstance(table.get("store", ""), str):
        raise InputError(f"{path}: store: not a string")
    return table
