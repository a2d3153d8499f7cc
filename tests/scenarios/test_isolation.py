"""What a run may not do, in the sandbox, in a real Docker and in a real Podman; and how it ends in each."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import make_image
from builders.dockerd import running_dockerd
from builders.engines import NAMES, running_engines
from builders.host import ENVIRONMENT, HostDocker, as_ordinary_user

from reprobuild.engines.answers import Daemon
from reprobuild.engines.docker import Docker
from reprobuild.engines.engine import Container, Engine, Execution, Limits
from reprobuild.engines.status import NoCommandError
from reprobuild.ground.errors import ToolError
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store

pytestmark = [pytest.mark.engine, pytest.mark.sandbox]
SMALL = Limits(memory=64 << 20, processes=40)


@dataclass(frozen=True)
class Place:
    """An image in an engine."""

    engine: Engine
    image: str

    def run(self, *argv: str, **container: Any) -> tuple[Execution, str]:
        """How a command ended, and what it said."""
        heard: list[bytes] = []
        asked = {"timeout": 60, **container}
        done = self.engine.execute(self.image, Container(argv, ENVIRONMENT, "/", **asked), heard.append)
        return done, b"".join(heard).decode()

    def shell(self, script: str, **container: Any) -> tuple[Execution, str]:
        """`run` of a script."""
        return self.run("sh", "-c", script, **container)

    @property
    def containers(self) -> Sequence[object]:
        """What is left of runs; a sandbox leaves nothing that could be listed."""
        if not isinstance(self.engine, Docker):
            return []
        with self.engine.daemon.client() as client:
            found: Sequence[object] = client.api.containers(all=True)
            return found


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    folder = tmp_path_factory.mktemp("isolation")
    store = Store(folder / "store")
    image = make_image(store, folder / "skeleton")
    with running_engines(folder / "engines") as engines:
        yield {name: Place(engine, engine.load(image, store, Silent())) for name, engine in engines.items()}


@pytest.fixture(params=NAMES)
def place(places: dict[str, Place], request: pytest.FixtureRequest) -> Iterator[Place]:
    yield places[request.param]
    assert places[request.param].containers == []


@pytest.fixture(params=NAMES[1:])
def daemon(places: dict[str, Place], request: pytest.FixtureRequest) -> Iterator[Place]:
    """Docker and Podman: what follows needs control groups."""
    yield places[request.param]
    assert places[request.param].containers == []


def running(mark: str) -> bool:
    return any(mark.encode() in _words(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _words(path: Path) -> bytes:
    try:
        return path.read_bytes().replace(b"\0", b" ")
    except OSError:
        return b""


def test_there_is_no_network_but_loopback_and_no_privilege_to_be_had(place: Place) -> None:
    _, heard = place.shell(
        "tail -n +3 /proc/net/dev | cut -d: -f1; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; "
        "mount -t tmpfs none /tmp 2>/dev/null && echo mounted; exit 0"
    )

    assert [word for word in heard.split() if word not in OWN_DEVICES] == [
        *("lo", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1")
    ]


OWN_DEVICES = {"tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"}
"""Tunnels that some kernels put into every network namespace; they are down."""


def test_only_writable_places_can_be_written(place: Place, tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("in", "out")}
    for path in places.values():
        path.mkdir()
        (path / "file").write_text("old")
    script = """
    for place in / /usr /usr/bin /etc /data /data/d /run /opt /work/..; do
        touch $place/x 2>/dev/null && echo $place
    done
    echo new 2>/dev/null > /data/d/file && echo changed
    for place in /tmp /dev/shm /work; do touch $place/x || echo no $place; done
    """

    _, heard = place.shell(script, read_only={"/data/d": places["in"]}, writable={"/work": places["out"]})

    assert [line for line in heard.splitlines() if not line.startswith("sh:")] == []
    assert (places["in"] / "file").read_text() == "old"
    assert (places["out"] / "x").exists()


def test_nothing_of_this_machine_is_to_be_found_inside(place: Place) -> None:
    _, heard = place.shell("cat /etc/hosts /etc/resolv.conf 2>/dev/null; hostname; env; ls /root /home 2>/dev/null")
    here = {
        *(os.uname().nodename, *Path("/etc/resolv.conf").read_text().split()),
        *(word for line in Path("/etc/hosts").read_text().splitlines() for word in line.partition("#")[0].split()[1:]),
    }

    assert "reprobuild" in heard.split()
    assert {"localhost", "ip6-localhost"} >= (here & set(heard.split())) - {"nameserver", "search", "."}
    assert not any(line.startswith("PYTEST_") for line in heard.splitlines())


def test_output_of_both_streams_and_the_status_come_back(place: Place) -> None:
    done, heard = place.shell("echo out; sleep 0.2; echo err >&2; exit 3")

    assert (done.reason, done.status, done.signal, done.out_of_memory) == ("finished", 3, None, False)
    assert heard == "out\nerr\n"


def test_megabytes_of_output_come_whole_and_in_order(place: Place) -> None:
    done, heard = place.shell("seq 1 300000")

    assert done.status == 0
    assert heard == "".join(f"{number}\n" for number in range(1, 300_001))


def test_output_is_heard_while_the_command_still_runs(place: Place, tmp_path: Path) -> None:
    heard: list[bytes] = []

    def listen(chunk: bytes) -> None:
        heard.append(chunk)
        (tmp_path / "heard").touch()

    script = "echo first; while [ ! -e /work/heard ]; do sleep 0.01; done; echo second"
    container = Container(["sh", "-c", script], ENVIRONMENT, "/", writable={"/work": tmp_path}, timeout=60)
    done = place.engine.execute(place.image, container, listen)

    assert done.status == 0
    assert b"".join(heard) == b"first\nsecond\n"


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_a_signal_is_told_by_its_name(place: Place, name: str) -> None:
    done, _ = place.shell(f"kill -{name.removeprefix('SIG')} $$")

    assert (done.reason, done.status, done.signal) == ("finished", None, name)


def test_a_program_that_the_image_lacks_is_named(place: Place) -> None:
    with pytest.raises(NoCommandError, match="nonesuch: the image cannot start it: No such file"):
        place.run("nonesuch")


def test_a_command_of_one_word_gets_no_words_of_the_image(place: Place) -> None:
    done, heard = place.run("env")

    assert done.status == 0
    assert "PATH=/opt/bin" in heard


def test_the_deadline_ends_grandchildren_too(place: Place) -> None:
    mark = f"66{os.getpid()}.5"

    done, heard = place.shell(f"setsid sleep {mark} & echo started; sleep {mark}", timeout=2)

    assert (done.reason, done.status, done.signal) == ("deadline", None, None)
    assert heard == "started\n"
    assert not running(f"sleep {mark}")


def test_the_deadline_holds_for_a_command_that_closed_its_output(place: Place) -> None:
    done, _ = place.shell("exec >&- 2>&-; sleep 600", timeout=1)

    assert done.reason == "deadline"


def test_what_a_command_leaves_running_ends_with_it(place: Place) -> None:
    mark = f"67{os.getpid()}.5"

    done, _ = place.shell(f"setsid sleep {mark} >/dev/null 2>&1 & exit 0")

    assert (done.reason, done.status) == ("finished", 0)
    assert not running(f"sleep {mark}")


def test_an_interrupt_ends_everything_inside(place: Place) -> None:
    mark = f"68{os.getpid()}.5"

    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    container = Container(["sh", "-c", f"echo started; sleep {mark}"], ENVIRONMENT, "/", timeout=60)
    done = place.engine.execute(place.image, container, interrupt)

    assert (done.reason, done.status, done.signal) == ("interrupted", None, None)
    assert not running(f"sleep {mark}")


FORK = """
import os, time
for number in range(200):
    try:
        if os.fork() == 0:
            time.sleep(60)
    except BlockingIOError:
        print(number)
        break
