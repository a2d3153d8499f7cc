"""A base that is an image: what is wrong with its name, its registry or the settings is one line with a hint."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.command import TOML, CommandLine
from builders.faults import Reply, Request, Server, answering
from builders.oci import TYPES, digest, layer, make_image, make_index

from reprobuild.cli.app import main

IMAGE = make_image([layer({"a": "x"})])
HEX = "ab" * 32
Answer = Callable[[Request], Reply]


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A project without a lock, the current user's settings and logins out of the way."""
    made = CommandLine(tmp_path)
    for name in ("PATH", "HOME", "REPROBUILD_STORE"):
        monkeypatch.setenv(name, made.environment[name])
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    return made


def refuse(
    line: CommandLine, capsys: pytest.CaptureFixture[str], base: str, more: str = "", status: int = 3
) -> tuple[str, str]:
    """The error and the hint of `lock`; fails where more was said, or anything was written."""
    path = line.project / "reprobuild.toml"
    path.write_text(TOML.replace('base = "base.toml"', f'base = "{base}"\n{more}'))
    capsys.readouterr()

    assert main(["--project", str(line.project), "lock"]) == status, capsys.readouterr()

    captured = capsys.readouterr()
    told = captured.err.splitlines()
    assert captured.out == ""
    assert [text.partition(": ")[0] for text in told] == ["error", "hint"], captured.err
    assert not (line.project / "lockfiles").exists()
    assert [place.name for place in line.unfinished if place.name != "partial"] == []
    return told[0].removeprefix("error: "), told[1].removeprefix("hint: ")


@pytest.mark.parametrize(
    ("base", "more", "said", "hinted"),
    [
        ("docker://python:3.11", "", "image.base: docker://python:3.11: it names no registry", "registry.example/"),
        (
            "docker://registry.example/python",
            "",
            "image.base: docker://registry.example/python: neither",
            "python:3.11",
        ),
        (
            "docker://registry.example/Python:3",
            "",
            "image.base: docker://registry.example/Python:3: not",
            "python:3.11",
        ),
        ("docker://me:secret@registry.example/a:1", "", "image.base: a URL with credentials", "base"),
        ("docker://registry.example/a:1", 'debian = ["git"]', "image.debian: a base that is an image", "install them"),
        ("docker://registry.example/a:1", 'python = "python3"', "image.python: ", "/usr/bin/python3.11"),
        ("base.toml", 'python = "/usr/bin/python3"', "image.python: this base says itself", "leave it out"),
    ],
    ids=range(7),
)
def test_a_base_that_is_named_wrongly(
    line: CommandLine, capsys: pytest.CaptureFixture[str], base: str, more: str, said: str, hinted: str
) -> None:
    error, hint = refuse(line, capsys, base, more)

    assert error.partition(": ")[2].startswith(said), error
    assert error.startswith("reprobuild.toml:")
    assert hinted in hint
    assert "secret" not in error + hint


def good(manifest: bytes, media: str, *blobs: bytes) -> Answer:
    """A registry that has this manifest under every name."""
    known = {digest(blob): blob for blob in (*IMAGE.blobs, *blobs)}

    def answer(request: Request) -> Reply:
        if "/manifests/" in request.path:
            return Reply(200, manifest, {"Content-Type": media})
        blob = known.get(request.path.rpartition("/")[2])
        return Reply(200, blob) if blob is not None else Reply(404)

    return answer


def lying(reply: Reply) -> Answer:
    """A registry whose manifest is right and whose blobs are not."""
    return lambda request: reply if "/blobs/" in request.path else good(IMAGE.manifest, IMAGE.media)(request)


OCI = TYPES["oci"]
MISSING = {"mediaType": OCI["gzip"], "digest": f"sha256:{HEX}", "size": 9}
NOWHERE = json.dumps({**json.loads(IMAGE.manifest), "layers": [MISSING]}).encode()
INDEX = make_index({"linux/arm64": IMAGE})
ENDLESS = Reply(200, b"[" * (5 << 20), {"Content-Type": IMAGE.media, "Content-Length": str(1 << 60)})


