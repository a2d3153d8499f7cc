from typing import Any

import pytest
from builders.results import make_asked, make_fingerprint

from reprobuild.hardware.compare import compare_fingerprints, find_differences
from reprobuild.hardware.findings import Effect, Finding

CPU: dict[str, Any] = dict(make_fingerprint().cpu)


def findings(**changes: object) -> list[Finding]:
    return list(compare_fingerprints(make_fingerprint(), make_fingerprint(**changes), gpu=True))


def test_a_machine_is_like_itself() -> None:
    assert findings() == []


def test_other_vector_instructions_may_change_bits_and_are_named() -> None:
    (finding,) = findings(cpu={**CPU, "flags": ["avx", "nx", "avx512f"]})

    assert finding.effect is Effect.MAY
    assert (finding.recorded, finding.seen) == ("avx2 fma", "avx512f")


def test_flags_that_no_library_asks_for_do_not_matter() -> None:
    (finding,) = findings(cpu={**CPU, "flags": ["avx", "avx2", "fma"]})

    assert (finding.effect, finding.recorded) == (Effect.NONE, "nx")


@pytest.mark.parametrize(
    ("changes", "subject", "effect"),
    [
        ({"cpu": {**CPU, "vendor": "GenuineIntel"}}, "CPU vendor", Effect.MAY),
        ({"cpu": {**CPU, "cores": 64}}, "CPU cores", Effect.MAY),
        ({"cpu": {**CPU, "microcode": "0x1"}}, "CPU microcode", Effect.NONE),
        ({"memory_bytes": 16_000_000_000}, "memory", Effect.NONE),
        ({"kernel": "6.2.0"}, "kernel", Effect.NONE),
        ({"libc": "musl"}, "C library", Effect.MAY),
        ({"python": "3.13.0"}, "Python", Effect.MAY),
        ({"packages": {"numpy": "2.0.1"}}, "package numpy", Effect.MAY),
        ({"packages": {}}, "package numpy", Effect.MAY),
        ({"gpus": [{"name": "A100"}]}, "number of GPUs", Effect.WILL),
        ({"libraries": []}, "library libopenblas.so", Effect.MAY),
        (
            {"libraries": [{"file": "/usr/lib/libopenblas.so", "name": "openblas", "core": "Haswell", "threads": 2}]},
            "core of libopenblas.so",
            Effect.MAY,
        ),
        (
            {"libraries": [{"file": "/usr/lib/libopenblas.so", "name": "openblas", "core": "Zen", "threads": 4}]},
            "threads of libopenblas.so",
            Effect.MAY,
        ),
    ],
)
def test_each_fact_is_a_finding_with_its_effect(changes: dict[str, object], subject: str, effect: Effect) -> None:
    (finding,) = findings(**changes)

    assert (finding.subject, finding.effect) == (subject, effect)


def test_another_seed_is_the_first_cause_and_told_once() -> None:
    found: dict[str, Any] = {"seeds": {"numpy": 1, "random": 1}}
    other: dict[str, Any] = {"seeds": {"numpy": 7, "random": 7}}
    report = find_differences(
        (make_asked(seed=1), make_asked(seed=7)),
        (found, other),
        (make_fingerprint(), make_fingerprint(cpu={**CPU, "vendor": "GenuineIntel"}, kernel="7")),
    )

    assert [finding.subject for finding in report] == ["seed", "CPU vendor", "kernel"]
    assert report[0].effect is Effect.WILL


def test_another_numerics_profile_is_a_cause_and_told_once() -> None:
    pins: dict[str, Any] = {"pins": {"openblas-core": {"took": True, "detail": "core Haswell"}}}
    (finding,) = find_differences(
        (make_asked(), make_asked().model_copy(update={"numerics": "portable"})),
        ({}, pins),
        (make_fingerprint(), make_fingerprint()),
    )

    assert (finding.subject, finding.recorded, finding.seen) == ("numerics profile", "native", "portable")
    assert finding.effect is Effect.WILL


def test_a_pin_that_took_on_one_side_alone_is_a_cause() -> None:
    took: dict[str, Any] = {"pins": {"openblas-core": {"took": True, "detail": "core Haswell"}}}
    missed: dict[str, Any] = {"pins": {"openblas-core": {"took": False, "detail": "core Zen, not Haswell"}}}
    (finding,) = find_differences(
        (make_asked(), make_asked()), (took, missed), (make_fingerprint(), make_fingerprint())
    )

    assert (finding.subject, finding.recorded, finding.seen, finding.effect) == (
        "pin openblas-core",
        "took",
        "core Zen, not Haswell",
        Effect.MAY,
    )


def test_a_generator_that_was_not_seeded_the_same_is_a_cause() -> None:
    report = find_differences(
        (make_asked(), make_asked()),
        ({"seeds": {"numpy": 1}}, {"seeds": {}}),
        (make_fingerprint(), make_fingerprint()),
    )

    assert [(finding.subject, finding.recorded, finding.seen) for finding in report] == [("seed of numpy", "1", "–")]


def test_a_variable_that_was_set_and_is_not_is_a_finding() -> None:
    report = find_differences(
        (make_asked(), make_asked()),
        ({"environment": {"LANG": "set"}}, {"environment": {"LANG": "unset"}}),
        (make_fingerprint(), make_fingerprint()),
    )

    assert [(finding.subject, finding.recorded, finding.seen) for finding in report] == [
        ("variable LANG", "set", "unset")
    ]


def test_threads_and_problems_are_findings() -> None:
    report = find_differences(
        (make_asked(), make_asked()),
        ({"threads": {"torch": 2}}, {"threads": {"torch": 4}, "problems": ["it ended early"]}),
        (make_fingerprint(), make_fingerprint()),
    )

    assert [finding.subject for finding in report] == ["threads by torch", "problems"]


def test_facts_of_unexpected_shapes_are_compared_and_escaped() -> None:
    report = find_differences(
        (make_asked(), make_asked()),
        ({"seeds": 3, "threads": ["x"], "problems": "a\x1b[0m"}, {"seeds": {"numpy": {"deep": [1]}}}),
        (make_fingerprint(kernel="6\n"), make_fingerprint(libraries=[{"file": 3, "core": ["x\x1b"]}, {}])),
    )

    assert all(text.isprintable() for finding in report for text in (finding.subject, finding.recorded, finding.seen))


def test_another_engine_is_told_and_does_not_matter() -> None:
    report = compare_fingerprints(
        make_fingerprint(engine={"name": "sandbox", "version": "0.8.0"}),
        make_fingerprint(engine={"name": "docker", "version": "20.10.24"}),
        gpu=False,
    )

    assert [(item.subject, item.recorded, item.seen, item.effect) for item in report] == [
        ("engine", "sandbox 0.8.0", "docker 20.10.24", Effect.NONE)
    ]
