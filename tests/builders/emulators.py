"""A program that stands in for qemu, as far as it is asked what it knows."""

from pathlib import Path

import pytest

from reprobuild.tools.qemu import PROGRAM

HELP = """\
Available CPUs:
x86 486                   (alias configured by machine type)
x86 Haswell               (alias configured by machine type)
x86 Haswell-v1            Intel Core Processor (Haswell)
x86 Skylake-Client-noTSX-IBRS  (alias of Skylake-Client-v3)
x86 EPYC-Rome-v1          AMD EPYC-Rome Processor
x86 base                  base CPU model type with no features enabled

Recognized CPUID flags:
  3dnow 3dnowext abm ace2
"""


def fake_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str = HELP) -> Path:
    """The program, first on PATH."""
    program = folder / PROGRAM
    (folder / "help").write_text(text)
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "qemu-x86_64 version 7.2.22 (Debian 1:7.2)"\n'
        f'[ "$2" = help ] && exec cat {folder}/help\nexit 0\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program
