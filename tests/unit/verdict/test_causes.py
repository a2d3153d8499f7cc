import itertools
from typing import Any

import pytest
from builders.results import make_asked, make_comparison, make_fingerprint

from reprobuild.hardware.compare import find_differences
from reprobuild.hardware.findings import Effect, Finding
from reprobuild.hardware.rules import published_rules
from reprobuild.numerics.compare import Agreement
from reprobuild.numerics.prediction import Kind, Prediction
from reprobuild.verdict.causes import Evidence, cause_rules, rank_causes
from reprobuild.verdict.document import Cause, Check, Comparison, Difference, Outcome

CPU: dict[str, Any] = dict(make_fingerprint().cpu)
PROBED = Agreement(
    comparable=True,
    agreeing=7,
    disagreeing=("torch/sqrt/f32/9", "torch/sqrt/f64/9", "torch/exp/f32/9"),
    failed=(),
    missing=(),
    versions=(),
    profiles=("native", "native"),
)
ENTROPY = {"what": "os.urandom", "file": "train.py", "line": 7, "count": 2}
CLOCK = {"what": "the clock as a seed of random.seed", "file": "train.py", "line": 3, "count": 1}


def check(name: str, outcome: Outcome, recorded: str = "1.0", seen: str = "2.0") -> Check:
    return Check(name=name, recorded=recorded, seen=seen, outcome=outcome)


def apart(relative: float | None = 0.5, **changes: Any) -> Comparison:
    first = Difference(where="w[0]", recorded="1.0", seen="2.0")
    changes = {"first": first, "differing": 2, "values": 9, "max_relative": relative, **changes}
    return make_comparison(Outcome.DIFFERENT).model_copy(update=changes)


def findings(seed: int = 1, threads: int = 2, **machine: object) -> tuple[Finding, ...]:
    asked = make_asked(), make_asked(seed=seed).model_copy(update={"threads": threads})
    return find_differences(asked, ({}, {}), (make_fingerprint(), make_fingerprint(**machine)))


def ranked(
    *,
    found: tuple[Any, Any] = ({}, {}),
    comparisons: tuple[Comparison, ...] = (apart(),),
    checks: tuple[Check, ...] = (),
    differing: tuple[Finding, ...] = (),
    **more: Any,
) -> list[Cause]:
    all_checks = (*(check(item.name, item.outcome) for item in comparisons), *checks)
    return list(rank_causes(Evidence(differing, found, comparisons, all_checks, **more)))


def kinds(causes: list[Cause]) -> list[tuple[str, str]]:
    return [(cause.kind, cause.certainty) for cause in causes]


def test_what_is_the_same_on_both_sides_is_no_cause() -> None:
    assert ranked() == []


def test_another_seed_decides_and_comes_before_another_cpu() -> None:
    causes = ranked(differing=findings(seed=7, cpu={**CPU, "vendor": "GenuineIntel"}))

    assert kinds(causes) == [("seed", "decides"), ("dispatch", "may")]
    assert (causes[0].recorded, causes[0].seen) == ("1", "7")
    assert all(cause.why and cause.source.startswith("https://") for cause in causes)


def test_a_seed_that_the_script_sets_itself_wins_over_the_one_that_was_asked_for() -> None:
    own = {"own_seeds": [{"what": "random.seed", "file": "train.py", "line": 3, "value": 7, "count": 1}]}
    causes = ranked(differing=findings(seed=7), found=(own, own))

    assert kinds(causes) == [("seed", "may")]
    assert "random.seed(7) at train.py:3" in causes[0].why
    assert kinds(ranked(differing=findings(seed=7), found=(own, {}))) == [("seed", "decides")]


def test_what_was_seen_to_draw_without_a_seed_is_named_with_file_and_line() -> None:
    isolated = {"argv": ["python", "-I", "x.py"], "why": "-I", "count": 1}
    sides = {"unseeded": [ENTROPY, CLOCK], "not_seeded": [isolated]}, {"unseeded": [ENTROPY]}
    causes = ranked(found=sides)

    assert [(cause.subject, cause.recorded, cause.seen) for cause in causes] == [
        ("os.urandom at train.py:7", "2 times", "2 times"),
        ("the clock as a seed of random.seed at train.py:3", "once", "–"),
        ("python -I x.py (-I)", "once", "–"),
    ]
    assert {cause.kind for cause in causes} == {"unseeded source", "program without seed"}


def test_differences_of_rounding_come_from_arithmetic_rather_than_from_chance() -> None:
    sides = {"unseeded": [ENTROPY]}, {"unseeded": [ENTROPY]}
    other = findings(cpu={**CPU, "vendor": "GenuineIntel"})

    assert ranked(differing=other, found=sides, comparisons=(apart(1e-6),))[0].kind == "dispatch"
    near_zero = apart(0.5, max_absolute=2e-7)
    assert ranked(differing=other, found=sides, comparisons=(near_zero,))[0].kind == "dispatch"
    assert ranked(differing=other, found=sides, comparisons=(apart(0.5),))[0].kind == "unseeded source"
    assert ranked(differing=other, found=sides, comparisons=(apart(None),))[0].kind == "unseeded source"


def predicted(kind: Kind, *disagreeing: str) -> Prediction:
    return Prediction(kind=kind, reasons=("as made up",), disagreeing=disagreeing)


def test_an_operation_of_the_run_that_disagrees_decides_where_it_reaches_the_result() -> None:
    other = findings(cpu={**CPU, "vendor": "GenuineIntel"})
    causes = ranked(differing=other, prediction=predicted("expected different", "aten::sqrt"), numerics=PROBED)

    assert kinds(causes) == [("operation", "decides"), ("dispatch", "may")]
    assert causes[0].subject == "aten::sqrt"
    assert kinds(ranked(prediction=predicted("cannot tell", "aten::sqrt"))) == [("operation", "may")]


