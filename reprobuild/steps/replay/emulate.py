"""`replay --emulate`: qemu is found, and the image's own Python says on that CPU which it is, before training."""

import json
from dataclasses import replace

from pydantic import JsonValue

from reprobuild.engines.engine import Container, Emulation, Engine
from reprobuild.ground.errors import ToolError, UsageError
from reprobuild.record.document import Asked
from reprobuild.record.processes import parse_cpu
from reprobuild.steps.image.prepare import LIBRARY, Prepared, image_environment
from reprobuild.tools.qemu import Emulator

SLOWER = 20
"""How much more time a run gets under emulation: trainings take about ten times as long (docs/emulation.md)."""
EMULATOR = "TCGTCGTCGTCG"
"""What qemu calls itself (CPUID 40000000h)."""
PATIENCE = 120
"""Seconds for Python to start, and to say on which CPU."""


def refuse_gpu(asked: Asked) -> None:
    """UsageError for a run with a GPU: a driver is no part of what is emulated."""
    if asked.gpu:
        raise UsageError("--emulate: the run asks for a GPU, and with one it cannot be emulated")


def emulate(prepared: Prepared, emulator: Emulator, engine: Engine) -> Prepared:
    """The image on that CPU, with the claim against which each process is held: what CPUID tells its Python there."""
    interpreter = prepared.base.python.executable
    emulation = Emulation(emulator.cpu, emulator.program, interpreter, emulator.version)
    words: list[bytes] = []
    container = Container(
        argv=[interpreter, "-I", f"{LIBRARY}/reprobuild_inside/cpu.py"],
        environment=image_environment(prepared.base, gpu=False),
        folder="/",
        read_only=prepared.modules,
        timeout=PATIENCE,
        emulation=emulation,
    )
    done = engine.execute(prepared.place, container, words.append)
    if done.reason == "interrupted":
        raise KeyboardInterrupt
    claim = _parse_claim(b"".join(words))
    if done.status != 0 or claim.get("hypervisor") != EMULATOR:
        said = b"".join(words).decode(errors="replace").strip().splitlines()
        why = said[-1][:200] if said else str(done.signal or done.status or done.reason)
        raise ToolError(f"--emulate {emulator.cpu}: the image's Python does not run on it: {why}")
    return replace(prepared, emulation=emulation, claim=claim)


def _parse_claim(words: bytes) -> dict[str, JsonValue]:
    try:
        return parse_cpu(json.loads(words))
    except ValueError:
        return {}
