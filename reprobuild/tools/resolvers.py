"""Running the resolvers: pip-tools with pip's configuration, and uv with the same sources given by the environment."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.target import Target
from reprobuild.tools.complaints import explain, named_project
from reprobuild.tools.pip import PipSources, no_credentials
from reprobuild.tools.process import Finished, Runner

# What each keeps out: places in the output; an unpinned setuptools; the code of source distributions on this host.
PIP_TOOLS = (
    *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"),
    *("--no-config", "--no-annotate", "--no-emit-options", "--no-strip-extras", "--allow-unsafe", "--generate-hashes"),
    "--pip-args=--only-binary=:all:",
)
UV = (
    *("--quiet", "--no-header", "--no-annotate", "--no-strip-extras", "--generate-hashes", "--only-binary=:all:"),
    *("--no-config", "--no-sources", "--no-python-downloads"),
)
HINT = "change the requirement, or check that pip's sources have it: pip download --no-deps NAME"
UV_NEWEST_GLIBC = 40
"""The newest glibc 2.x that uv has a name for (`uv pip compile --help`, --python-platform)."""
TIMEOUT = 1800
"""Seconds that a resolution may take."""


class UnresolvedError(InputError):
    """A resolver found no set of versions; `project` is the one that has nothing fitting, where it names one."""

    def __init__(self, message: str, hint: str = "", project: str = "") -> None:
        super().__init__(message, hint)
        self.project = project


def compile_with_pip_tools(folder: Path, files: Sequence[str], runner: Runner, sources: PipSources) -> str:
    """The pins that pip-tools finds for requirement files of `folder`, for the Python that runs this program."""
    argv = [sys.executable, "-m", "piptools", "compile", *PIP_TOOLS, "--output-file=-", *files]
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if sources.find_links:  # folders from the root, since this runs elsewhere than where the user is
        env["PIP_FIND_LINKS"] = " ".join(sources.find_links)
    return _pins(runner(argv, cwd=folder, env=env, timeout=TIMEOUT), files, sources)


def compile_with_uv(folder: Path, files: Sequence[str], target: Target, runner: Runner, sources: PipSources) -> str:
    """The pins that uv finds for the image's exact Python and platform, from pip's own sources."""
    # A resolution needs some platform that the image can hold; which file is taken is decided by the image's own tags.
    platform = f"{target.machine}-manylinux_{target.glibc[0]}_{min(target.glibc[1], UV_NEWEST_GLIBC)}"
    argv = [
        *(sys.executable, "-m", "uv", "pip", "compile", *UV, *([] if sources.indexes else ["--no-index"])),
        *(f"--python-version={target.python}", f"--python-platform={platform}", f"--python={sys.executable}", *files),
    ]
    return _pins(runner(argv, cwd=folder, env=uv_environment(os.environ, sources), timeout=TIMEOUT), files, sources)


def uv_environment(environment: Mapping[str, str], sources: PipSources) -> dict[str, str]:
    """uv reads none of pip's configuration; told by the environment, passwords stay off the command line."""
    kept = {name: value for name, value in environment.items() if not name.startswith("UV_") or name == "UV_CACHE_DIR"}
    told = {
        # uv tries UV_INDEX before UV_DEFAULT_INDEX; unsafe-best-match looks at all of them, as pip does.
        "UV_DEFAULT_INDEX": sources.indexes[0] if sources.indexes else "",
        "UV_INDEX": " ".join(sources.indexes[1:]),
        "UV_FIND_LINKS": ",".join(sources.find_links),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": " ".join(sources.trusted_hosts),
        "SSL_CERT_FILE": sources.certificates,
        "SSL_CLIENT_CERT": sources.client_certificate,
        "HTTP_PROXY": sources.proxy,
        "HTTPS_PROXY": sources.proxy,
        "UV_HTTP_TIMEOUT": str(max(1, int(sources.timeout))),
    }
    return kept | {name: value for name, value in told.items() if value}


def _pins(done: Finished, files: Sequence[str], sources: PipSources) -> str:
    if done.status == 0:
        return done.stdout
    said = no_credentials(explain(done.stderr), sources)
    raise UnresolvedError(f"{', '.join(files)}: {said}", hint=HINT, project=named_project(said))
