"""Scripts that run with the injected runtime in real interpreters, and frameworks played by small modules."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

RUNTIME = Path(str(files("reprobuild") / "runtime"))
SEED = 1234


class Run:
    """A script that ran with the runtime: what it printed as JSON, and what was told of each main process."""

    def __init__(self, folder: Path, script: str, environment: Mapping[str, str] = {}, *options: str) -> None:
        (folder / "found").mkdir(exist_ok=True)
        (folder / "train.py").write_text(script)
        self.done = subprocess.run(
            [sys.executable, *options, "train.py"],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{RUNTIME}:{folder / 'packages'}",
                "PYTHONHASHSEED": str(SEED),
                "REPROBUILD_SEED": str(SEED),
                "REPROBUILD_THREADS": "2",
                "REPROBUILD_FOUND": str(folder / "found"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.told = [json.loads(path.read_bytes()) for path in sorted((folder / "found").glob("*.json"))]

    @property
    def printed(self) -> Any:
        assert self.done.returncode == 0, self.done.stderr
        return json.loads(self.done.stdout)

    @property
    def main(self) -> dict[str, Any]:
        [told] = [told for told in self.told if told["main"]]
        return dict(told)


TORCH = """
import types
calls = []
manual_seed = lambda seed: calls.append(["manual_seed", seed])
set_num_threads = lambda count: calls.append(["set_num_threads", count])
set_deterministic_debug_mode = lambda mode: calls.append(["deterministic", mode])
backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(benchmark=True, deterministic=False), cpu=None)
initial_seed = lambda: calls[-1][1] if calls[-1][0] == "manual_seed" else 1234
are_deterministic_algorithms_enabled = is_deterministic_algorithms_warn_only_enabled = lambda: True
get_num_threads = get_num_interop_threads = lambda: 2
"""


def install(folder: Path, name: str, text: str) -> None:
    package = folder / "packages" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(text)
