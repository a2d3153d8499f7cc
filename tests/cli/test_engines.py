"""`--engine` and `--load` as a user has them: real processes, a real Docker, an image with one small program in it."""

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.command import CommandLine
from builders.compiled import build_program, c_library
from builders.debian_archive import Content, File
from builders.dockerd import Docker, running_dockerd
from builders.fake_docker import Behaviour, running_fake
from builders.podman import running_podman

PYTHON = """
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[3], "compileall") == 0) return 0;
    mkdir("out", 0755);
    FILE *model = fopen("out/model.txt", "w");
    fputs("1", model);
    fclose(model);
    puts("trained");
    fflush(stdout);
    while (access("wait", F_OK) == 0) sleep(1);
    return 0;
}
"""
OUTPUTS = 'outputs = ["out/model.txt"]\n'
engine = pytest.mark.engine


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    with running_dockerd(tmp_path_factory.mktemp("docker") / "own") as running:
        yield running


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Content]:
    python = File(build_program(tmp_path_factory.mktemp("python"), "python", PYTHON), 0o755)
    libraries = {name: File(data, 0o755) for name, data in c_library().items()}
    return {**libraries, "opt/bin/python": python, "opt/bin/python3": python}


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fake-") as name:
        yield Path(name)


def make(folder: Path, program: dict[str, Content], docker: Docker, toml: str = "", **files: str) -> CommandLine:
    line = CommandLine(folder, OUTPUTS + toml, files).lock(**program)
    line.environment["DOCKER_HOST"] = f"unix://{docker.socket}"
    return line


def containers(docker: Docker) -> str:
    return docker.run("ps", "--all", "--quiet")


@engine
@pytest.mark.parametrize(("toml", "words"), [("", ["--engine", "docker"]), ('engine = "docker"\n', [])])
def test_a_run_and_its_replay_in_docker(
    tmp_path: Path, program: dict[str, Content], docker: Docker, toml: str, words: list[str]
) -> None:
    line = make(tmp_path, program, docker, toml)
    done = line.run("run", *words)
    replayed = line.run("replay", str(line.project / "bundle.tar"), "--engine", "docker", "--json")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "trained"
    assert line.record.fingerprint.engine is not None
    assert line.record.fingerprint.engine.name == "docker"
    assert (replayed.returncode, json.loads(replayed.stdout)["verdict"]) == (0, "identical")
    assert containers(docker) == ""
    assert line.unfinished == []


@engine
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_leaves_no_container(
    tmp_path: Path, program: dict[str, Content], docker: Docker, name: str
) -> None:
    line = make(tmp_path, program, docker, wait="")
    with line.start("run", "--engine", "docker") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"trained\n"
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=60)

    assert (process.returncode, b"Traceback" in err) == (4, False)
    assert b"it was interrupted" in err
    assert line.record.ending.reason == "interrupted"
    assert containers(docker) == ""
    assert line.unfinished == []


@engine
def test_an_interrupt_at_any_moment_leaves_no_container(
    tmp_path: Path, program: dict[str, Content], docker: Docker
) -> None:
    line = make(tmp_path, program, docker, wait="")
    for tenths in range(0, 8, 2):
        for lock in line.store.root.glob("locks/docker-*"):
            lock.unlink()
        with line.start("run", "--engine", "docker") as process:
            while not list(line.store.root.glob("locks/docker-*")):
                assert process.poll() is None
                time.sleep(0.01)
            time.sleep(tenths / 10)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert (process.returncode in (4, 130), b"Traceback" in err) == (True, False), err
        assert containers(docker) == "", err
        assert line.unfinished == []


@engine
@pytest.mark.sandbox
def test_every_command_of_the_page_about_engines_works(
    tmp_path: Path, program: dict[str, Content], docker: Docker
) -> None:
    page = Path(__file__).parents[2] / "docs" / "engines.md"
    shown = [line.split()[2:] for line in page.read_text().splitlines() if line.startswith("$ reprobuild ")]
    assert len(shown) == 5
    line = make(tmp_path, program, docker)
    line.environment["PATH"] = line.environment["PATH"].partition(":")[2]  # the image has what it needs: the real bwrap
    with running_podman() as podman:
        line.environment["CONTAINER_HOST"] = f"unix://{podman}"
        for words in shown:
            done = line.run(*words, cwd=line.project)
            assert done.returncode == 0, (words, done.stderr)


