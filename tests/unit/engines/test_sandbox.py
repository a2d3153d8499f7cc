import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from builders.host import ENVIRONMENT, HostSandbox, as_ordinary_user, make_root, running

from reprobuild.engines.engine import Container, Emulation, Execution
from reprobuild.engines.sandbox import Sandbox, sandbox_options
from reprobuild.engines.status import NoCommandError, Status, ending, parse_status
from reprobuild.ground.errors import ToolError

sandbox = pytest.mark.sandbox


def execute(
    folder: Path,
    *argv: str,
    timeout: float = 60,
    read_only: Mapping[str, Path] = {},
    writable: Mapping[str, Path] = {},
) -> tuple[Execution, str]:
    heard: list[bytes] = []
    environment = {**ENVIRONMENT, "SECRET": "hidden"}
    container = Container(argv, environment, "/", read_only=read_only, writable=writable, timeout=timeout)
    done = HostSandbox().execute(str(make_root(folder / "root")), container, heard.append)
    return done, b"".join(heard).decode()


def shell(folder: Path, script: str) -> tuple[Execution, str]:
    return execute(folder, "sh", "-c", script)


def fake(folder: Path, text: str) -> str:
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return str(program)


def test_without_bubblewrap_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    engine = Sandbox(str(tmp_path / "bwrap"))

    with pytest.raises(ToolError, match="the sandbox needs bubblewrap") as caught:
        engine.execute(str(tmp_path), Container(["true"], {}, "/"), lambda _: None)

    assert "apt-get install" in caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged",
        "bwrap: Creating new namespace failed: Operation not permitted",
        "bwrap: setting up uid map: Permission denied",
    ],
)
def test_where_namespaces_are_forbidden_the_error_says_what_allows_them(tmp_path: Path, line: str) -> None:
    engine = Sandbox(fake(tmp_path, f"echo '{line}' >&2; exit 1"))

    with pytest.raises(ToolError, match="forbids namespaces") as caught:
        engine.execute(str(tmp_path), Container(["true"], {}, "/"), lambda _: None)

    assert "sysctl" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_bubblewrap_that_cannot_do_what_is_asked_is_quoted(tmp_path: Path) -> None:
    engine = Sandbox(fake(tmp_path, "echo 'bwrap: Unknown option --args' >&2; exit 1"))

    with pytest.raises(ToolError, match="sandbox: bwrap: Unknown option --args"):
        engine.execute(str(tmp_path), Container(["true"], {}, "/"), lambda _: None)


def test_a_status_is_read_whatever_else_is_told_and_however_it_is_cut_off() -> None:
    assert parse_status(b'{"child-pid": 7, "net-namespace": 5}\n{"news": 1}\n{"exit-code": 0}\n') == Status(7, 0)
    assert parse_status(b'{"child-pid": 7}\n{"exit-') == Status(7, None)
    assert parse_status(b"") == Status(None, None)


def test_codes_above_128_are_signals_where_there_is_such_a_signal() -> None:
    assert ending(0) == (0, None)
    assert ending(139) == (None, "SIGSEGV")
    assert ending(255) == (255, None)
    assert ending(128) == (128, None)


@sandbox
def test_output_of_both_streams_and_the_status_come_back(tmp_path: Path) -> None:
    done, heard = shell(tmp_path, "echo out; echo err >&2; exit 3")

    assert (done.reason, done.status, done.signal) == ("finished", 3, None)
    assert heard == "out\nerr\n"


@sandbox
def test_output_is_heard_while_the_command_still_runs(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    heard: list[bytes] = []

    def listen(chunk: bytes) -> None:
        heard.append(chunk)
        (tmp_path / "gate" / "heard").touch()

    script = "echo first; while [ ! -e /work/heard ]; do sleep 0.01; done; echo second"
    container = Container(["sh", "-c", script], ENVIRONMENT, "/", writable={"/work": tmp_path / "gate"}, timeout=60)
    done = HostSandbox().execute(str(make_root(tmp_path / "root")), container, listen)

    assert done.status == 0
    assert b"".join(heard) == b"first\nsecond\n"


@sandbox
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM"])
def test_a_signal_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    done, _ = shell(tmp_path, f"kill -{name.removeprefix('SIG')} $$")

    assert (done.reason, done.status, done.signal) == ("finished", None, name)


@sandbox
def test_a_program_that_the_image_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoCommandError, match="nonesuch: the image cannot start it: No such file"):
        execute(tmp_path, "nonesuch")


