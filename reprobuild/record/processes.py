"""On which processors a run's Python processes were, as each told of itself (CPUID); read as a stranger's words."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from reprobuild.ground.canonical import canonical_json
from reprobuild.hardware.fingerprint import Cpu

WORDS = ("vendor", "name", "family", "model", "stepping", "hypervisor")
MAX_WORD = 100
MAX_FEATURES = 500
MAX_CPUS = 20
"""Different ones that a record tells of."""
MAX_PROGRAMS = 100
Told = Mapping[str, JsonValue]


def parse_cpu(told: JsonValue) -> dict[str, JsonValue]:
    """A process's `cpu` in the shape that the runtime gives it, whatever was written there; {} where it told none."""
    if not isinstance(told, dict) or not told.get("vendor"):
        return {}
    features, caches = told.get("features"), told.get("caches")
    named: list[JsonValue] = [*sorted(map(_word, features))[:MAX_FEATURES]] if isinstance(features, list) else []
    return {
        **{name: _word(told.get(name)) for name in WORDS},
        "features": named,
        "caches": dict(_sizes(caches)) if isinstance(caches, dict) else {},
    }


def _word(value: object) -> str:
    return str("" if value is None else value)[:MAX_WORD].replace("\0", "")


def _sizes(caches: Told) -> Iterator[tuple[str, int]]:
    for name, size in sorted(caches.items())[:10]:
        if isinstance(size, int) and 0 <= size < 1 << 50:
            yield _word(name), size


def count_processes(told: Sequence[Told], unread: int = 0) -> dict[str, JsonValue]:
    """`count` of the processes, and `cpus`: each different processor once, with the `count` of those that were on it.

    A process that forked very often counts the children for which it speaks (`silent_forks`). What `unread` processes
    told is not known, so they were on none that is.
    """
    counts: dict[bytes, int] = {}
    cpus: dict[bytes, dict[str, JsonValue]] = {}
    for process in told:
        cpu = parse_cpu(process.get("cpu"))
        key = canonical_json(cpu)
        cpus[key] = cpu
        counts[key] = counts.get(key, 0) + _spoken_for(process)
    if unread:
        key = canonical_json({})
        cpus[key], counts[key] = {}, counts.get(key, 0) + unread
    listed: list[JsonValue] = [{**cpus[key], "count": counts[key]} for key in sorted(cpus)[:MAX_CPUS]]
    return {"count": sum(counts.values()), "cpus": listed}


def _spoken_for(process: Told) -> int:
    silent = process.get("silent_forks")
    itself = 0 if process.get("late") is True else 1
    return itself + (silent if isinstance(silent, int) and 0 < silent < 1 << 32 else 0)


def name_programs(told: Sequence[Told]) -> Iterator[str]:
    """Programs that are no Python and were started by one, sorted: user emulation leaves them on the machine's CPU."""
    found = set()
    for process in told:
        programs = process.get("programs")
        for each in programs if isinstance(programs, list) else ():
            if isinstance(each, dict):
                found.add(_word(each.get("program")))
    yield from sorted(found)[:MAX_PROGRAMS]


def emulated_cpu(machine: Cpu, told: JsonValue) -> Cpu:
    """The processor as a run saw it that was emulated on this machine: what CPUID told, and this machine's cores."""
    cpu = parse_cpu(told)
    features = cpu.get("features")
    return Cpu.model_validate(
        {
            **machine.model_dump(),
            **{name: cpu.get(name, "") for name in WORDS if name != "hypervisor"},
            "microcode": "",
            "flags": tuple(features) if isinstance(features, list) else (),
            "caches": cpu.get("caches", {}),
        }
    )