@pytest.mark.parametrize(
    ("answer", "status", "said", "hinted"),
    [
        (lambda _: Reply(401, headers={"WWW-Authenticate": "Basic"}), 4, "wants a login for team/base", "docker login"),
        (lambda _: Reply(404), 4, "has no such image", "its tag"),
        (lambda _: Reply(429, headers={"Retry-After": "900"}), 4, "answered 429: too many", "left alone for 900 s"),
        (lambda _: Reply(302, headers={"Location": "ftp://a/b"}), 4, "which is no safe place", "registry"),
        (lambda _: Reply(200, b"<html>"), 3, "not strict JSON", "registry"),
        (lambda _: ENDLESS, 4, "more than 4194304 bytes", "registry"),
        (good(b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+json"), 3, "schema 1", "push"),
        (good(INDEX, OCI["index"]), 3, "no image for linux/amd64; there is linux/arm64", "another tag"),
        (good(make_index({"linux/amd64": IMAGE}), OCI["index"]), 3, "asked for the manifest", "broken"),
        (good(NOWHERE, IMAGE.media), 3, "and has it not", "push"),
        (lying(Reply(200, b"other")), 3, "after 5 of", "resumes"),
        (lying(Reply(200, b"x" * 4000)), 3, "sends more than", "source"),
    ],
    ids=range(12),
)
def test_a_registry_that_refuses_fails_or_lies(
    line: CommandLine, capsys: pytest.CaptureFixture[str], answer: Answer, status: int, said: str, hinted: str
) -> None:
    with answering(answer) as server:
        error, hint = refuse(line, capsys, f"docker://127.0.0.1:{server.port}/team/base:1", status=status)

    assert said in error
    assert hinted in hint
    assert len(error) < 400


def test_a_wrong_digest_of_a_layer_is_told_and_nothing_is_kept(
    line: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    body = IMAGE.blobs[1][:-1] + b"x"
    with answering(
        lambda request: Reply(200, body) if digest(IMAGE.blobs[1]) in request.path else serve(request)
    ) as server:
        error, _ = refuse(line, capsys, f"docker://127.0.0.1:{server.port}/team/base:1")

    assert f"/v2/team/base/blobs/{digest(IMAGE.blobs[1])} sends sha256 {digest(body)[7:19]}" in error
    assert not line.store.has(digest(IMAGE.blobs[1])[7:])


def serve(request: Request) -> Reply:
    return good(IMAGE.manifest, IMAGE.media)(request)


def test_the_login_of_the_user_goes_to_the_registry_and_to_nobody_else(
    line: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    with answering(serve) as other:

        def answer(request: Request) -> Reply:
            if "authorization" not in request.headers:
                return Reply(401, headers={"WWW-Authenticate": "Basic"})
            return Reply(307, headers={"Location": f"http://localhost:{other.port}{request.path}"})

        with answering(answer) as server:
            error, _ = refuse(line, capsys, f"docker://127.0.0.1:{server.port}/team/base:1")

    assert "no Python is on its PATH" in error  # so the whole image was had
    assert len(other.asked) == 3
    assert all("authorization" not in request.headers for request in other.asked)
    assert sum("authorization" in request.headers for request in server.asked) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lock", "--upgrade", "base"], "--upgrade base: base.toml is no image of a registry"),
        (["lock", "--upgrade", "wheels"], "wheels"),
        (["lock", "--check", "--upgrade", "base"], "--check and --upgrade: "),
    ],
    ids=range(3),
)
def test_an_upgrade_of_what_is_no_image(
    line: CommandLine, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["--project", str(line.project), *words]) == 2
    told = capsys.readouterr().err.splitlines()

    assert said in told[0]
    assert told[1].startswith("hint: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[registries]\n'a.example' = 1", "config.toml: registries: each registry takes the URL"),
        ("registries = 'x'", "config.toml: registries: each registry takes the URL"),
        ("[registries]\n'a.example' = 'mirror.example'", "a.example: mirror.example: not the place of a registry"),
        ("[registries]\n'a.example' = 'https://me:secret@b.example'", "a.example: https://b.example: not the place"),
        ("[registries]\n'a.example' = 'ftp://b.example'", "a.example: ftp://b.example: not the place"),
    ],
    ids=range(5),
)
def test_settings_of_registries_that_are_wrong(
    line: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, said: str
) -> None:
    place = tmp_path / ".config" / "reprobuild" / "config.toml"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    error, hint = refuse(line, capsys, "docker://registry.example/team/base:1")

    assert said in error
    assert "secret" not in error + hint


def test_settings_that_are_right_lead_to_a_mirror(
    line: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen: list[Server] = []
    with answering(lambda _: Reply(404)) as server:
        place = tmp_path / ".config" / "reprobuild" / "config.toml"
        place.parent.mkdir(parents=True)
        place.write_text(f'[registries]\n"registry.example:5000" = "{server.url}/cache/"\n')
        seen.append(server)
        error, _ = refuse(line, capsys, "docker://registry.example:5000/team/base:1", status=4)

    assert seen[0].asked[0].path == "/v2/cache/team/base/manifests/1"
    assert error == f"registry.example:5000/team/base:1: 127.0.0.1:{server.port} has no such image"
