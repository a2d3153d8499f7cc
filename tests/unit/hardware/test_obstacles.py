"""What keeps a run from running on a machine."""

from dataclasses import replace

import pytest
from builders.fingerprints import machine

from reprobuild.hardware.findings import Effect, Finding
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.needs import Kernels, Needs
from reprobuild.hardware.obstacles import Demand, find_obstacles, numbers

TORCH = Kernels(cubin=(50, 60, 70, 75, 80, 86, 90), ptx=(90,))
DEMAND = Demand(
    architecture="amd64",
    needs=Needs(linux="3.2.0", kernels={"torch 2.5.1": TORCH}),
    gpu=True,
    cuda="12.4",
    least_driver="525.60.13",
    toolkit_driver="550.54.14",
    libc="glibc 2.36",
    memory=8_000_000_000,
    disk=20_000_000_000,
)


def obstacles(seen: Fingerprint, **changes: object) -> list[Finding]:
    return list(find_obstacles(replace(DEMAND, **changes), seen))  # type: ignore[arg-type]


def rules(seen: Fingerprint, **changes: object) -> list[str]:
    return [finding.rule for finding in obstacles(seen, **changes)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a100", ["driver-minor"]),
        ("h100", []),
        ("h200", []),
        ("rtx4090", []),
        ("t4", ["driver-too-old"]),
        ("cpu", ["no-gpu"]),
    ],
)
def test_a_run_of_cuda_12_on_six_machines(name: str, expected: list[str]) -> None:
    assert rules(machine(name)) == expected


def test_without_a_gpu_in_the_run_no_machine_lacks_one() -> None:
    assert all(rules(machine(name), gpu=False) == [] for name in ("a100", "t4", "cpu"))


@pytest.mark.parametrize(
    ("name", "cuda", "least", "toolkit", "expected"),
    [
        ("t4", "11.8", "450.80.02", "520.61.05", ["driver-minor"]),
        ("t4", "11.4", "450.80.02", "470.42.01", []),
        ("h100", "13.0", "580", "580.65.06", ["driver-too-old"]),
        ("rtx4090", "13.0", "580", "580.65.06", []),
        ("rtx4090", "13.1", "580", "590.44.01", ["driver-minor"]),
        ("rtx4090", "99.0", "", "", []),
        ("t4", "", "", "", []),
    ],
)
def test_minor_version_compatibility(name: str, cuda: str, least: str, toolkit: str, expected: list[str]) -> None:
    assert rules(machine(name), cuda=cuda, least_driver=least, toolkit_driver=toolkit) == expected


@pytest.mark.parametrize(("name", "expected"), [("t4", ["driver-forward"]), ("rtx4090", ["driver-too-old"])])
def test_forward_compatibility_is_for_data_centers(name: str, expected: list[str]) -> None:
    needs = Needs(forward_compatible=True)
    assert rules(machine(name), needs=needs, cuda="14.0", least_driver="700", toolkit_driver="") == expected


@pytest.mark.parametrize(
    ("kernels", "runs"),
    [
        (Kernels(cubin=(80,)), {"8.0", "8.6", "8.9"}),
        (Kernels(cubin=(86,)), {"8.6", "8.9"}),
        (Kernels(cubin=(75, 90)), {"7.5", "9.0"}),
        (Kernels(ptx=(80,)), {"8.0", "8.6", "8.9", "9.0", "10.0", "12.0"}),
        (Kernels(cubin=(100,), ptx=(120,)), {"10.0", "12.0"}),
        (TORCH, {"7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0"}),
        (Kernels(), set()),
    ],
)
def test_kernels_run_on_what_they_are_compiled_for(kernels: Kernels, runs: set[str]) -> None:
    everything = ("7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0")

    assert {capability for capability in everything if kernels.run_on(capability)} == runs
    assert kernels.run_on("")  # not known


