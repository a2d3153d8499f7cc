"""Docker as our client sees it: a fake daemon tells what a real one would only tell on a bad day."""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import make_image
from builders.fake_docker import Behaviour, Change, running_fake

from reprobuild.engines.answers import Daemon
from reprobuild.engines.docker import Docker
from reprobuild.engines.engine import Container, Emulation, Execution, Limits
from reprobuild.engines.status import NoCommandError
from reprobuild.ground.errors import ReprobuildError, ToolError, UsageError
from reprobuild.image.model import Image
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store

CONTAINER = Container(["python", "train.py"], {"PATH": "/bin"}, "/work", timeout=30)


@pytest.fixture
def short() -> Iterator[Path]:
    """The path of a Unix socket has at most 107 bytes (unix(7)); a test's own folder may be deeper."""
    with tempfile.TemporaryDirectory(prefix="fake-") as name:
        yield Path(name)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Image, Store]:
    store = Store(tmp_path / "store")
    return make_image(store, tmp_path / "skeleton"), store


def engine(path: Path, patience: float = 20) -> Docker:
    return Docker(Daemon("docker", path, patience=patience, loading=patience))


def load(path: Path, stored: tuple[Image, Store], patience: float = 20) -> str:
    return engine(path, patience).load(*stored, Silent())


def execute(path: Path, container: Container = CONTAINER, patience: float = 20) -> tuple[Execution, bytes]:
    heard: list[bytes] = []
    done = engine(path, patience).execute("sha256:" + "0" * 64, container, heard.append)
    return done, b"".join(heard)


def assert_one_line(error: ReprobuildError) -> None:
    assert "\n" not in str(error)
    assert str(error).startswith("docker: ")
    assert error.status == 4


def test_the_digest_of_the_manifest_that_was_sent_is_an_id(short: Path, stored: tuple[Image, Store]) -> None:
    with running_fake(short) as (docker, path):
        places = [load(path, stored) for _ in range(3)]

    assert places == [next(iter(docker.images))] * 3
    assert places[0] != f"sha256:{stored[0].image_id}"
    assert docker.asked.count("POST load") == 1


def told(**changes: object) -> Change:
    return lambda image: {**image, **changes}


def configured(**changes: object) -> Change:
    return lambda image: {**image, "Config": {**image["Config"], **changes}}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (told(Id="sha256:" + "1" * 64), "it calls the image 111111111111"),
        (told(Id=None), "it calls the image None"),
        (told(RootFS={"Layers": ["sha256:" + "1" * 64]}), "its layers are not"),
        (told(RootFS=None), "its layers are not"),
        (told(Architecture="arm64"), "it tells architecture arm64, not amd64"),
        (told(Os="windows"), "it tells os windows, not linux"),
        (configured(Env=["PATH=/evil"]), "its Env is not"),
        (configured(Cmd=["/evil"]), "its Cmd is not"),
        (configured(WorkingDir="/evil"), "its WorkingDir is not"),
        (configured(Entrypoint=["/evil"]), "its Entrypoint is not"),
        (configured(Volumes={"/evil": {}}), "its Volumes is not"),
        (configured(User="evil"), "its User is not"),
        (lambda _: [1], "its answer makes no sense"),
        (lambda _: "nonsense", "its answer makes no sense"),
    ],
)
def test_an_image_that_is_not_ours_is_refused(
    short: Path, stored: tuple[Image, Store], change: Callable[[dict[str, Any]], Any], problem: str
) -> None:
    with running_fake(short, Behaviour(change={"GET images": change})) as (_, path), pytest.raises(ToolError) as caught:
        load(path, stored)

    assert_one_line(caught.value)
    assert problem in str(caught.value)


def test_an_image_that_is_called_otherwise_after_loading_is_refused(short: Path, stored: tuple[Image, Store]) -> None:
    other = "sha256:" + "1" * 64

    def rename(image: dict[str, Any]) -> dict[str, Any]:
        return {**image, "Id": other}

    with running_fake(short, Behaviour(change={"POST load": rename})) as (docker, path):
        docker.images[other] = {"Id": other}
        with pytest.raises(ToolError, match="it calls the image 111111111111: neither its ID") as caught:
            load(path, stored)

    assert_one_line(caught.value)


def test_a_layer_that_is_not_what_the_image_says_is_not_sent_whole(short: Path, stored: tuple[Image, Store]) -> None:
    image, store = stored
    wrong = image.layers[0].model_copy(update={"unpacked_size": image.layers[0].unpacked_size - 512})
    with running_fake(short) as (docker, path), pytest.raises(ReprobuildError, match="it does not unpack to"):
        load(path, (image.model_copy(update={"layers": (wrong,)}), store))

    assert docker.images == {}


