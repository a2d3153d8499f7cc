import json
from pathlib import Path

import pytest

from reprobuild.engines.docker import Docker
from reprobuild.engines.find import default_engine, find_socket, open_engine
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.errors import UsageError


def test_docker_is_the_default_where_there_is_no_bubblewrap() -> None:
    assert (default_engine("linux"), default_engine("darwin")) == ("sandbox", "docker")


def test_an_engine_is_opened_without_asking_anybody() -> None:
    docker = open_engine("docker", {"DOCKER_HOST": "unix:///nowhere"})

    assert isinstance(open_engine("sandbox", {}), Sandbox)
    assert isinstance(docker, Docker)
    assert (docker.daemon.name, docker.daemon.path) == ("docker", Path("/nowhere"))


def test_podman_is_found_where_its_services_listen(tmp_path: Path) -> None:
    own = tmp_path / "podman" / "podman.sock"
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert find_socket("podman", environment) == Path("/run/podman/podman.sock")
    own.parent.mkdir()
    own.touch()

    assert find_socket("podman", environment) == own
    assert find_socket("podman", {**environment, "CONTAINER_HOST": "unix:///mine"}) == Path("/mine")


def test_docker_is_found_by_the_context_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    assert find_socket("docker", {}) == Path("/var/run/docker.sock")
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "gone"}))
    assert find_socket("docker", {}) == Path("/var/run/docker.sock")
    (tmp_path / "config.json").write_text("not JSON")
    assert find_socket("docker", {}) == Path("/var/run/docker.sock")

    assert find_socket("docker", {"DOCKER_HOST": "unix:///mine"}) == Path("/mine")


@pytest.mark.parametrize("host", ["tcp://user:s3cret@host:1", "ssh://user@host", "npipe:////./pipe/docker"])
def test_a_daemon_on_another_machine_is_refused_without_its_secrets(host: str) -> None:
    for name, variable in (("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")):
        with pytest.raises(UsageError, match="not a socket of this machine") as caught:
            find_socket("docker" if name == "docker" else "podman", {variable: host})
        assert variable in caught.value.hint
        assert "user" not in str(caught.value)
