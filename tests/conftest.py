"""Puts `tests/` and what runs inside images on the path; leaves out what this machine cannot run, and says why.

With CI=true nothing may be left out: there, a test whose tool is missing fails.
"""

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "reprobuild" / "runtime")]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose mark asks for what is not here."""
    from builders.machine import CHECKS

    for mark in sorted({mark.name for mark in item.iter_markers()} & CHECKS.keys()):
        if reason := CHECKS[mark]():
            if os.environ.get("CI") == "true":
                pytest.fail(f"{mark}: {reason}; with CI=true nothing is left out", pytrace=False)
            pytest.skip(f"{mark}: {reason}")