@pytest.mark.parametrize("route", ["GET _ping", "GET json", "POST load"])
@pytest.mark.parametrize("trouble", ["dies", "hangs"])
def test_a_daemon_that_dies_or_hangs_while_it_loads_is_one_line(
    short: Path, stored: tuple[Image, Store], trouble: str, route: str
) -> None:
    behaviour = Behaviour()
    setattr(behaviour, trouble, route)
    with running_fake(short, behaviour) as (_, path), pytest.raises(ToolError) as caught:
        load(path, stored, patience=0.3)

    assert_one_line(caught.value)
    assert ("no answer in time" if trouble == "hangs" else "it went away") in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "route", ["GET info", "POST create", "POST attach", "POST start", "GET json", "DELETE container"]
)
@pytest.mark.parametrize("trouble", ["dies", "hangs"])
def test_a_daemon_that_dies_or_hangs_while_it_runs_is_one_line(short: Path, trouble: str, route: str) -> None:
    behaviour = Behaviour()
    setattr(behaviour, trouble, route)
    with running_fake(short, behaviour) as (_, path), pytest.raises(ToolError) as caught:
        execute(path, patience=0.3)

    assert_one_line(caught.value)
    assert ("no answer in time" if trouble == "hangs" else "it went away") in str(caught.value)
    if route != "GET info":
        assert "docker rm --force reprobuild-" in caught.value.hint


def test_a_daemon_that_hangs_while_a_training_is_silent_is_one_line(short: Path) -> None:
    heard: list[bytes] = []
    with running_fake(short, Behaviour(silent=True)) as (docker, path):

        def listen(chunk: bytes) -> None:
            heard.append(chunk)
            docker.hung = True

        with pytest.raises(ToolError, match="no answer in time") as caught:
            engine(path, 0.3).execute("sha256:0", CONTAINER, listen)

    assert heard == [b"hi\n"]
    assert_one_line(caught.value)


def test_a_silent_training_of_a_daemon_that_answers_is_waited_for_until_its_deadline(short: Path) -> None:
    with running_fake(short, Behaviour(silent=True)) as (docker, path):
        done, heard = execute(path, Container(["true"], {}, "/", timeout=1), patience=0.1)

    assert (done.reason, done.status, heard) == ("deadline", None, b"hi\n")
    assert docker.asked.count("GET _ping") > 5
    assert len(docker.removed) == 1


@pytest.mark.parametrize(
    ("output", "problem"),
    [(b"\7\0\0\0\0\0\0\1x", "a frame that begins with 07000000"), (b"\1\0\0\0\0\0\0\5x", "in the middle of a frame")],
)
def test_a_stream_that_is_none_is_refused(short: Path, output: bytes, problem: str) -> None:
    with running_fake(short, Behaviour(output=output)) as (docker, path), pytest.raises(ToolError) as caught:
        execute(path)

    assert_one_line(caught.value)
    assert problem in str(caught.value)
    assert len(docker.removed) == 1


@pytest.mark.parametrize(
    ("code", "status", "signal"), [(0, 0, None), (3, 3, None), (137, None, "SIGKILL"), (139, None, "SIGSEGV")]
)
def test_a_command_ends_with_a_status_or_a_signal(short: Path, code: int, status: int, signal: str) -> None:
    with running_fake(short, Behaviour(exit_code=code, out_of_memory=code == 137)) as (docker, path):
        done, heard = execute(path)

    assert (done.reason, done.status, done.signal, done.out_of_memory) == ("finished", status, signal, code == 137)
    assert heard == b"hi\n"
    assert [name.startswith("reprobuild-") for name in docker.removed] == [True]


@pytest.mark.parametrize(
    "words",
    ["[FATAL tini (7)] exec python failed: No such file", "ERROR (catatonit:2): failed to exec pid1: No such file"],
)
def test_a_program_that_the_image_lacks_is_named(short: Path, words: str) -> None:
    frame = b"\2\0\0\0\0\0\0" + bytes([len(words)]) + words.encode()
    for output in (frame, b"\1\0\0\0\0\0\0\3hi\n" + frame):
        with running_fake(short, Behaviour(output=output, exit_code=127)) as (_, path):
            if output != frame:  # a training that talks like an init
                assert execute(path)[0].status == 127
                continue
            with pytest.raises(NoCommandError, match="python: the image cannot start it: No such file"):
                execute(path)


