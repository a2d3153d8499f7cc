"""A run on an emulated processor counts only where every process of it was on that processor: else it is void."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from reprobuild.record.processes import parse_cpu
from reprobuild.verdict.document import Kind, Verdict


def void_reasons(found: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Why a run says nothing about the processor that it was claimed to be on; none where it was not emulated.

    `found` is the record's: its `emulation` has the `claim`, and `processes` what each Python process told.
    """
    emulation, processes = found.get("emulation"), found.get("processes")
    if not isinstance(emulation, dict):
        return ()
    wanted = parse_cpu(emulation.get("claim"))
    counted = processes if isinstance(processes, dict) else {}
    cpus, total = counted.get("cpus"), counted.get("count")
    told = [cpu for cpu in cpus if isinstance(cpu, dict)] if isinstance(cpus, list) else []
    if not told:
        return (f"void: no Python process told that it ran on {_spell(wanted)}",)
    return tuple(_reasons(wanted, told, total))


def _reasons(wanted: Mapping[str, JsonValue], told: list[dict[str, JsonValue]], total: JsonValue) -> Iterator[str]:
    for each in told:
        cpu = parse_cpu(each)
        who = f"void: {each.get('count')} of {total} Python processes"
        if not cpu:
            yield f"{who} did not tell on which CPU"
        elif cpu != wanted:
            yield f"{who} ran on {_spell(cpu)}, not on {_spell(wanted)}{_detail(wanted, cpu)}"


def _detail(wanted: Mapping[str, JsonValue], cpu: Mapping[str, JsonValue]) -> str:
    """What differs where the names do not."""
    if _spell(wanted) != _spell(cpu):
        return ""
    return f" as claimed: other {', '.join(name for name in wanted if wanted[name] != cpu.get(name))}"


def _spell(cpu: Mapping[str, JsonValue]) -> str:
    return " ".join(str(cpu.get(name, "")) for name in ("vendor", "name")).strip() or "an unknown CPU"


def voided(verdict: Verdict, reasons: tuple[str, ...]) -> Verdict:
    """The verdict, or *unchecked* where there are reasons: nothing that such a run shows is about that processor."""
    if not reasons:
        return verdict
    return verdict.model_copy(update={"kind": Kind.UNCHECKED, "reasons": (*reasons, *verdict.reasons)})
