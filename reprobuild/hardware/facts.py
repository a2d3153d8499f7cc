"""A fingerprint as facts by path, as the rules name them.

Left out is what identifies a card beyond its UUID, what differs from one minute to the next, and what a program asks
only for people: the state of a GPU, its serial number, free disk space, and which engines are installed.
"""

from collections.abc import Iterator, Mapping

from reprobuild.hardware.fingerprint import Fingerprint, Gpu

VECTOR_SETS = frozenset(
    [
        *("sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"),
        *("avx512_bf16", "avx512_fp16", "avx_vnni", "amx_tile", "amx_bf16", "asimd", "sve", "sve2", "bf16"),
    ]
)
"""Instruction sets by which numerical libraries choose their kernels, as /proc/cpuinfo names them."""
Facts = Mapping[str, object]


def machine_facts(machine: Fingerprint, *, gpu: bool) -> Facts:
    """What belongs to the machine; without `gpu`, a run saw none of its GPUs."""
    unused = ("unused_gpus", ", ".join(gpu.name for gpu in machine.gpus))
    return dict([*_machine(machine), *(_gpus(machine) if gpu else [unused])])


def software_facts(run: Fingerprint) -> Facts:
    """What a run found in its image, and what ran it."""
    return dict(_software(run))


def _machine(machine: Fingerprint) -> Iterator[tuple[str, object]]:
    flags = frozenset(machine.cpu.flags)
    yield "cpu.vector_instructions", flags & VECTOR_SETS
    yield "cpu.other_flags", flags - VECTOR_SETS
    for name, value in machine.cpu.model_dump(exclude={"flags", "caches"}).items():
        yield f"cpu.{name}", value
    for name, size in machine.cpu.caches.items():
        yield f"cpu.caches.{name}", size_text(size)
    yield "memory", size_text(machine.memory_bytes)
    yield "memory_limit", size_text(machine.memory_limit_bytes)
    yield "swap", size_text(machine.swap_bytes)
    yield "kernel", machine.kernel
    yield "system_libc", machine.system_libc


def _gpus(machine: Fingerprint) -> Iterator[tuple[str, object]]:
    for name in ("container_toolkit", "driver", "cuda", "driver_glibc", "gpu_problem"):
        yield name, getattr(machine, name)
    yield "gpus", len(machine.gpus)
    for place, gpu in enumerate(machine.gpus):
        yield from ((f"gpus.{place}.{name}", value) for name, value in _gpu(gpu))
    for link in machine.links:
        yield f"links.{link.first} and {link.second}", link.way


def _gpu(gpu: Gpu) -> Iterator[tuple[str, object]]:
    yield from gpu.model_dump(exclude={"memory_bytes", "mig_devices", "serial", "state"}).items()
    yield "memory", size_text(gpu.memory_bytes)
    parts = [f"{part.name}, {part.multiprocessors or '?'} multiprocessors" for part in gpu.mig_devices]
    yield "mig_devices", "; ".join(parts)


def _software(run: Fingerprint) -> Iterator[tuple[str, object]]:
    yield "libc", run.libc
    yield "python", run.python
    yield "engine", f"{run.engine.name} {run.engine.version}".rstrip() if run.engine else None
    yield from ((f"packages.{name}", version) for name, version in run.packages.items())
    named = set()
    for library in run.libraries:
        file = str(library.get("file", library.get("name")))
        short = file.rpartition("/")[2]
        name = file if short in named else short
        named.add(short)
        yield f"libraries.{name}", "loaded"
        yield from ((f"libraries.{name}.{fact}", value) for fact, value in library.items() if fact != "file")


def size_text(size: int | None) -> str | None:
    """Bytes as people read them: as exact as a difference matters."""
    if size is None:
        return None
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{size >> 10} KiB"
