"""Examples of Debian Policy, section 5.6.12, and of dpkg's own tests."""

import itertools

import pytest

from reprobuild.lock.debian.version import satisfies, version_key

ORDERED = ["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-0.1", "1.0-1~bpo", "1.0-1", "1.0a", "1.0+", "1.0.1", "1.1", "1:0.9"]
PAIRS = [
    ("0", "<<", "a"),
    ("1.2.3", "<<", "1.10"),
    ("1.0-1+b1", "<<", "1.0-1+deb12u1"),
    ("2.36-9+deb12u9", "<<", "2.36-9+deb12u10"),
    ("1.0", "=", "1.0-0"),
    ("0:1.0", "=", "1.0"),
    ("1.00", "=", "1.0"),
    ("1.0-1", "<<", "1.0.0-1"),
    ("1-2-3", ">>", "1-2-2"),
    ("3.11.2-6+deb12u9", ">=", "3.11.2-1~"),
    ("3.11.2-1+b1", "<<", "3.12"),
    ("a", "<<", "+"),
    ("20231010~deb12u1", "<<", "20231010"),
]


def test_every_version_of_the_ladder_sorts_after_those_before_it() -> None:
    for low, high in itertools.combinations(ORDERED, 2):
        assert version_key(low) < version_key(high), (low, high)


@pytest.mark.parametrize(("left", "operator", "right"), PAIRS)
def test_a_relation_holds(left: str, operator: str, right: str) -> None:
    assert satisfies(left, operator, right)


@pytest.mark.parametrize(
    ("operator", "lower", "equal", "higher"),
    [
        ("<<", True, False, False),
        ("<=", True, True, False),
        ("=", False, True, False),
        (">=", False, True, True),
        (">>", False, False, True),
    ],
)
def test_each_operator_means_what_policy_says(operator: str, lower: bool, equal: bool, higher: bool) -> None:
    seen = tuple(satisfies(version, operator, "2") for version in ("1", "2", "3"))

    assert seen == (lower, equal, higher)


def test_no_operator_is_met_by_any_version() -> None:
    assert satisfies("0", "", "")
