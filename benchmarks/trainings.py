"""CPU seconds per training of tests/machines, under whatever Python runs this; `benchmarks.numerics` starts it.

Each is a process of its own, imports and all, in an empty folder. Prints one JSON object.
"""

import json
import resource
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

MACHINES = Path(__file__).parent.parent / "tests" / "machines"


def main() -> None:
    """Train each once."""
    cases = tomllib.loads((MACHINES / "cases.toml").read_text())
    json.dump({case["title"]: measure(name, case) for name, case in cases.items()}, sys.stdout)


def measure(name: str, case: dict[str, object]) -> float:
    """CPU seconds of a case, its children among them."""
    script = MACHINES / "cases" / str(case.get("script", name)) / "train.py"
    launcher, arguments = case.get("launcher", []), case.get("arguments", [])
    assert isinstance(launcher, list)
    assert isinstance(arguments, list)
    words = ["-m", "torch.distributed.run", *launcher[1:]] if launcher else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, *words, script, *arguments], cwd=folder, stdout=sys.stderr, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
