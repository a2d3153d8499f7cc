"""Debian version numbers in their order (Debian Policy, section 5.6.12)."""

import re
from functools import lru_cache

Key = tuple[tuple[int, str], tuple[object, ...], tuple[object, ...]]
_PART = re.compile(r"([^0-9]*)([0-9]*)")


@lru_cache(maxsize=1 << 16)
def version_key(version: str) -> Key:
    """A value that orders as the version does: epoch, upstream version, Debian revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, ""
    return _number(epoch), _part_key(upstream), _part_key(revision)


def _part_key(part: str) -> tuple[object, ...]:
    pairs = [
        ((*map(_weight, letters), 0), _number(digits))
        for place, (letters, digits) in enumerate(_PART.findall(part))
        if letters or digits or place == 0  # nothing at all counts as 0
    ]
    return (*pairs, ((0,), _number("")))  # the end of a version sorts after a tilde and before everything else


def _number(digits: str) -> tuple[int, str]:
    """Orders as the number does, of however many digits."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """True when `version` stands in the relation (section 7.1) to `wanted`; no operator is always true."""
    if not operator:
        return True
    here, there = version_key(version), version_key(wanted)
    return {
        "<<": here < there,
        "<=": here <= there,
        "=": here == there,
        ">=": here >= there,
        ">>": here > there,
    }[operator]
