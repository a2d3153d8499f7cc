"""Puts `tests/` and what runs inside images on the path; leaves out what this machine cannot run, and says why.

With CI=true nothing may be left out: there, a test whose tool is missing fails.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from builders.frameworks import Frameworks

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "reprobuild" / "runtime")]


@pytest.fixture(scope="session")
def frameworks(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> "Iterator[Frameworks]":
    """An image with PyTorch, NumPy, SciPy and scikit-learn; tests that take it are marked network and sandbox."""
    from builders.frameworks import shared_frameworks

    base = tmp_path_factory.getbasetemp()
    with shared_frameworks(base.parent if hasattr(request.config, "workerinput") else base) as made:
        yield made


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose mark asks for what is not here."""
    from builders.machine import CHECKS

    for mark in sorted({mark.name for mark in item.iter_markers()} & CHECKS.keys()):
        if reason := CHECKS[mark]():
            if os.environ.get("CI") == "true":
                pytest.fail(f"{mark}: {reason}; with CI=true nothing is left out", pytrace=False)
            pytest.skip(f"{mark}: {reason}")