def test_a_package_without_kernels_for_the_gpu_cannot_run_and_says_what_it_has() -> None:
    needs = Needs(kernels={"flash-attn 2.7": Kernels(cubin=(80, 90)), "torch 2.5.1": TORCH})
    (finding,) = obstacles(machine("t4"), needs=needs, least_driver="", toolkit_driver="")

    assert (finding.subject, finding.effect) == ("GPU kernels of flash-attn 2.7", Effect.CANNOT)
    assert (finding.recorded, finding.seen) == ("sm_80 sm_90", "compute capability 7.5")


def test_ptx_needs_a_driver_as_new_as_the_images_cuda() -> None:
    needs = Needs(kernels={"torch 2.5.1": Kernels(cubin=(75,), ptx=(80,))})

    assert rules(machine("a100"), needs=needs) == ["driver-minor", "ptx-too-new"]
    assert rules(machine("a100"), needs=needs, toolkit_driver="535.54.03") == []
    assert rules(machine("a100"), needs=Needs(kernels={"torch 2.5.1": Kernels(cubin=(80,), ptx=(80,))})) == [
        "driver-minor"
    ]


def test_a_library_of_nvidia_that_is_not_for_each_gpu_does_not_forbid_the_run() -> None:
    needs = Needs(kernels={"nvidia-cusparselt-cu12 0.6": Kernels(cubin=(80, 90))})
    (finding,) = obstacles(machine("t4"), needs=needs, least_driver="", toolkit_driver="")

    assert (finding.rule, finding.effect) == ("no-library-kernels", Effect.MAY)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"architecture": "arm64"}, "architecture"),
        ({"needs": Needs(linux="7.0.0")}, "kernel-too-old"),
        ({"memory": 10**15}, "memory-too-small"),
        ({"disk": 10**15}, "disk-too-small"),
        ({"libc": "glibc 2.16"}, "glibc-too-old"),
    ],
)
def test_each_demand_that_is_not_met_is_an_obstacle(changes: dict[str, object], rule: str) -> None:
    (finding,) = obstacles(machine("h100"), **changes)

    assert (finding.rule, finding.effect) == (rule, Effect.CANNOT)


def test_a_control_groups_limit_counts_and_swap_helps() -> None:
    small = machine("cpu").model_copy(update={"memory_limit_bytes": 4_000_000_000})

    assert rules(small, gpu=False) == ["memory-too-small"]
    assert rules(small.model_copy(update={"swap_bytes": 4_000_000_000}), gpu=False) == []


def test_what_a_machine_does_not_tell_is_no_obstacle() -> None:
    bare = Fingerprint.model_validate_json('{"cpu": {}, "memory_bytes": 0, "kernel": "Darwin"}')

    assert rules(bare, gpu=False, needs=Needs()) == []


def test_a_driver_that_could_not_tell_is_named_where_a_gpu_is_wanted() -> None:
    broken = machine("cpu").model_copy(update={"gpu_problem": "NVML: starting: Driver Not Loaded"})

    assert [(item.rule, item.seen) for item in obstacles(broken)] == [("no-gpu", "NVML: starting: Driver Not Loaded")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("535.129.03", (535, 129, 3)), ("6.18.44-fc-v669", (6, 18, 44)), ("580", (580,)), ("", ()), ("x1", ())],
)
def test_versions_are_compared_as_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("profile", "flags", "expected"),
    [
        ("portable", ("avx", "sse4_2"), ["no-vector-instructions"]),
        ("portable", ("avx", "avx2", "fma"), []),
        ("portable", (), []),
        ("native", ("sse4_2",), []),
    ],
)
def test_portable_kernels_need_avx2_and_fma(profile: str, flags: tuple[str, ...], expected: list[str]) -> None:
    seen = machine("cpu")
    seen = seen.model_copy(update={"cpu": seen.cpu.model_copy(update={"flags": flags})})

    assert rules(seen, gpu=False, numerics=profile) == expected
