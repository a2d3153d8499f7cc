"""Running the resolvers: pip-tools with pip's configuration, and uv with the same sources given by the environment."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.target import Target
from reprobuild.tools.pip import PipSources, no_credentials
from reprobuild.tools.process import Finished, Runner

# What each keeps out: places in the output; an unpinned setuptools; the code of source distributions on this host.
PIP_TOOLS = (
    *("--quiet", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"),
    *("--no-annotate", "--no-emit-options", "--no-strip-extras", "--allow-unsafe", "--generate-hashes"),
    "--pip-args=--only-binary=:all:",
)
UV = (
    *("--quiet", "--no-header", "--no-annotate", "--no-strip-extras", "--generate-hashes", "--only-binary=:all:"),
    *("--no-config", "--no-sources", "--no-python-downloads"),
)
TIMEOUT = 1800
"""Seconds that a resolution may take."""


def compile_with_pip_tools(folder: Path, files: Sequence[str], runner: Runner, sources: PipSources) -> str:
    """The pins that pip-tools finds for requirement files of `folder`, for the Python that runs this program."""
    argv = [sys.executable, "-m", "piptools", "compile", *PIP_TOOLS, "--output-file=-", *files]
    done = runner(argv, cwd=folder, env={**os.environ, "PYTHONWARNINGS": "ignore"}, timeout=TIMEOUT)
    return _pins(done, files, sources)


def compile_with_uv(folder: Path, files: Sequence[str], target: Target, runner: Runner, sources: PipSources) -> str:
    """The pins that uv finds for the image's exact Python and platform, from pip's own sources."""
    platform = f"{target.machine}-manylinux_{target.glibc[0]}_{target.glibc[1]}"
    argv = [
        *(sys.executable, "-m", "uv", "pip", "compile", *UV),
        *(f"--python-version={target.python}", f"--python-platform={platform}", f"--python={sys.executable}", *files),
    ]
    return _pins(runner(argv, cwd=folder, env=uv_environment(os.environ, sources), timeout=TIMEOUT), files, sources)


def uv_environment(environment: Mapping[str, str], sources: PipSources) -> dict[str, str]:
    """uv reads none of pip's configuration; told by the environment, passwords stay off the command line."""
    kept = {name: value for name, value in environment.items() if not name.startswith("UV_")}
    told = {
        # uv tries UV_INDEX before UV_DEFAULT_INDEX; unsafe-best-match looks at all of them, as pip does.
        "UV_DEFAULT_INDEX": sources.indexes[0] if sources.indexes else "",
        "UV_INDEX": " ".join(sources.indexes[1:]),
        "UV_FIND_LINKS": ",".join(sources.find_links),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_NO_INDEX": "" if sources.indexes else "1",
        "SSL_CERT_FILE": sources.certificates,
        "HTTPS_PROXY": sources.proxy,
        "UV_HTTP_TIMEOUT": str(int(sources.timeout)),
    }
    return kept | {name: value for name, value in told.items() if value}


def _pins(done: Finished, files: Sequence[str], sources: PipSources) -> str:
    if done.status == 0:
        return done.stdout
    raise InputError(f"{', '.join(files)}: {no_credentials(explain(done.stderr), sources)}", hint=HINT)


HINT = "change the requirement, or check that pip's sources have it: pip download --no-deps NAME"
_TELLING = (
    r"Could not find a version that (?:satisfies|matches).*",
    r"No matching distribution found for .*",
    r"Because .*",
    r"(?:Connection|Read) ?timed? ?out.*",
    r".*ResolutionImpossible.*",
    r"(?:ERROR|error): .*",
)


def explain(stderr: str) -> str:
    """The one line of a resolver's complaint that says what is wrong."""
    # uv wraps its explanation over lines that start with spaces; pip-tools puts the reason last.
    text = re.sub(r"\n\s+(?!There are|Tried)", " ", stderr)
    lines = [line.strip(" ×╰─▶↳") for line in text.splitlines()]
    for pattern in _TELLING:
        for line in lines:
            if found := re.search(pattern, line):
                return re.sub(r"\s+", " ", found[0])[:400]
    return next((line for line in reversed(lines) if line), "the resolver failed without a word")
