"""`replay --emulate` as a user has it: what cannot be is one line."""

import os
from pathlib import Path

import pytest
from builders.command import CommandLine

from reprobuild.tools.qemu import INSTALL, PROGRAM

x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="on x86-64 alone")


def refused(line: CommandLine, *words: str) -> list[str]:
    done = line.run("replay", "none.tar", *words)

    assert done.stdout == ""
    return [str(done.returncode), *done.stderr.splitlines()]


@x86_64
def test_without_qemu_the_error_says_what_to_install(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.environment["PATH"] = str(tmp_path / "bin")

    assert refused(line, "--emulate", "Haswell") == [
        "4",
        f"error: {PROGRAM}: not found: --emulate needs it",
        f"hint: {INSTALL}",
    ]


@x86_64
@pytest.mark.emulation
def test_a_cpu_that_qemu_does_not_know_is_refused_with_those_that_it_does(tmp_path: Path) -> None:
    status, error, hint = refused(CommandLine(tmp_path), "--emulate", "Haswel")

    assert (status, error) == ("2", f"error: --emulate 'Haswel': {PROGRAM} has no such CPU")
    assert hint.startswith("hint: did you mean Haswell")
    assert "EPYC-Rome" in hint


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_only_the_sandbox_emulates(tmp_path: Path, engine: str) -> None:
    assert refused(CommandLine(tmp_path), "--emulate", "Haswell", "--engine", engine) == [
        "2",
        f"error: --emulate: {engine} cannot emulate a CPU",
        "hint: --engine sandbox can",
    ]


def test_a_run_is_never_emulated(tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("run", "--emulate", "Haswell")

    assert done.returncode == 2
    assert "no such option" in done.stderr.lower()
