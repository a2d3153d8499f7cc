"""Two machines' numerics side by side."""

from builders.numerics import OPERATIONS, make_numerics

from reprobuild.numerics.compare import compare_numerics, summarise
from reprobuild.numerics.render import digest_of, render_agreement, render_numerics

OTHER = "f" * 16


def test_the_same_numerics_agree() -> None:
    found = compare_numerics(make_numerics(), make_numerics(emulated="Haswell"))

    assert (found.outcome, found.agreeing, found.disagreeing) == ("agree", 10, ())
    assert summarise(found) == "all 10 operations of the numeric probe agree"


def test_operations_that_disagree_fail_or_are_missing_are_told_apart() -> None:
    names = sorted(OPERATIONS)
    seen = {**OPERATIONS, names[0]: OTHER, "scipy/erf/f64/9": OTHER}
    del seen[names[1]]
    del seen[names[2]]
    found = compare_numerics(make_numerics(), make_numerics(seen, failed={names[2]: "RuntimeError: no"}))

    assert found.outcome == "disagree"
    assert found.disagreeing == (names[0],)
    assert found.failed == (names[2],)
    assert found.missing == ("scipy/erf/f64/9", names[1])
    assert found.agreeing == 7
    assert summarise(found) == "1 of 8 operations of the numeric probe disagree: torch/matmul"
    assert names[0] in render_agreement(found)


def test_nothing_to_compare_is_never_agreement() -> None:
    strange = compare_numerics(make_numerics(), make_numerics({"jax/dot/f32/9": OTHER}))
    newer = compare_numerics(make_numerics(), make_numerics(probe=2))

    assert (strange.outcome, newer.outcome) == ("unchecked", "unchecked")
    assert "no operation that both sides computed" in summarise(strange)
    assert "another version" in summarise(newer)


def test_versions_and_profiles_that_differ_are_shown() -> None:
    seen = make_numerics(profile="portable", libraries={"torch": "2.14.0", "scipy": "1.17"})
    text = render_agreement(compare_numerics(make_numerics(), seen))

    assert "torch: recorded 2.13.0, here 2.14.0" in text
    assert "scipy: recorded not there, here 1.17" in text
    assert "profile: recorded native, here portable" in text


def test_many_that_disagree_are_counted() -> None:
    one = {f"numpy/op{number:03}/f32/9": "0" * 16 for number in range(100)}
    found = compare_numerics(make_numerics(one), make_numerics(dict.fromkeys(one, OTHER)))

    assert summarise(found).endswith("numpy/op007 and 92 more")
    assert "and 60 more" in render_agreement(found)
    assert "op099" in render_agreement(found, verbose=True)


def test_a_probe_for_people_has_a_line_for_each_library() -> None:
    text = render_numerics(make_numerics(failed={"torch/sort/i64/9": "RuntimeError: no\x1b[31m"}))
    [line] = [line for line in text.splitlines() if line.startswith("torch")]

    assert line.split() == ["torch", "2.13.0", "10", "1.50", digest_of(OPERATIONS)]
    assert "AMD EPYC, profile native, 2 threads" in text
    assert "imports took 2.5 s" in text
    assert "\x1b" not in text
    assert "torch/matmul/f32/10x10" not in text
    assert "torch/matmul/f32/10x10" in render_numerics(make_numerics(), verbose=True)


def test_one_digest_stands_for_all_operations() -> None:
    assert digest_of(OPERATIONS) == digest_of(dict(reversed(OPERATIONS.items())))
    assert digest_of(OPERATIONS) != digest_of({**OPERATIONS, "torch/matmul/f32/10x10": OTHER})
