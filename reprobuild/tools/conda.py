"""Running conda-lock: behind its `--conda` stands conda, mamba or micromamba, or our own program over py-rattler."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.ground.urls import scrub
from reprobuild.lock.conda.target import PLATFORMS
from reprobuild.tools.complaints import explain
from reprobuild.tools.conda_solver import Question, read_answer, write_question
from reprobuild.tools.pip import PipSources
from reprobuild.tools.process import Finished, Runner

PROGRAMS = ("conda", "mamba", "micromamba")
OURS = "reprobuild-conda"
TIMEOUT = 1800
"""Seconds that a resolution may take."""
HINT = "change environment.yml, or check that its channels have it"


@dataclass(frozen=True)
class Solution:
    """`conda-lock.yml` as conda-lock wrote it, and what the solver told of each package, by name."""

    data: bytes
    records: Mapping[str, Mapping[str, Any]]
    program: str


def find_conda() -> str:
    """The path of the first conda on the PATH, or "" for none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), "")


def run_conda_lock(
    folder: Path,
    environment: str,
    output: str,
    channels: Mapping[str, Sequence[str]],
    virtual: Mapping[str, str],
    *,
    architecture: str,
    cache: Path,
    runner: Runner,
    sources: PipSources,
    conda: str,
) -> Solution:
    """What conda-lock finds for a file of `folder`, a copy; InputError in one line when there is no solution.

    `output` is the place of its lock below `folder`, and `conda` a program or "" for our own. Certificates and proxy
    are pip's, as for all downloads.
    """
    tools = folder / ".reprobuild-tools"
    tools.mkdir(mode=0o700)
    platform = PLATFORMS[architecture][0]
    write_question(Question({name: list(of) for name, of in channels.items()}, conda, str(cache)), tools / "question")
    _write_virtual(tools / "virtual.yml", platform, virtual)
    (tools / "names.json").write_text("{}")  # conda-lock would download a list for wheels, of which it locks none
    (folder / output).parent.mkdir(parents=True, exist_ok=True)
    argv = [
        *(sys.executable, "-m", "conda_lock", "lock", "--log-level", "ERROR", "--file", environment),
        *("--lockfile", output, "--platform", platform, "--conda", str(_wrapper(tools, conda))),
        *("--virtual-package-spec", str(tools / "virtual.yml")),
        *("--pypi_to_conda_lookup_file", str(tools / "names.json")),
    ]
    done = runner(argv, cwd=folder, env=conda_environment(os.environ, tools, sources), timeout=TIMEOUT)
    answer = read_answer(tools)
    if done.status or not (folder / output).is_file():
        raise InputError(f"{environment}: {_complaint(done, answer)}", hint=HINT)
    records = {str(record.get("name")): record for record in answer.get("packages", []) if isinstance(record, dict)}
    return Solution((folder / output).read_bytes(), records, Path(conda).name)


def _wrapper(tools: Path, conda: str) -> Path:
    """A program that bears the name of the one it stands for: conda-lock speaks another way to micromamba."""
    path = tools / (Path(conda).name or OURS)
    words = [sys.executable, "-P", "-m", "reprobuild.tools.conda_solver", str(tools / "question")]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o700)
    return path


def _write_virtual(path: Path, platform: str, virtual: Mapping[str, str]) -> None:
    lines = "".join(f'      {name}: "{version}"\n' for name, version in sorted(virtual.items()))
    path.write_text(f"subdirs:\n  {platform}:\n    packages:\n{lines}")


def conda_environment(environment: Mapping[str, str], temporary: Path, sources: PipSources) -> dict[str, str]:
    """What would change a solution is left out; conda-lock's temporary folders go away with ours."""
    left_out = ("CONDA_OVERRIDE_", "CONDA_LOCK_")
    kept = {name: value for name, value in environment.items() if not name.startswith(left_out)}
    told = {
        "SSL_CERT_FILE": sources.certificates,
        "REQUESTS_CA_BUNDLE": sources.certificates,
        "HTTP_PROXY": sources.proxy,
        "HTTPS_PROXY": sources.proxy,
        "PYTHONWARNINGS": "ignore",
        "TMPDIR": str(temporary),
    }
    return kept | {name: value for name, value in told.items() if value}


def _complaint(done: Finished, answer: Mapping[str, Any]) -> str:
    said = scrub(str(answer["error"]) if "error" in answer else done.stderr)
    if not said.strip():
        raise ToolError(f"conda-lock: ended with {done.status} without a word")
    return explain_conda(said) if "error" in answer else explain(said)


def explain_conda(text: str) -> str:
    """The one line of a solver's complaint that says what is wrong: a drawn tree is written out in a row."""
    said: list[str] = []
    for part in text.split("\nCaused by: "):
        line = " ".join(word for word in re.split(r"[\s│├└─╰┌]+", part) if word)
        if not any(line in before for before in said):
            said.append(line)
    return ": ".join(said).removeprefix("Cannot solve the request because of: ")[:400]
