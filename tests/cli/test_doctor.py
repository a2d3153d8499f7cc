"""`reprobuild doctor` on this very machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def asked(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "REPROBUILD_STORE": str(folder / "store"), **variables}
    argv = [sys.executable, "-m", "reprobuild", "--project", str(folder), "doctor", *words]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.sandbox
def test_a_sandbox_is_really_started_and_the_status_says_whether_the_core_works(tmp_path: Path) -> None:
    done = asked(tmp_path, "--json")
    checkup = json.loads(done.stdout)
    rows = {row["name"]: row for row in checkup["rows"]}

    assert rows["sandbox"]["state"] == "ok", rows["sandbox"]
    assert rows["sandbox"]["found"].endswith("a sandbox was started")
    assert done.returncode == (0 if checkup["works"] else 4)
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_machine_on_which_nothing_is_installed_is_told_what_to_do(tmp_path: Path) -> None:
    done = asked(
        tmp_path, PATH="/nowhere", DOCKER_HOST=f"unix://{tmp_path}/none", CONTAINER_HOST=f"unix://{tmp_path}/none"
    )
    lines = done.stdout.splitlines()

    assert done.returncode == 4
    assert "– sandbox             bwrap is not installed" in lines
    assert any(line.endswith("→ sudo apt-get install --yes bubblewrap") for line in lines)
    assert "wanting: engine" in lines[-1]
    assert "Traceback" not in done.stderr