def test_operations_of_the_probe_are_told_where_the_runs_own_are_not_known() -> None:
    (cause,) = ranked(prediction=predicted("cannot tell"), numerics=PROBED)

    assert (cause.kind, cause.certainty, cause.recorded) == ("probed operation", "may", "torch/sqrt, torch/exp")
    assert cause.subject == "3 of 10 operations of the numeric probe"


def test_operations_that_all_agree_exclude_the_processor() -> None:
    other = findings(threads=4, cpu={**CPU, "vendor": "GenuineIntel"})

    assert [cause.kind for cause in ranked(differing=other)] == ["threads", "dispatch"]
    assert ranked(differing=other, prediction=predicted("expected identical"), numerics=PROBED) == []


def test_code_data_and_packages_are_ranked_with_the_rest() -> None:
    changes = [
        ("package", "deb libopenblas0", "0.3.21", "0.3.28"),
        ("code", "train.py, line 3", "a", "b"),
        ("data", "d", "1", "2"),
    ]
    causes = ranked(changes=changes, differing=findings(threads=4))

    assert kinds(causes) == [("data", "decides"), ("threads", "decides"), ("code", "may"), ("package", "may")]


def test_a_gpu_on_both_sides_may_add_in_another_order() -> None:
    assert kinds(ranked(gpu=True)) == [("order on a GPU", "may")]


def test_outputs_that_differ_in_time_stamps_alone_have_no_other_cause() -> None:
    stamped = apart(fleeting=("time stamps",), fleeting_values=2)
    causes = ranked(comparisons=(stamped,), differing=findings(seed=7), found=({"unseeded": [ENTROPY]}, {}))

    assert kinds(causes) == [("moment", "decides")]
    assert causes[0].subject == "time stamps in out/model.npz, w[0]"
    assert "leave the file out of [run] outputs" in causes[0].why
    assert (causes[0].recorded, causes[0].seen) == ("1.0", "2.0")


def test_time_stamps_beside_other_differences_are_the_last_cause() -> None:
    stamped = apart(fleeting=("time stamps",), fleeting_values=1)

    assert kinds(ranked(comparisons=(stamped,), differing=findings(seed=7))) == [("seed", "decides"), ("moment", "may")]


def test_an_output_named_by_the_time_is_found_again_under_its_other_name() -> None:
    old = make_comparison(Outcome.MISSING, "out/run-20261129-144327/model.pt")
    new = make_comparison(Outcome.NEW, "out/run-20261130-090000/model.pt")
    causes = ranked(comparisons=(old, new))

    assert [(cause.kind, cause.recorded, cause.seen) for cause in causes] == [("moment", old.name, new.name)]
    assert ranked(comparisons=(old, make_comparison(Outcome.NEW, "out/other.pt"))) == []


def test_a_metric_that_is_a_duration_is_named() -> None:
    same = make_comparison(Outcome.SAME_BYTES)
    causes = ranked(comparisons=(same,), checks=(check("train_seconds", Outcome.DIFFERENT),))

    assert [cause.subject for cause in causes] == ["durations as metric train_seconds"]
    assert ranked(comparisons=(same,), checks=(check("loss", Outcome.DIFFERENT),)) == []


def test_nothing_is_claimed_where_nothing_differs() -> None:
    same = make_comparison(Outcome.SAME_BYTES)

    assert ranked(comparisons=(same,), differing=findings(seed=7), found=({"unseeded": [ENTROPY]}, {})) == []


def test_the_rank_does_not_depend_on_the_order_of_the_evidence() -> None:
    differing = findings(seed=7, threads=4, cpu={**CPU, "vendor": "GenuineIntel"}, python="3.13.0")
    sides = {"unseeded": [ENTROPY, CLOCK]}, {"unseeded": [CLOCK]}
    turned = {"unseeded": [CLOCK, ENTROPY]}, {"unseeded": [CLOCK]}
    changes = [("code", "a.py", "1", "2"), ("data", "d", "1", "2")]

    for order in itertools.permutations(changes):
        assert kinds(ranked(differing=differing, found=sides, changes=order)) == kinds(
            ranked(differing=differing, found=turned, changes=changes)
        )


@pytest.mark.parametrize(
    "wrong", [{"unseeded": "x", "own_seeds": [3]}, {"not_seeded": [3, {"argv": 4}]}, {"unseeded": [{}]}]
)
def test_what_a_stranger_wrote_is_escaped_and_makes_no_trouble(wrong: Any) -> None:
    odd = {"what": "\x1b[2J", "file": ["x"], "line": None, "count": "many"}
    causes = ranked(found=(wrong, {"unseeded": [odd]}), differing=findings(seed=7))

    assert all(f"{cause.subject}{cause.recorded}{cause.seen}{cause.why}".isprintable() for cause in causes)


def test_every_rule_that_may_change_bits_is_a_cause_of_one_kind() -> None:
    changing = {rule.id for rule in published_rules() if rule.effect in (Effect.WILL, Effect.MAY)}
    named = [rule for kind in cause_rules().values() for rule in kind.rules]

    assert sorted(named) == sorted(changing)


def test_a_kind_that_no_finding_tells_of_has_a_reason_and_a_source() -> None:
    assert all(rule.rules or (rule.reason and rule.source) for rule in cause_rules().values())


def test_a_pin_that_took_on_neither_side_may_be_the_cause() -> None:
    side = {"pins": {"blas": {"took": False, "detail": "libblas is not known"}, "simd": {"took": True, "detail": ""}}}

    assert [(cause.kind, cause.subject, cause.seen) for cause in ranked(found=(side, side))] == [
        ("numerics profile", "pin blas", "did not take: libblas is not known")
    ]
