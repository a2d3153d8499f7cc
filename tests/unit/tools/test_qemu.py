"""Which CPUs qemu knows; a small program stands in for it."""

from pathlib import Path

import pytest
from builders.emulators import HELP, fake_qemu

from reprobuild.ground.errors import ToolError, UsageError
from reprobuild.tools.process import run_process
from reprobuild.tools.qemu import INSTALL, find_emulator, find_qemu, parse_cpus

LATER = """\
Available CPUs:
  486                   (alias configured by machine type)
  Haswell-v1            Intel Core Processor (Haswell)

Recognized CPUID flags:
  3dnow
"""


def test_names_are_those_of_the_list_in_any_release() -> None:
    assert parse_cpus(HELP) == (*("486", "Haswell", "Haswell-v1", "Skylake-Client-noTSX-IBRS", "EPYC-Rome-v1", "base"),)
    assert parse_cpus(LATER) == ("486", "Haswell-v1")
    assert parse_cpus("") == ()


def test_a_cpu_that_is_known_is_found_with_the_program_and_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake_qemu(tmp_path, monkeypatch)
    found = find_emulator("Haswell", run_process, "x86_64")

    assert (found.cpu, found.program, found.version) == ("Haswell", program, "7.2.22")


@pytest.mark.parametrize("cpu", ["haswell", "Hasswell", "Haswell,-avx2", "-h", "", "Haswell\n"])
def test_an_unknown_cpu_is_one_line_with_all_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpu: str
) -> None:
    fake_qemu(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="no such CPU") as caught:
        find_emulator(cpu, run_process, "x86_64")

    assert caught.value.hint.endswith("it has 486, base, EPYC-Rome, Haswell, Skylake-Client-noTSX-IBRS")
    assert ("did you mean Haswell?" in caught.value.hint) == (
        cpu.lower() in ("haswell", "hasswell", "haswell\n", "haswell,-avx2")
    )


def test_a_missing_qemu_is_one_line_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="not found: --emulate needs it") as caught:
        find_qemu("x86_64")

    assert caught.value.hint == INSTALL


@pytest.mark.parametrize("architecture", ["aarch64", ""])
def test_only_x86_64_is_emulated_on_x86_64(architecture: str) -> None:
    with pytest.raises(ToolError, match="only x86-64 is emulated, on x86-64"):
        find_qemu(architecture)


def test_a_qemu_that_lists_nothing_is_no_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_qemu(tmp_path, monkeypatch, "")
    with pytest.raises(ToolError, match="-cpu help lists no CPU"):
        find_emulator("Haswell", run_process, "x86_64")
