import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError, ReprobuildError, ToolError
from reprobuild.tools.logins import Login, Logins
from reprobuild.tools.process import Finished, ask_process

HOST = "registry.example:5000"
AUTH = base64.b64encode(b"me:pass:word").decode()


def write(folder: Path, table: object, name: str = "config.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(table))
    return path


def login(path: Path, repository: str = "team/base") -> Login | None:
    return Logins([path]).of(HOST, repository)


@pytest.mark.parametrize("name", [HOST, f"https://{HOST}", f"https://{HOST}/v1/", f"https://{HOST}/v2/", f"{HOST}/"])
def test_a_login_is_found_by_any_name_that_docker_gives_a_registry(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, {"auths": {name: {"auth": AUTH}, "other.example": {"auth": "x"}}})

    assert login(path) == Login("me", "pass:word", "", str(path))


def test_the_longest_name_of_a_repository_wins(tmp_path: Path) -> None:
    auths = {name: {"username": name, "password": "x"} for name in (HOST, f"{HOST}/team", f"{HOST}/team/base/x")}
    path = write(tmp_path, {"auths": auths})

    assert [(found := login(path, name)) and found.user for name in ("team/base", "other/base", "team/base/x/y")] == [
        f"{HOST}/team",
        HOST,
        f"{HOST}/team/base/x",
    ]


def test_an_identity_token_stands_for_a_password(tmp_path: Path) -> None:
    path = write(tmp_path, {"auths": {HOST: {"auth": AUTH, "identitytoken": "long"}}})

    assert login(path) == Login("", "", "long", str(path))


@pytest.mark.parametrize(
    "table", [{}, {"auths": {}}, {"auths": {HOST: {}}}, {"auths": []}, {"auths": {HOST: 1}}], ids=range(5)
)
def test_a_file_without_a_login_has_none(tmp_path: Path, table: object) -> None:
    assert login(write(tmp_path, table)) is None


def test_the_first_file_that_has_one_wins_and_netrc_comes_last(tmp_path: Path) -> None:
    empty, one = write(tmp_path, {}, "a"), write(tmp_path, {"auths": {HOST: {"auth": AUTH}}}, "b")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine registry.example login you password other\ndefault login all password all\n")
    netrc.chmod(0o600)
    found = [Logins(files, netrc).of(HOST, "a") for files in ([tmp_path / "none", empty, one], [empty])]

    assert found == [Login("me", "pass:word", "", str(one)), Login("you", "other", "", str(netrc))]
    assert Logins([empty], netrc).of("elsewhere.example", "a") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not strict JSON"),
        ("[]", "not a JSON object"),
        (json.dumps({"auths": {HOST: {"auth": "%%%"}}}), "not base64"),
        (json.dumps({"auths": {HOST: {"auth": base64.b64encode(b"nocolon").decode()}}}), "not a user and a password"),
        (json.dumps({"credsStore": "../evil"}), "not the name of a credential helper"),
    ],
    ids=range(5),
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        login(path)


class Helper:
    """A credential helper that answers so."""

    def __init__(self, status: int, said: str) -> None:
        self.status, self.said, self.asked = status, said, list[tuple[str, ...]]()

    def __call__(self, argv: Sequence[str], question: str) -> Finished:
        """What it prints."""
        self.asked.append((*argv, question))
        return Finished(self.status, self.said, "")


@pytest.mark.parametrize(
    "table", [{"credsStore": "vault"}, {"credHelpers": {HOST: "vault"}, "credsStore": "other"}], ids=["all", "one"]
)
def test_a_helper_is_asked_for_the_registry(tmp_path: Path, table: object) -> None:
    path = write(tmp_path, table)
    helper = Helper(0, json.dumps({"ServerURL": HOST, "Username": "me", "Secret": "word"}))

    assert Logins([path], None, helper).of(HOST, "a") == Login("me", "word", "", "docker-credential-vault")
    assert helper.asked == [("docker-credential-vault", "get", HOST)]


def test_a_helper_may_have_a_token_or_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, {"credsStore": "vault"})
    token = Helper(0, json.dumps({"Username": "<token>", "Secret": "long"}))
    nothing = Helper(1, "credentials not found in native keychain")

    assert Logins([path], None, token).of(HOST, "a") == Login("", "", "long", "docker-credential-vault")
    assert Logins([path], None, nothing).of(HOST, "a") is None


@pytest.mark.parametrize(("status", "said"), [(1, "locked: secret"), (0, "nonsense"), (0, "{}"), (0, "[]")])
def test_a_helper_that_fails_is_one_line_without_what_it_said(tmp_path: Path, status: int, said: str) -> None:
    with pytest.raises(ToolError, match="docker-credential-vault: ") as caught:
        Logins([write(tmp_path, {"credsStore": "vault"})], None, Helper(status, said)).of(HOST, "a")
    assert "secret" not in str(caught.value)


def test_a_real_helper_hears_the_registry_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker-credential-echo"
    program.write_text('#!/bin/sh\nread -r name\nprintf \'{"Username": "me", "Secret": "%s %s"}\' "$1" "$name"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = Logins([write(tmp_path, {"credsStore": "echo"})], None, ask_process).of(HOST, "a")

    assert found == Login("me", f"get {HOST}", "", "docker-credential-echo")


def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReprobuildError, match="docker-credential-nowhere: not found"):
        login(write(tmp_path, {"credsStore": "nowhere"}))


@pytest.mark.parametrize("registry", ["127.0.0.2", "127.0.0.2:5000"])
def test_an_address_has_its_login_in_netrc_with_and_without_a_port(tmp_path: Path, registry: str) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.2 login you password other\n")
    netrc.chmod(0o600)

    assert Logins([], netrc).of(registry, "a") == Login("you", "other", "", str(netrc))
