from builders.results import FINISHED, FakeResult, make_asked, make_comparison, make_fingerprint

from reprobuild.hardware.compare import find_differences
from reprobuild.record.document import Json, Log
from reprobuild.verdict.causes import Evidence, rank_causes
from reprobuild.verdict.decide import decide, exit_status
from reprobuild.verdict.document import Comparison, Difference, Finding, Outcome, ReplayReport, Seen
from reprobuild.verdict.render import UNKNOWN, render_report


def make_report(comparison: Comparison, *, seed: int = 1, project: str = "digits") -> ReplayReport:
    asked, other = make_asked(), make_asked(seed=seed)
    verdict = decide(asked, FakeResult(), FakeResult(), [comparison])
    findings: tuple[Finding, ...] = find_differences(
        (asked, other), ({}, {}), (make_fingerprint(), make_fingerprint(kernel="7.0"))
    )
    evidence = Evidence(findings, ({}, {}), (comparison,), verdict.checks)
    return ReplayReport(
        reprobuild="0.1",
        bundle="a" * 64,
        project=project,
        image="b" * 64,
        verdict=verdict.kind,
        reasons=verdict.reasons,
        require="equivalent",
        exit_status=exit_status(verdict.kind, "equivalent"),
        checks=verdict.checks,
        comparisons=(comparison,),
        findings=findings,
        causes=rank_causes(evidence),
        recorded_wall_seconds=2.5,
        seen=Seen(
            asked=other,
            found={},
            fingerprint=make_fingerprint(),
            outputs={},
            metrics={},
            ending=FINISHED,
            wall_seconds=1.25,
            peak_memory_bytes=0,
            log=Log(sha256="c" * 64, size=0, truncated=False),
        ),
    )


def different() -> Comparison:
    first = Difference(where="weights[3, 17]", recorded="0.1", seen="0.2", absolute=0.1, ulps=12)
    return make_comparison(Outcome.DIFFERENT).model_copy(
        update={"first": first, "differing": 9, "values": 1000, "max_absolute": 0.25, "max_relative": 2.5}
    )


def test_a_report_survives_its_own_bytes() -> None:
    report = make_report(different(), seed=7)

    assert ReplayReport.from_bytes(report.to_bytes(), "replay.json") == report
    assert report.to_bytes() == make_report(different(), seed=7).to_bytes()


def test_the_first_difference_stands_in_the_report() -> None:
    text = render_report(make_report(different()))

    assert (
        "out/model.npz: weights[3, 17]: recorded 0.1, seen 0.2 (apart by 0.1, 12 ULP); "
        "9 of 1,000 values differ, by at most 0.25 (2.5 relative)" in text
    )
    assert "verdict: different" in text


def test_another_seed_is_the_first_cause() -> None:
    text = render_report(make_report(different(), seed=7))

    assert "  1. seed: recorded 1, seen 7 (another request: --seed was given)" in text.splitlines()


def test_a_difference_without_a_known_cause_says_where_to_look() -> None:
    assert UNKNOWN in render_report(make_report(different()))


def test_an_identical_result_names_no_cause_but_what_differs_between_the_machines() -> None:
    text = render_report(make_report(make_comparison(Outcome.SAME_BYTES)))

    assert "verdict: identical" in text
    assert "cause" not in text
    assert "kernel" in text


def test_nothing_a_stranger_wrote_reaches_the_terminal_unescaped() -> None:
    comparison = make_comparison(Outcome.DIFFERENT, "out/\x1b[2J\n").model_copy(update={"detail": "\x07"})
    text = render_report(make_report(comparison, project="\x1b]0;x\x07"))

    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b[2J\\n" in text


def test_an_emulated_replay_says_on_which_cpu_it_was_and_what_was_not() -> None:
    report = make_report(make_comparison(Outcome.SAME_BYTES))
    found: dict[str, Json] = {
        "emulation": {"cpu": "Haswell", "qemu": "7.2.22", "claim": {"name": "Intel\x1b Core"}},
        "programs": ["awk", "uname"],
    }
    seen = report.seen.model_copy(update={"found": found})
    lines = render_report(report.model_copy(update={"seen": seen})).splitlines()

    assert "emulated: Haswell (Intel\\x1b Core), by qemu 7.2.22" in lines
    assert "on this machine's own CPU, being no Python: awk, uname" in lines
    assert "emulated" not in render_report(report)
