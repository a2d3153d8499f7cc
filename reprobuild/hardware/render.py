"""Fingerprints and findings for people; whatever a stranger wrote is escaped."""

from collections.abc import Iterator, Sequence

from reprobuild.ground.text import shown
from reprobuild.hardware.facts import size_text
from reprobuild.hardware.findings import Effect, Finding
from reprobuild.hardware.fingerprint import Fingerprint, Gpu

SHOWN = 20
"""Findings of one kind that are listed."""


def render_fingerprint(machine: Fingerprint) -> str:
    """A compact table."""
    return "\n".join(f"{title:12}{text}" for title, text in _rows(machine))


def machine_lines(machine: Fingerprint) -> list[str]:
    """The processor and the GPUs in a few words each."""
    cpu = machine.cpu
    return [f"{shown(cpu.name) or 'unknown CPU'}, {cpu.cores} cores", *(shown(gpu.name) for gpu in machine.gpus)]


def _rows(machine: Fingerprint) -> Iterator[tuple[str, str]]:
    cpu = machine.cpu
    quota = f", limited to {cpu.quota:g}" if cpu.quota is not None else ""
    yield "CPU", f"{shown(cpu.name or cpu.vendor)} ({cpu.architecture})"
    yield (
        "",
        (
            f"{cpu.cores} of {cpu.logical} processors may be used{quota}; {cpu.physical} cores with "
            f"{cpu.threads_per_core} threads, {cpu.numa_nodes} NUMA nodes"
        ),
    )
    yield (
        "",
        f"family {cpu.family}, model {cpu.model}, stepping {cpu.stepping}, microcode {cpu.microcode or 'not told'}",
    )
    yield "", "caches " + (", ".join(f"{name} {size_text(size)}" for name, size in cpu.caches.items()) or "not told")
    limit = f", limited to {size_text(machine.memory_limit_bytes)}" if machine.memory_limit_bytes is not None else ""
    yield "memory", f"{size_text(machine.memory_bytes)}{limit}, swap {size_text(machine.swap_bytes)}"
    yield "disk", f"{size_text(machine.disk_free_bytes) or 'not told'} free where the store is"
    yield "system", f"Linux {machine.kernel}, {machine.system_libc or 'no glibc'}"
    engines = ", ".join(f"{name} {version}".rstrip() for name, version in sorted(machine.engines.items()))
    yield "engines", engines or "none"
    if machine.driver:
        toolkit = f"; container toolkit {machine.container_toolkit}" if machine.container_toolkit else ""
        yield "driver", f"NVIDIA {machine.driver}, CUDA up to {machine.cuda or 'unknown'}{toolkit}"
    yield from (("GPU", f"{place}: {_gpu(gpu)}") for place, gpu in enumerate(machine.gpus))
    yield from (("", f"{link.first} and {link.second}: {link.way}") for link in machine.links)
    if not machine.gpus:
        yield "GPU", "none"
    if machine.gpu_problem:
        yield "problem", shown(machine.gpu_problem)


def _gpu(gpu: Gpu) -> str:
    switches = {"ECC": gpu.ecc, "MIG": gpu.mig}
    parts = [
        shown(gpu.name) or "a GPU without a name",
        f"{gpu.architecture} {gpu.compute_capability}".strip(),
        f"{gpu.multiprocessors or '?'} multiprocessors",
        size_text(gpu.memory_bytes) or "memory not told",
        *(f"{name} {'on' if value else 'off'}" for name, value in switches.items() if value is not None),
        *(shown(part.name) for part in gpu.mig_devices),
    ]
    return ", ".join(parts)


def render_findings(findings: Sequence[Finding]) -> Iterator[str]:
    """What stands in the way of a run or may change its bits, with the reason; the rest as a number."""
    told = [finding for finding in findings if finding.effect is not Effect.NONE]
    for finding in told[:SHOWN]:
        wanted = "wanted" if finding.effect is Effect.CANNOT else "recorded"
        sides = f"{wanted} {finding.recorded}, found {finding.seen}"
        rule = f" [{finding.rule}]" if finding.rule else ""
        yield f"{finding.effect}: {finding.subject}: {sides} ({finding.detail}){rule}"
    if len(told) > SHOWN:
        yield f"and {len(told) - SHOWN} more"
    if rest := len(findings) - len(told):
        yield f"{rest} more {'difference does' if rest == 1 else 'differences do'} not change bits"
