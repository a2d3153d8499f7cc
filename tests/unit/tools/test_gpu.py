"""Devices and a driver's libraries, by a device description and by what the driver installed; no GPU is needed."""

import io
import re
from pathlib import Path

import pytest
import yaml
from builders.compiled import build_library
from builders.gpu_code import make_elf
from builders.gpus import DRIVER, FOLDER, NODES, library_mounts, make_gpu_host, make_spec, write_spec

from reprobuild.ground.errors import ToolError
from reprobuild.image.elf import read_needed_glibc
from reprobuild.tools.gpu import find_gpu
from reprobuild.tools.process import run_process

pytestmark = pytest.mark.compiler


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine with a driver, without a device description."""
    return make_gpu_host(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def host(tmp_path: Path, machine: Path) -> Path:
    """The same machine, to be described otherwise."""
    for name in ("dev", "usr"):
        (tmp_path / name).symlink_to(machine / name)
    return tmp_path


def test_without_a_description_what_the_driver_installed_is_found(machine: Path) -> None:
    parts = find_gpu(machine, run_process)

    assert set(parts.devices) == {f"/dev/{name}" for name in NODES}
    assert set(parts.libraries) == {"libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.1"}
    assert parts.libraries["libcuda.so.1"] == machine / FOLDER / "libcuda.so.1"
    assert parts.environment == {}


@pytest.mark.parametrize("place", ["etc/cdi/nvidia.json", "etc/cdi/nvidia.yaml", "var/run/cdi/nvidia.yml"])
def test_a_description_is_followed(host: Path, place: str) -> None:
    spec = make_spec()
    write_spec(host, yaml.safe_dump(spec) if place.endswith("ml") else spec, place)
    parts = find_gpu(host, run_process)

    assert set(parts.devices) == {f"/dev/{name}" for name in NODES}
    assert set(parts.libraries) == {
        *("libcuda.so", "libcuda.so.1", f"libcuda.so.{DRIVER}"),
        *("libnvidia-ml.so.1", f"libnvidia-ml.so.{DRIVER}"),
    }
    assert parts.environment == {"NVIDIA_VISIBLE_DEVICES": "void"}


def test_the_description_of_the_running_system_wins(host: Path) -> None:
    write_spec(host, make_spec(), "etc/cdi/nvidia.json")
    write_spec(host, make_spec(kind="vendor.com/other"), "run/cdi/a.json")
    edits = {**make_spec()["containerEdits"], "mounts": library_mounts("libcuda")}
    write_spec(host, make_spec(containerEdits=edits), "run/cdi/b.json")

    assert "libnvidia-ml.so.1" not in find_gpu(host, run_process).libraries


def test_each_gpu_is_passed_where_none_is_named_all(host: Path) -> None:
    (host / "dev").unlink()
    make_gpu_host(host / "two", nodes=(*NODES, "nvidia1"))
    (host / "dev").symlink_to(host / "two" / "dev")
    gpus = [{"name": n, "containerEdits": {"deviceNodes": [{"path": f"/dev/nvidia{n}"}]}} for n in (0, 1)]
    write_spec(host, make_spec(devices=gpus))

    assert {"/dev/nvidia0", "/dev/nvidia1"} <= set(find_gpu(host, run_process).devices)


def test_a_place_outside_dev_or_with_steps_upward_is_not_passed(host: Path) -> None:
    gpu = {"deviceNodes": [{"path": "/dev/nvidia0"}, {"path": "/dev/../etc/shadow"}]}
    write_spec(host, make_spec(devices=[{"name": "all", "containerEdits": gpu}]))

    assert set(find_gpu(host, run_process).devices) == {f"/dev/{name}" for name in NODES}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: nvidia.com/gpu\ndevices: [", "while parsing a flow node"),
        ('{"kind": "nvidia.com/gpu"}', "devices: Field required"),
        ('{"kind": "nvidia.com/gpu", "devices": [{"containerEdits": {}}]}', "devices.0.name: Field required"),
        (
            '{"kind": "nvidia.com/gpu", "devices": [], "containerEdits": {"deviceNodes": [{"path": "/etc"}]}}',
            "containerEdits.deviceNodes.0.path: String should match pattern",
        ),
        ("kind: nvidia.com/gpu\ndevices: " + "[" * 5000, ""),
        ("x: " + "y" * (9 << 20), "more than 8388608 bytes"),
        ("\0", ""),
    ],
)
def test_a_broken_description_is_one_line_with_its_file(host: Path, text: str, problem: str) -> None:
    path = write_spec(host, text, "etc/cdi/nvidia.yaml")

    with pytest.raises(ToolError) as caught:
        find_gpu(host, run_process)

    assert str(caught.value).startswith(f"{path}: no device description: {problem}")
    assert "\n" not in str(caught.value)
    assert "nvidia-ctk cdi generate" in caught.value.hint


def test_no_gpu_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no NVIDIA GPU to pass: /dev/nvidia0 is not there") as caught:
        find_gpu(tmp_path, run_process)

    assert "--gpu" in caught.value.hint


def test_a_description_of_gpus_that_are_gone_is_named(host: Path) -> None:
    (host / "dev").unlink()
    path = write_spec(host, make_spec())

    with pytest.raises(ToolError, match=f"{path} describes none that is there"):
        find_gpu(host, run_process)


def test_a_driver_whose_second_module_is_not_loaded_is_named(tmp_path: Path) -> None:
    make_gpu_host(tmp_path, nodes=("nvidia0", "nvidiactl"))

    with pytest.raises(ToolError, match="/dev/nvidia-uvm is not there") as caught:
        find_gpu(tmp_path, run_process)

    assert "nvidia-modprobe" in caught.value.hint


def test_a_driver_without_its_cuda_library_is_named(tmp_path: Path) -> None:
    make_gpu_host(tmp_path, cuda=False)

    with pytest.raises(ToolError, match=r"the linker's cache names no libcuda\.so\.1"):
        find_gpu(tmp_path, run_process)


def test_a_description_without_the_cuda_library_is_named(host: Path) -> None:
    edits = {**make_spec()["containerEdits"], "mounts": library_mounts("libnvidia-ml")}
    path = write_spec(host, make_spec(containerEdits=edits))

    with pytest.raises(ToolError, match=rf"{path} names no libcuda\.so\.1"):
        find_gpu(host, run_process)


def test_the_glibc_that_a_library_asks_for_is_read(tmp_path: Path) -> None:
    build_library(tmp_path, "libasks.so.1", '#include <stdio.h>\nint f(void) { return puts("x"); }\n')
    with (tmp_path / "libasks.so.1").open("rb") as stream:
        version = read_needed_glibc(stream)

    assert re.fullmatch(r"2\.\d+(\.\d+)?", version)
    assert read_needed_glibc(io.BytesIO(b"\x7fELF no")) == ""
    assert read_needed_glibc(io.BytesIO(make_elf({".text": b"x"}))) == ""
