"""Runs that were to be on an emulated processor, and were not."""

from typing import Any

import pytest

from reprobuild.record.processes import count_processes
from reprobuild.verdict.document import Kind, Verdict
from reprobuild.verdict.void import void_reasons, voided

HASWELL: dict[str, Any] = {"vendor": "GenuineIntel", "name": "Haswell", "features": ["avx2", "fma"]}
EPYC: dict[str, Any] = {"vendor": "AuthenticAMD", "name": "EPYC", "features": ["avx2", "fma"]}


def reasons(*told: dict[str, Any], unread: int = 0) -> tuple[str, ...]:
    processes = count_processes([{"cpu": cpu} for cpu in told], unread)
    return void_reasons({"emulation": {"claim": HASWELL}, "processes": processes})


def test_a_run_on_the_machines_own_cpu_claims_nothing() -> None:
    assert void_reasons({"processes": count_processes([{"cpu": EPYC}])}) == ()


def test_nothing_is_void_where_every_process_was_on_the_claimed_cpu() -> None:
    assert reasons(HASWELL, HASWELL) == ()


def test_a_process_on_another_cpu_makes_a_run_void() -> None:
    assert reasons(HASWELL, EPYC, HASWELL) == (
        "void: 1 of 3 Python processes ran on AuthenticAMD EPYC, not on GenuineIntel Haswell",
    )


def test_a_cpu_of_that_name_with_other_features_is_another_one() -> None:
    [reason] = reasons({**HASWELL, "features": ["avx2", "avx512f", "fma"]})

    assert reason.endswith("ran on GenuineIntel Haswell, not on GenuineIntel Haswell as claimed: other features")


@pytest.mark.parametrize("told", [{}, {"vendor": ""}])
def test_a_process_that_told_no_cpu_makes_a_run_void(told: dict[str, Any]) -> None:
    assert reasons(HASWELL, told) == ("void: 1 of 2 Python processes did not tell on which CPU",)


def test_processes_that_were_not_read_are_on_no_known_cpu() -> None:
    assert reasons(HASWELL, unread=7) == ("void: 7 of 8 Python processes did not tell on which CPU",)


@pytest.mark.parametrize("processes", [None, 3, {}, {"cpus": "x"}, {"cpus": [1]}, {"cpus": []}])
def test_a_run_of_which_no_process_told_is_void(processes: Any) -> None:
    found = {"emulation": {"claim": HASWELL}, "processes": processes}

    assert void_reasons(found) == ("void: no Python process told that it ran on GenuineIntel Haswell",)


def test_a_void_run_is_unchecked_whatever_came_of_it_and_says_so_first() -> None:
    verdict = Verdict(kind=Kind.DIFFERENT, reasons=("output a differs",), checks=())
    void = voided(verdict, ("void: elsewhere",))

    assert voided(verdict, ()) is verdict
    assert (void.kind, void.reasons) == (Kind.UNCHECKED, ("void: elsewhere", "output a differs"))
