"""Six machines side by side, by the published rules."""

import itertools
import os
from pathlib import Path

import pytest
from builders.fingerprints import NAMES, machine

from reprobuild.hardware.compare import compare_machines
from reprobuild.hardware.findings import Effect, Finding
from reprobuild.hardware.fingerprint import Fingerprint, GpuState, Link
from reprobuild.hardware.rules import NO_RULE, judge, published_rules, render_rules


def findings(recorded: str, seen: str, *, gpu: bool = True) -> dict[str, Finding]:
    return {finding.subject: finding for finding in compare_machines(machine(recorded), machine(seen), gpu=gpu)}


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_like_itself_and_reads_back(name: str) -> None:
    one = machine(name)

    assert compare_machines(one, one, gpu=True) == ()
    assert Fingerprint.from_bytes(one.to_bytes(), name) == one


@pytest.mark.parametrize(("recorded", "seen"), list(itertools.permutations(NAMES, 2)))
def test_every_difference_has_a_rule(recorded: str, seen: str) -> None:
    found = findings(recorded, seen)

    assert found
    assert [finding for finding in found.values() if finding.detail == NO_RULE or not finding.rule] == []


@pytest.mark.parametrize(("recorded", "seen"), [("a100", "t4"), ("a100", "rtx4090"), ("t4", "rtx4090")])
def test_another_gpu_architecture_will_change_bits(recorded: str, seen: str) -> None:
    first = compare_machines(machine(recorded), machine(seen), gpu=True)[0]

    assert (first.subject, first.effect) == ("GPU 0: architecture", Effect.WILL)


def test_an_h200_is_not_an_h100_but_has_its_architecture_and_multiprocessors() -> None:
    found = findings("h100", "h200")

    assert found["GPU 0"].effect is Effect.MAY
    assert not {"GPU 0: architecture", "GPU 0: multiprocessors", "number of GPUs"} & found.keys()
    assert Effect.WILL not in {finding.effect for finding in found.values()}


def test_a_missing_gpu_is_told_once() -> None:
    found = findings("a100", "cpu")

    assert (found["number of GPUs"].recorded, found["number of GPUs"].seen) == ("1", "0")
    assert [subject for subject in found if subject.startswith(("GPU 0", "way"))] == []


def test_gpus_that_a_run_did_not_get_do_not_change_its_bits() -> None:
    found = findings("a100", "t4", gpu=False)

    assert found["GPUs"].effect is Effect.NONE
    assert not any("GPU 0" in subject or "driver" in subject for subject in found)


def test_clocks_power_temperature_serials_and_free_space_are_never_compared() -> None:
    one = machine("a100")
    gpu = one.gpus[0].model_copy(update={"state": GpuState(sm_clock_mhz=1, power_watts=400.0), "serial": "0" * 64})
    changed = {"gpus": (gpu,), "disk_free_bytes": 1, "engines": {"Docker": "99"}}

    assert compare_machines(one, one.model_copy(update=changed), gpu=True) == ()


def test_another_card_of_the_kind_is_told_and_does_not_matter() -> None:
    one = machine("a100")
    other = one.model_copy(update={"gpus": (one.gpus[0].model_copy(update={"uuid": "0" * 64}),)})
    (finding,) = compare_machines(one, other, gpu=True)

    assert (finding.rule, finding.effect) == ("gpu-card", Effect.NONE)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ecc": False}, "gpu-ecc"),
        ({"mig": True}, "gpu-mig"),
        ({"multiprocessors": 98}, "gpu-multiprocessors"),
        ({"memory_bytes": 80 << 30}, "gpu-memory"),
        ({"name": "NVIDIA A100-PCIE-40GB"}, "gpu-model"),
    ],
)
def test_each_fact_of_a_gpu_has_its_rule(change: dict[str, object], rule: str) -> None:
    one = machine("a100")
    other = one.model_copy(update={"gpus": (one.gpus[0].model_copy(update=change),)})

    assert [finding.rule for finding in compare_machines(one, other, gpu=True)] == [rule]


def test_another_way_between_gpus_may_change_bits() -> None:
    one = machine("h100")
    other = one.model_copy(update={"links": (Link(first=0, second=1, way="SYS"),)})
    (finding,) = compare_machines(one, other, gpu=True)

    assert (finding.subject, finding.recorded, finding.seen) == ("way between GPUs 0 and 1", "NVLink", "SYS")


def test_a_difference_without_a_rule_says_so_and_may_change_bits() -> None:
    finding = judge("colour.of.the.case", "black\x1b[0m", "white")

    assert (finding.detail, finding.effect, finding.rule) == (NO_RULE, Effect.MAY, "")
    assert finding.recorded.isprintable()


def test_the_rules_are_named_once_and_each_has_a_reason() -> None:
    rules = published_rules()

    assert len({rule.id for rule in rules}) == len(rules)
    assert {rule.effect for rule in rules} == set(Effect)
    assert all(rule.reason and not rule.reason.endswith(".") for rule in rules)


def test_no_rule_hides_behind_one_before_it() -> None:
    paths = {path.replace("*", "x y"): rule.id for rule in published_rules() for path in rule.facts}

    assert {path: judge(path, 1, 2).rule for path in paths} == paths


DOCUMENT = Path(__file__).parents[3] / "docs" / "hardware.md"


def test_the_golden_table_in_the_documentation_is_that_of_the_rules() -> None:
    before, _, rest = DOCUMENT.read_text().partition("<!-- rules -->\n")
    shown, mark, after = rest.partition("<!-- end of rules -->")
    if os.environ.get("REPROBUILD_GOLDEN") == "write":
        DOCUMENT.write_text(f"{before}<!-- rules -->\n{render_rules()}{mark}{after}")
        return

    assert shown == render_rules()
