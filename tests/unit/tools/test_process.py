import os
import time
from pathlib import Path

import pytest

from reprobuild.ground.errors import ToolError
from reprobuild.tools.process import ask_process, run_process


def test_a_program_answers_with_its_status_and_both_outputs() -> None:
    done = run_process(["sh", "-c", "echo out; echo err >&2; exit 3"])

    assert (done.status, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_a_program_reads_what_it_is_asked() -> None:
    assert ask_process(["cat"], "host.example").stdout == "host.example"


def test_a_program_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ToolError, match="nowhere-at-all: not found"):
        run_process(["nowhere-at-all"])


def test_what_a_slow_program_started_ends_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(ToolError, match="sh: no answer within 1 s"):
        run_process(["sh", "-c", f"sleep 600 & echo $! > {child}.part; mv {child}.part {child}; wait"], timeout=1)

    pid = int(child.read_text())
    for _ in range(300):
        if not _runs(pid):
            return
        time.sleep(0.1)
    os.kill(pid, 9)
    pytest.fail("the program's own child still runs")


def _runs(pid: int) -> bool:
    """A killed process that nobody has waited for yet is a zombie (proc_pid_stat(5), state Z)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
