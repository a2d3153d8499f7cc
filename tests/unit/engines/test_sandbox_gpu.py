"""A GPU in the real sandbox: nodes and a driver of a machine that is a folder."""

from pathlib import Path

import pytest
from builders.gpus import DRIVER, make_gpu_host, make_spec, write_spec
from builders.host import ENVIRONMENT, HostSandbox, as_ordinary_user, make_root

from reprobuild.engines.engine import Container, Execution
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.errors import ToolError
from reprobuild.steps.replay.preflight import require_gpu

pytestmark = [pytest.mark.sandbox, pytest.mark.compiler]

ASK = """
import ctypes, os
version = ctypes.c_int()
assert ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version)) == 0
print("driver", version.value, os.environ["LD_LIBRARY_PATH"])
"""


def execute(folder: Path, *argv: str, gpu: bool = True, **variables: str) -> tuple[Execution, str]:
    heard: list[bytes] = []
    container = Container(argv, {**ENVIRONMENT, **variables}, "/", timeout=60, gpu=gpu)
    sandbox = HostSandbox(host=folder / "host")
    done = sandbox.execute(str(make_root(folder / "root")), container, heard.append)
    return done, b"".join(heard).decode()


def test_the_linker_finds_the_drivers_library_and_its_folder_is_the_last(tmp_path: Path) -> None:
    make_gpu_host(tmp_path / "host")

    assert execute(tmp_path, "python", "-c", ASK)[1] == "driver 12080 /run/reprobuild/driver\n"


def test_variables_and_links_of_a_description_are_there(tmp_path: Path) -> None:
    write_spec(make_gpu_host(tmp_path / "host"), make_spec())
    script = "echo $NVIDIA_VISIBLE_DEVICES $LD_PRELOAD $LD_LIBRARY_PATH; ls /run/reprobuild/driver; cat /dev/nvidia0"
    _, heard = execute(tmp_path, "sh", "-c", script, LD_LIBRARY_PATH="/opt/own")

    assert heard.splitlines() == [
        "void /opt/own:/run/reprobuild/driver",
        *("libcuda.so", "libcuda.so.1", f"libcuda.so.{DRIVER}", "libnvidia-ml.so.1", f"libnvidia-ml.so.{DRIVER}"),
        "the device nvidia0",
    ]


def test_the_drivers_files_cannot_be_written(tmp_path: Path) -> None:
    host = make_gpu_host(tmp_path / "host")
    before = (host / "usr/lib/x86_64-linux-gnu/libcuda.so.1").read_bytes()
    places = "/run/reprobuild/driver/libcuda.so.1 /run/reprobuild/driver/new /sys/new"
    script = f"for place in {places}; do (echo x > $place) 2>/dev/null && echo wrote $place; done; true"

    assert execute(tmp_path, "sh", "-c", script)[1] == ""
    assert (host / "usr/lib/x86_64-linux-gnu/libcuda.so.1").read_bytes() == before


def test_nothing_of_the_gpu_is_there_unless_it_was_asked_for(tmp_path: Path) -> None:
    write_spec(make_gpu_host(tmp_path / "host"), make_spec())
    script = "ls /dev /run; env; ls /sys | wc -l"
    _, heard = execute(tmp_path, "sh", "-c", script, gpu=False)

    assert "nvidia" not in heard.lower()
    assert "LD_LIBRARY_PATH" not in heard
    assert heard.splitlines()[-1] == "0"


def test_a_gpu_that_is_not_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()

    with pytest.raises(ToolError, match="GPU: this machine has no NVIDIA GPU to pass"):
        execute(tmp_path, "sh", "-c", "true")
    with pytest.raises(ToolError, match="GPU: this machine has no NVIDIA GPU to pass"):
        require_gpu(Sandbox(host=tmp_path / "host"))


def test_an_ordinary_user_gets_the_same() -> None:
    def run(folder: Path) -> str:
        heard: list[bytes] = []
        write_spec(make_gpu_host(folder / "host"), make_spec())
        script = "ls /run/reprobuild/driver | wc -l; cat /dev/nvidia0"
        container = Container(
            ["sh", "-c", script], ENVIRONMENT, "/", read_only={"/usr": Path("/usr")}, timeout=60, gpu=True
        )
        done = Sandbox(host=folder / "host").execute(str(make_root(folder / "root")), container, heard.append)
        return f"{b''.join(heard).decode()}{done.status}"

    assert as_ordinary_user(run) == "5\nthe device nvidia0\n0"