"""


def test_no_more_processes_are_started_than_allowed(daemon: Place) -> None:
    done, heard = daemon.run("python3", "-c", FORK, limits=SMALL)

    assert (done.reason, done.status) == ("finished", 0)
    assert 0 < int(heard) < SMALL.processes


def test_a_command_that_takes_too_much_memory_is_killed_and_told(daemon: Place) -> None:
    done, heard = daemon.run("python3", "-c", "print(len(bytearray(1 << 30)))", limits=SMALL)

    assert (done.reason, done.status, done.signal, heard) == ("finished", None, "SIGKILL", "")
    if daemon.engine.describe().name == "docker":  # Podman 4.3 does not always hear of it
        assert done.out_of_memory


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_what_lies_in_memory_is_bounded(daemon: Place, folder: str) -> None:
    done, heard = daemon.shell(f"df --output=size --block-size=1 {folder} | tail -1", limits=SMALL)

    assert (done.status, heard.split()) == (0, ["33554432"])


def test_gpus_that_are_not_there_are_one_line(daemon: Place) -> None:
    with pytest.raises(ToolError) as caught:
        daemon.run("true", gpu=True)

    assert "\n" not in str(caught.value)
    assert "gpu" in f"{caught.value} {caught.value.hint}".lower()


def test_files_belong_to_the_caller(tmp_path: Path) -> None:
    """A caller who is not root and may use the daemon: what a run writes is the caller's."""
    store = Store(tmp_path / "store")
    image = make_image(store, tmp_path / "skeleton")
    with running_dockerd(tmp_path / "docker") as docker:
        docker.socket.parent.chmod(0o755)
        docker.socket.chmod(0o666)
        place = Docker(Daemon("docker", docker.socket)).load(image, store, Silent())

        def run(folder: Path) -> str:
            heard: list[bytes] = []
            container = Container(
                ["sh", "-c", "id -u; echo x > /work/file"], ENVIRONMENT, "/", writable={"/work": folder}, timeout=60
            )
            engine = HostDocker(Daemon("docker", docker.socket))
            done = engine.execute(place, container, heard.append)
            own = (folder / "file").stat().st_uid == os.getuid()
            return f"{b''.join(heard).decode()}{done.status} {own} {os.getuid() != 0}"

        assert as_ordinary_user(run) == "65534\n0 True True"


def test_a_daemon_that_hangs_while_a_training_runs_is_one_line(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = make_image(store, tmp_path / "skeleton")
    with running_dockerd(tmp_path / "docker") as docker:
        engine = HostDocker(Daemon("docker", docker.socket, patience=1.5))
        place = engine.load(image, store, Silent())
        pid = int((tmp_path / "docker" / "dockerd.pid").read_text())
        container = Container(["sh", "-c", "echo started; sleep 600"], ENVIRONMENT, "/", timeout=60)
        with pytest.raises(ToolError) as caught:
            engine.execute(place, container, lambda _: os.kill(pid, signal.SIGSTOP))
        os.kill(pid, signal.SIGCONT)
        left = docker.run("ps", "--all", "--format", "{{.Names}}").split()
        docker.run("rm", "--force", *left)

    assert str(caught.value) == "docker: no answer in time"
    assert caught.value.hint.endswith(f"its container may be left: docker rm --force {left[0]}")