@sandbox
def test_a_command_that_talks_like_bubblewrap_is_only_a_command_that_failed(tmp_path: Path) -> None:
    done, _ = shell(tmp_path, "echo 'bwrap: No permissions to create new namespace'; exit 1")

    assert done.status == 1


@sandbox
def test_nothing_of_the_hosts_environment_is_to_be_found_inside(tmp_path: Path) -> None:
    script = "env; cat /proc/*/environ /proc/*/cmdline; cat /etc/passwd /etc/hostname; ls /root /home; hostname; id -u"

    _, heard = shell(tmp_path, script)

    lines = heard.replace("\0", "\n").splitlines()
    assert f"PATH={os.environ['PATH']}" not in lines
    assert not any(line.startswith(("HOME=", "USER=", "PYTEST_")) for line in lines)
    assert "SECRET=hidden" in lines
    assert "root:x:0" not in heard
    assert lines[-2:] == ["reprobuild", "0"]


@sandbox
def test_processes_of_a_run_meet_under_its_name(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    heard: list[bytes] = []
    look = "import socket; print(socket.gethostbyname(socket.gethostname()))"

    HostSandbox().execute(str(root), Container(["python", "-c", look], ENVIRONMENT, "/", timeout=60), heard.append)

    assert b"".join(heard) == b"127.0.0.1\n"


@sandbox
def test_values_of_variables_are_on_no_command_line_of_the_host(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    container = Container(["echo", "x"], {**ENVIRONMENT, "TOKEN": "s3cret-value"}, "/", timeout=60)

    HostSandbox().execute(str(make_root(tmp_path / "root")), container, lambda _: seen.append(running("s3cret-value")))

    assert seen == [[]]


@sandbox
def test_there_is_no_network_but_loopback_and_no_new_privilege(tmp_path: Path) -> None:
    _, heard = shell(
        tmp_path, "tail -n +3 /proc/net/dev | cut -d: -f1; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status"
    )

    assert heard.split() == ["lo", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]


@sandbox
def test_only_writable_places_can_be_written(tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("in", "out")}
    for path in places.values():
        path.mkdir()
        (path / "file").write_text("old")
    script = """
    for place in / /usr /etc /data /data/d /run /opt; do touch $place/x 2>/dev/null && echo $place; done
    echo new > /data/d/file && echo changed
    for place in /tmp /dev/shm /work; do touch $place/x || echo no $place; done
    """

    _, heard = execute(
        tmp_path, "sh", "-c", script, read_only={"/data/d": places["in"]}, writable={"/work": places["out"]}
    )

    assert [line for line in heard.splitlines() if not line.startswith("sh:")] == []
    assert (places["in"] / "file").read_text() == "old"
    assert (places["out"] / "x").exists()


@sandbox
def test_the_deadline_ends_grandchildren_too(tmp_path: Path) -> None:
    mark = f"86{os.getpid()}.5"

    done, heard = execute(tmp_path, "sh", "-c", f"setsid sleep {mark} & echo started; sleep {mark}", timeout=1)

    assert (done.reason, done.status, done.signal) == ("deadline", None, None)
    assert heard == "started\n"
    assert running(f"sleep {mark}") == []


@sandbox
@pytest.mark.parametrize("script", ["yes", "exec >&- 2>&-; sleep 600"], ids=["a flood", "silence"])
def test_the_deadline_holds_whatever_a_command_says(tmp_path: Path, script: str) -> None:
    done, _ = execute(tmp_path, "sh", "-c", script, timeout=0.5)

    assert done.reason == "deadline"


@sandbox
def test_what_a_command_leaves_running_ends_with_it(tmp_path: Path) -> None:
    mark = f"87{os.getpid()}.5"

    done, _ = execute(tmp_path, "sh", "-c", f"setsid sleep {mark} >/dev/null 2>&1 & exit 0")

    assert (done.reason, done.status) == ("finished", 0)
    assert running(f"sleep {mark}") == []


@sandbox
def test_an_interrupt_ends_everything_inside(tmp_path: Path) -> None:
    mark = f"88{os.getpid()}.5"
    root = make_root(tmp_path / "root")
    container = Container(["sh", "-c", f"echo started; sleep {mark}"], ENVIRONMENT, "/", timeout=60)

    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    done = HostSandbox().execute(str(root), container, interrupt)

    assert (done.reason, done.status, done.signal) == ("interrupted", None, None)
    assert running(f"sleep {mark}") == []


@sandbox
def test_nothing_inside_outlives_a_listener_that_fails(tmp_path: Path) -> None:
    mark = f"89{os.getpid()}.5"
    container = Container(["sh", "-c", f"echo started; sleep {mark}"], ENVIRONMENT, "/", timeout=60)

    def fail(_: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        HostSandbox().execute(str(make_root(tmp_path / "root")), container, fail)

    assert running(f"sleep {mark}") == []


@sandbox
def test_nothing_inside_outlives_a_program_that_was_killed(tmp_path: Path) -> None:
    mark = f"90{os.getpid()}.5"
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from builders.host import ENVIRONMENT, HostSandbox, make_root
from reprobuild.engines.engine import Container
container = Container(["sh", "-c", "echo started; sleep {mark}"], ENVIRONMENT, "/")
root = str(make_root(Path({str(tmp_path / "root")!r})))
HostSandbox().execute(root, container, lambda chunk: print(chunk, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert b"started" in program.stdout.readline()
        program.kill()
    for _ in range(500):
        if not running(f"sleep {mark}"):
            break
        time.sleep(0.01)

    assert running(f"sleep {mark}") == []


@sandbox
def test_bubblewrap_itself_killed_is_a_signal(tmp_path: Path) -> None:
    mark = f"91{os.getpid()}.5"
    container = Container(["sh", "-c", f"echo started; sleep {mark}"], ENVIRONMENT, "/", timeout=60)
    mine = threading.Event()

    def kill(_: bytes) -> None:
        if not mine.is_set():
            mine.set()
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            os.kill(int(children[-1]), signal.SIGKILL)

    done = HostSandbox().execute(str(make_root(tmp_path / "root")), container, kill)

    assert (done.reason, done.signal) == ("finished", "SIGKILL")
    assert running(f"sleep {mark}") == []


@sandbox
def test_an_ordinary_user_under_a_strict_umask_gets_the_same() -> None:
    def run(folder: Path) -> str:
        heard: list[bytes] = []
        (folder / "work").mkdir()
        container = Container(
            ["sh", "-c", "id -u; echo x > /work/file; cat /work/file"],
            ENVIRONMENT,
            "/",
            read_only={"/usr": Path("/usr")},
            writable={"/work": folder / "work"},
            timeout=60,
        )
        done = Sandbox().execute(str(make_root(folder / "root")), container, heard.append)
        mode = (folder / "work" / "file").stat().st_mode & 0o777
        return f"{b''.join(heard).decode()}{done.status} {os.geteuid() != 0} {mode:o}"

    assert as_ordinary_user(run) == "0\nx\n0 True 600"


def test_threads_that_wait_sleep_under_emulation_and_only_there() -> None:
    plain = Container(["python"], {"A": "1"}, "/")
    emulation = Emulation(cpu="Haswell", qemu=Path("/usr/bin/env"), interpreter="/usr/bin/env", version="7.2")
    options = list(sandbox_options("/", replace(plain, emulation=emulation), wrapper=9))

    assert options[options.index("OMP_WAIT_POLICY") + 1] == "passive"
    assert "OMP_WAIT_POLICY" not in list(sandbox_options("/", plain))
