"""A bundle asked for a machine: from its front alone, with nothing run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.bundles import ScriptedEngine, make_test_bundle, open_test_world
from builders.debian_archive import make_deb
from builders.fingerprints import NAMES, machine
from builders.gpu_code import abi_note, fatbin, make_elf
from builders.images import deb_artifact, image_lock, wheel_artifact
from builders.wheels import make_wheel

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.hardware.findings import Effect
from reprobuild.hardware.needs import Kernels, Needs
from reprobuild.record.document import Record
from reprobuild.steps.image.image import build_image
from reprobuild.steps.inspect import inspect_bundle
from reprobuild.steps.replay.preflight import (
    preflight_bundle,
    read_fingerprint,
    refuse_obstacles,
    render_preflight,
    require_flags,
)
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store

NEEDS = Needs(linux="3.2.0", kernels={"torch 2.5.1": Kernels(cubin=(80, 90))})


def recorded_on(name: str, *, gpu: bool = True, **changes: object) -> Callable[[Record], Record]:
    def change(record: Record) -> Record:
        run = {"libc": "glibc 2.36", "python": "3.11.2", "packages": {"torch": "2.5.1"}}
        fingerprint = machine(name).model_copy(update=run)
        asked = record.asked.model_copy(update={"gpu": gpu})
        return record.model_copy(update={"fingerprint": fingerprint, "needs": NEEDS, "asked": asked, **changes})

    return change


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on an A100, with kernels for it and for Hopper."""
    folder = tmp_path_factory.mktemp("bundle")
    return make_test_bundle(folder, ScriptedEngine(lambda *_: 0), change=recorded_on("a100"))


@pytest.mark.parametrize(
    ("name", "status", "first"),
    [
        ("a100", 0, ""),
        ("h100", 10, "gpu-count"),
        ("rtx4090", 10, "gpu-architecture"),
        ("t4", 4, "no-kernels"),
        ("cpu", 4, "no-gpu"),
    ],
)
def test_the_exit_status_is_that_of_the_worst_finding(bundle: Path, name: str, status: int, first: str) -> None:
    report = preflight_bundle(bundle, machine(name), None)

    assert report.exit_status == status
    assert [finding.rule for finding in report.findings[:1]] == ([first] if first else [])


def test_a_record_carries_what_its_image_needs(tmp_path: Path) -> None:
    made = make_test_bundle(tmp_path, ScriptedEngine(lambda *_: 0), needs=NEEDS)

    assert inspect_bundle(made).record.needs == NEEDS


def test_an_images_needs_are_those_of_its_artifacts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    library = make_elf({".nv_fatbin": fatbin(("sm", 80), ("compute", 90))})
    libc = make_elf({".note.ABI-tag": abi_note(0, (3, 2, 0))})
    lock = image_lock(
        [
            deb_artifact(
                store, make_deb("libc6", files={"usr/lib/x86_64-linux-gnu/libc.so.6": libc}, compression="none")
            ),
            deb_artifact(
                store, make_deb("compat", files={"usr/local/cuda/compat/libcuda.so.1": "x"}, compression="none")
            ),
            wheel_artifact(store, "gpu-pkg", make_wheel("gpu-pkg", "1.0", {"gpu_pkg/_c.so": library})),
            wheel_artifact(store, "plain", make_wheel("plain", "1.0")),
        ]
    )
    built = build_image(lock, store, Silent())

    assert built.needs == Needs(
        kernels={"gpu-pkg 1.0": Kernels(cubin=(80,), ptx=(90,))}, linux="3.2.0", forward_compatible=True
    )
    assert build_image(lock, store, Silent()) == built


def test_software_of_the_image_is_not_held_against_a_machine(bundle: Path) -> None:
    report = preflight_bundle(bundle, machine("a100"), None)

    assert report.findings == ()
    assert render_preflight(report).endswith("nothing stands in the way")


def test_people_are_told_what_was_wanted_found_and_why(bundle: Path) -> None:
    lines = render_preflight(preflight_bundle(bundle, machine("t4"), None)).splitlines()

    assert lines[1:3] == [
        "recorded on  AMD EPYC 7742 64-Core Processor, 256 cores, NVIDIA A100-SXM4-40GB",
        "asked for    Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz, 4 cores, Tesla T4",
    ]
    assert lines[4].startswith(
        "cannot run: GPU kernels of torch 2.5.1: wanted sm_80 sm_90, found compute capability 7.5 (a kernel runs on"
    )
    assert lines[-1] == "it cannot run there"


