"""Who a user is at a registry: what docker, podman and ~/.netrc keep of it; read when a registry asks, never stored."""

import base64
import binascii
import json
import netrc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.tools.process import Finished, ask_process

TOKEN_USER = "<token>"  # noqa: S105  # by which a credential helper says that what follows is no password
Ask = Callable[[Sequence[str], str], Finished]


@dataclass(frozen=True)
class Login:
    """A user and a password, or an identity token in its place; `origin` says where from."""

    user: str
    password: str
    identity: str
    origin: str


class Logins:
    """The user's logins by registry; `files` are docker's and podman's, the first that has one wins."""

    def __init__(self, files: Sequence[Path], netrc_file: Path | None = None, ask: Ask = ask_process) -> None:
        self._files, self._netrc, self._ask = files, netrc_file, ask

    def of(self, registry: str, repository: str) -> Login | None:
        """The login for a repository of a registry (`host` or `host:port`), or None."""
        for path in self._files:
            if path.is_file() and (found := self._from_file(path, registry, repository)):
                return found
        return self._from_netrc(registry)

    def _from_file(self, path: Path, registry: str, repository: str) -> Login | None:
        with path.open("rb") as stream:
            table = parse_json(stream.read(1 << 20), str(path))
        if not isinstance(table, dict):
            raise InputError(f"{path}: not a JSON object", hint="docker login writes it")
        helpers = table.get("credHelpers")
        helper = helpers.get(registry) if isinstance(helpers, dict) else None
        helper = helper or table.get("credsStore")
        if helper and (found := self._from_helper(str(helper), registry)):
            return found
        auths = table.get("auths")
        known = {_key(name): entry for name, entry in auths.items()} if isinstance(auths, dict) else {}
        for name in _names(registry, repository):
            if isinstance(entry := known.get(name), dict) and (found := _parse_entry(entry, path, name)):
                return found
        return None

    def _from_helper(self, helper: str, registry: str) -> Login | None:
        """As docker's credential helpers are asked (docker-credential-helpers, README, "Development")."""
        program = f"docker-credential-{helper}"
        if "/" in helper:
            raise InputError(f"{program}: not the name of a credential helper")
        done = self._ask([program, "get"], registry)
        if done.status:
            if "not found" in (done.stdout + done.stderr).lower():
                return None
            raise ToolError(f"{program}: ended with {done.status} for {registry}", hint=f"try: docker login {registry}")
        try:
            said = json.loads(done.stdout)
            user, secret = str(said["Username"]), str(said["Secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise ToolError(f"{program}: its answer for {registry} is not one of a credential helper") from error
        return Login("", "", secret, program) if user == TOKEN_USER else Login(user, secret, "", program)

    def _from_netrc(self, registry: str) -> Login | None:
        if self._netrc is None or not self._netrc.is_file():
            return None
        try:
            machines = netrc.netrc(str(self._netrc)).hosts
        except (netrc.NetrcParseError, UnicodeDecodeError, OSError) as error:
            raise InputError(f"{self._netrc}: {error}", hint="see curl(1), --netrc") from error
        # A machine has no port (netrc(5)); `default` is for every host, also for those a login was never meant for.
        if found := machines.get(urlsplit(f"//{registry}").hostname or ""):
            return Login(found[0], found[2], "", str(self._netrc))
        return None


def _key(name: str) -> str:
    """Docker writes some registries as URLs of their first API."""
    bare = name.partition("://")[2] or name
    for ending in ("/", "/v1", "/v2"):
        bare = bare.removesuffix(ending)
    return bare


def _names(registry: str, repository: str) -> Sequence[str]:
    """What may name it, the longest first (containers-auth.json(5))."""
    parts = [registry, *repository.split("/")]
    return ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _parse_entry(entry: Mapping[str, Any], path: Path, name: str) -> Login | None:
    if token := entry.get("identitytoken"):
        return Login("", "", str(token), str(path))
    if not entry.get("auth"):
        user, password = entry.get("username"), entry.get("password")
        return Login(str(user), str(password), "", str(path)) if user and password else None
    try:
        user, colon, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: auths: {name}: not base64 of a user and a password") from error
    if not colon:
        raise InputError(f"{path}: auths: {name}: not a user and a password", hint=f"try: docker login {name}")
    return Login(user, password.rstrip("\0"), "", str(path))