@engine
def test_an_image_is_put_into_docker_under_the_projects_name(
    tmp_path: Path, program: dict[str, Content], docker: Docker
) -> None:
    line = make(tmp_path, program, docker)
    done = line.run("image", "--load", "docker")
    again = json.loads(line.run("image", "--load", "docker", "--json").stdout)
    image_id = done.stdout.strip()
    name = f"test:{image_id.removeprefix('sha256:')[:12]}"

    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, f"docker calls it {name}")
    assert again["loaded"] == name
    assert docker.run("image", "inspect", "--format", "{{.Id}}", name).strip() == image_id
    assert docker.run("run", "--rm", "--network", "none", name) == "trained\n"


def test_an_engine_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    line = CommandLine(tmp_path).lock()
    line.environment |= {"DOCKER_HOST": f"unix://{tmp_path}/none", "CONTAINER_HOST": f"unix://{tmp_path}/none"}
    for name, hint in (("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")):
        for words in (["run", "--engine", name], ["image", "--load", name]):
            done = line.run(*words)
            last = done.stderr.splitlines()[-2:]

            assert done.returncode == 4
            assert last[0] == f"error: {name}: {tmp_path}/none: No such file or directory"
            assert last[1].startswith("hint: start it")
            assert hint in last[1]
    assert line.runs == []
    assert line.unfinished == []


def test_an_engine_elsewhere_is_refused(tmp_path: Path) -> None:
    line = CommandLine(tmp_path).lock()
    line.environment["DOCKER_HOST"] = "tcp://user:s3cret@192.0.2.1:2375"
    done = line.run("run", "--engine", "docker")

    assert done.returncode == 2
    assert done.stderr.startswith("error: docker: tcp://…: not a socket of this machine\nhint: ")
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("route", ["POST load", "POST start"])
def test_an_engine_that_dies_in_the_middle_is_one_line(tmp_path: Path, short: Path, route: str) -> None:
    line = CommandLine(tmp_path).lock()
    with running_fake(short, Behaviour(dies=route)) as (_, path):
        line.environment["DOCKER_HOST"] = f"unix://{path}"
        done = line.run("run", "--engine", "docker")

    errors = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
    assert (done.returncode, errors) == (4, ["error: docker: it went away in the middle"])
    assert "Traceback" not in done.stderr
    assert line.runs == []
    assert line.unfinished == []


def test_an_engine_that_calls_the_image_otherwise_is_one_line(tmp_path: Path, short: Path) -> None:
    line = CommandLine(tmp_path).lock()
    behaviour = Behaviour(change={"GET images": lambda image: {**image, "Architecture": "arm64"}})
    with running_fake(short, behaviour) as (_, path):
        line.environment["DOCKER_HOST"] = f"unix://{path}"
        done = line.run("image", "--load", "docker")

    assert done.returncode == 4
    assert "it tells architecture arm64, not amd64" in done.stderr.splitlines()[-2]


def test_an_engine_of_no_such_name_is_told(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    assert line.run("run", "--engine", "kubernetes").returncode == 2
    (line.project / "reprobuild.toml").write_text((line.project / "reprobuild.toml").read_text() + 'engine = "moby"\n')
    done = line.run("run")

    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        3,
        'hint: for example engine = "sandbox", "docker" or "podman"',
    )


@engine
def test_the_docker_of_the_context_in_use_is_taken(tmp_path: Path) -> None:
    """As `docker context use` leaves it."""
    line = CommandLine(tmp_path).lock()
    line.environment = {name: value for name, value in line.environment.items() if not name.startswith("DOCKER_")}
    settings = tmp_path / ".docker"
    settings.mkdir()
    (settings / "config.json").write_text('{"currentContext": "mine"}')
    done = subprocess.run(
        ["docker", "context", "create", "mine", "--docker", f"host=unix://{tmp_path}/mine.sock"],
        env=line.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    assert f"docker: {tmp_path}/mine.sock: No such file" in line.run("run", "--engine", "docker").stderr