def test_the_container_is_asked_for_what_a_sandbox_has(short: Path, tmp_path: Path) -> None:
    container = Container(
        ["python", "a b"],
        {"B": "2", "A": "1"},
        "/work",
        read_only={"/data/x": tmp_path / "x"},
        writable={"/work": tmp_path / "work"},
        timeout=30,
        gpu=True,
        limits=Limits(memory=1 << 20, processes=7),
    )
    with running_fake(short) as (docker, path):
        execute(path, container)
    (created,) = docker.created
    host = created["HostConfig"]

    assert (created["Entrypoint"], created["Cmd"], created["Env"]) == (["python"], ["a b"], ["B=2", "A=1"])
    assert (created["Hostname"], created["WorkingDir"]) == ("reprobuild", "/work")
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["ReadonlyRootfs"], host["Init"], host["LogConfig"]["Type"]) == (True, True, "none")
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"], host["ShmSize"]) == (1 << 20, 1 << 20, 7, 1 << 19)
    assert host["Tmpfs"]["/tmp"] == "exec,mode=1777,size=524288"
    assert [(mount["Target"], mount.get("ReadOnly", False)) for mount in host["Mounts"]] == [
        *(("/data/x", True), ("/etc/hosts", True), ("/etc/resolv.conf", True), ("/work", False))
    ]
    assert host["DeviceRequests"][0]["Capabilities"] == [["gpu"]]
    assert host["DeviceRequests"][0]["Count"] == -1


def test_a_proxy_of_the_users_docker_settings_does_not_reach_a_run(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"proxies": {"default": {"httpProxy": "http://user:s3cret@proxy.example"}}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with running_fake(short) as (docker, path):
        execute(path)

    assert "s3cret" not in json.dumps(docker.created)


def test_where_the_daemon_is_an_ordinary_user_its_root_is_the_caller(short: Path) -> None:
    def rootless(machine: dict[str, Any]) -> dict[str, Any]:
        return {**machine, "SecurityOptions": ["name=seccomp,profile=default", "name=rootless", "name=selinux"]}

    with running_fake(short, Behaviour(change={"GET info": rootless})) as (docker, path):
        execute(path)

    assert docker.created[0]["User"] == "0:0"
    assert docker.created[0]["HostConfig"]["SecurityOpt"] == ["no-new-privileges", "label=disable"]


def test_an_engine_that_leaves_out_the_gpus_does_not_run(short: Path) -> None:
    def drop(container: dict[str, Any]) -> dict[str, Any]:
        return {**container, "HostConfig": {**container["HostConfig"], "DeviceRequests": None}}

    behaviour = Behaviour(change={"GET containers": drop})
    with running_fake(short, behaviour) as (docker, path), pytest.raises(ToolError, match="no request for GPUs"):
        execute(path, Container(["true"], {}, "/", gpu=True))

    assert "POST start" not in docker.asked
    assert len(docker.removed) == 1


def test_a_container_of_another_image_is_not_started(short: Path) -> None:
    behaviour = Behaviour(change={"GET containers": told(Image="sha256:" + "1" * 64)})
    with running_fake(short, behaviour) as (docker, path), pytest.raises(ToolError, match="of image 111111111111"):
        execute(path)

    assert "POST start" not in docker.asked


def test_what_a_daemon_complains_of_is_one_short_line(short: Path) -> None:
    behaviour = Behaviour(says={"POST start": (500, "first\nsecond \x1b[31m" + "x" * 500)})
    with running_fake(short, behaviour) as (_, path), pytest.raises(ToolError) as caught:
        execute(path)

    assert_one_line(caught.value)
    assert str(caught.value).startswith("docker: first second \\x1b[31mxxx")
    assert len(str(caught.value)) < 200


def test_a_listener_that_fails_or_is_interrupted_leaves_no_container(short: Path) -> None:
    def fail(_: bytes) -> None:
        raise BrokenPipeError

    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    with running_fake(short) as (docker, path):
        with pytest.raises(BrokenPipeError):
            engine(path).execute("sha256:0", CONTAINER, fail)
        assert engine(path).execute("sha256:0", CONTAINER, interrupt).reason == "interrupted"

    assert len(docker.removed) == 2


def test_nobody_at_the_socket_is_one_line_with_a_hint(short: Path) -> None:
    with pytest.raises(ToolError, match=r"docker: .*/none: No such file or directory") as caught:
        engine(short / "none").describe()
    assert "DOCKER_HOST" in caught.value.hint
    with pytest.raises(ToolError, match="AF_UNIX path too long"):
        engine(short / ("x" * 200)).describe()


def test_what_answers_without_speaking_docker_is_refused(short: Path) -> None:
    behaviour = Behaviour(says={"GET _ping": (404, "page not found")})
    with running_fake(short, behaviour) as (_, path), pytest.raises(ToolError, match="it speaks no Docker"):
        engine(path).describe()


def test_a_daemon_is_never_asked_for_another_cpu(tmp_path: Path) -> None:
    emulation = Emulation("Haswell", Path("/usr/bin/qemu-x86_64-static"), "/usr/bin/python3")
    with pytest.raises(UsageError, match="--emulate: docker cannot emulate a CPU"):
        engine(tmp_path / "nobody.sock").execute("image", replace(CONTAINER, emulation=emulation), lambda _: None)