def test_what_cannot_run_is_refused_in_one_line(bundle: Path) -> None:
    with pytest.raises(ToolError) as caught:
        refuse_obstacles(preflight_bundle(bundle, machine("cpu"), None), "bundle.tar", "a hint")

    assert str(caught.value) == "bundle.tar: this machine cannot run it: GPU: wanted a GPU, found –"
    refuse_obstacles(preflight_bundle(bundle, machine("h100"), None), "bundle.tar", "")


@pytest.mark.parametrize("gpu", [True, False])
def test_a_gpu_may_be_asked_for_that_the_record_does_not_have(tmp_path: Path, gpu: bool) -> None:
    change = recorded_on("cpu", gpu=False)
    made = make_test_bundle(tmp_path, ScriptedEngine(lambda *_: 0), change=change)
    report = preflight_bundle(made, machine("cpu"), None, gpu=gpu)

    assert [finding.rule for finding in report.obstacles] == (["no-gpu"] if gpu else [])


def test_a_store_that_has_the_image_needs_no_room_for_it(tmp_path: Path) -> None:
    change = recorded_on("cpu", gpu=False)
    made = make_test_bundle(tmp_path, ScriptedEngine(lambda *_: 0), change=change)
    full = machine("cpu").model_copy(update={"disk_free_bytes": 10})
    store = open_test_world(tmp_path / "store", ScriptedEngine(lambda *_: 0)).store

    assert [item.rule for item in preflight_bundle(made, full, None).findings] == ["disk-too-small"]
    assert preflight_bundle(made, full, store).findings == ()


def test_a_replay_says_it_before_it_starts_and_refuses_what_cannot_run(tmp_path: Path) -> None:
    huge = {"peak_memory_bytes": 10**17}
    change = recorded_on("a100", gpu=False, **huge)
    made = make_test_bundle(tmp_path, ScriptedEngine(lambda *_: 0), change=change)
    engine = ScriptedEngine(lambda *_: 0)
    world = open_test_world(tmp_path / "other", engine)
    told: list[str] = []

    class Telling(Silent):
        def note(self, line: str) -> None:
            told.append(line)

    with pytest.raises(ToolError, match=r"cannot run it: memory: wanted 100000000\.0 GB") as caught:
        replay_bundle(made, world, Options(), on_output=lambda _: None, progress=Telling())

    assert "--anyway" in caught.value.hint
    assert told[0].startswith("cannot run: memory: wanted 100000000.0 GB, found ")
    assert engine.seen == []
    assert list((tmp_path / "other" / "tmp").iterdir()) == []

    report = replay_bundle(made, world, Options(anyway=True), on_output=lambda _: None, progress=Telling())
    assert len(engine.seen) == 1
    assert Effect.CANNOT not in {finding.effect for finding in report.findings}


@pytest.mark.parametrize("name", NAMES)
def test_a_fingerprint_from_a_file_is_the_one_that_was_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "machine.json"
    path.write_bytes(machine(name).to_bytes())

    assert read_fingerprint(path) == machine(name)


FACTS = json.loads(machine("a100").to_bytes())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not strict JSON"),
        ("[]", "Input should be an object"),
        ("{}", "cpu: Field required"),
        (json.dumps({**FACTS, "host": "x"}), "host: Extra inputs are not permitted"),
        (json.dumps({**FACTS, "memory_bytes": -1}), "memory_bytes: Input should be greater"),
        (json.dumps({**FACTS, "kernel": "6\0"}), "kernel: String should match pattern"),
        (json.dumps({**FACTS, "kernel": "6" * 2000}), "kernel: String should have at most 1000"),
        (json.dumps({**FACTS, "format": "reprobuild.fingerprint/2"}), "format: Input should be"),
        ('{"cpu": ' * 50, "JSON nested deeper"),
        (" " * (5 << 20), "larger than"),
    ],
)
def test_a_file_that_is_no_fingerprint_is_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "machine.json"
    path.write_text(text)

    with pytest.raises(InputError) as caught:
        read_fingerprint(path)

    assert str(caught.value).startswith("machine.json: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "reprobuild fingerprint" in caught.value.hint


@pytest.mark.parametrize("place", ["nowhere.json", "."])
def test_a_place_without_a_file_is_one_line(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError):
        read_fingerprint(tmp_path / place)


def test_a_profile_is_refused_where_its_kernels_cannot_run() -> None:
    require_flags("native", ("sse4_2",))
    require_flags("portable", ("avx2", "fma", "sse4_2"))
    with pytest.raises(ToolError, match="numerics portable: this CPU has no avx2, fma"):
        require_flags("portable", ("sse4_2",))
