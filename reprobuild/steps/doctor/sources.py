"""Probes of what is beyond this machine: engines' daemons, pip's index, Debian's archives, conda."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from reprobuild.ground.errors import ReprobuildError, ToolError
from reprobuild.hardware.fingerprint import EngineName
from reprobuild.steps.doctor.checkup import PROGRAM_PATIENCE, Doors, Probe, Row, State
from reprobuild.tools.process import Finished, Runner

if TYPE_CHECKING:
    from reprobuild.tools.fetch import Fetcher
    from reprobuild.tools.pip import PipSources

INSTALLS = {"docker": "sudo apt-get install --yes docker.io", "podman": "sudo apt-get install --yes podman"}


def _engine(name: EngineName, doors: Doors) -> Sequence[Row]:
    from reprobuild.engines.answers import Daemon
    from reprobuild.engines.find import find_socket

    probe = DOCKER if name == "docker" else PODMAN
    path = find_socket(name, doors.environment)
    if not path.exists():
        if not doors.find_program(name):
            return [probe.row("missing", "not installed", INSTALLS[name])]
        return [probe.row("missing", f"nobody listens at {path}", Daemon(name, path).hint)]
    with Daemon(name, path, patience=doors.patience).client() as client, Daemon(name, path).answering():
        told = client.info()
        return [probe.row("ok", f"{client.version()['Version']}, storage {told['Driver']}, at {path}")]


DOCKER = Probe("docker", "--engine docker", lambda doors: _engine("docker", doors), "engine")
PODMAN = Probe("podman", "--engine podman", lambda doors: _engine("podman", doors), "engine")


def _pip(doors: Doors) -> Sequence[Row]:
    from reprobuild.tools.fetch import ForbiddenError, MissingError, redact
    from reprobuild.tools.pip import read_pip_sources

    sources = read_pip_sources(doors.run)
    if not sources.indexes:
        return [PIP.row(*_folders(sources.find_links))]
    place = f"{sources.indexes[0].rstrip('/')}/pip/"
    try:
        _answers(place, _fetcher(sources, doors))
    except (MissingError, ForbiddenError):  # it answers, and does not have this project
        pass
    except ReprobuildError as error:
        return [PIP.row("broken", str(error), "python3 -m pip config list  # the index that wheels are taken from")]
    more = f", and {len(sources.indexes) - 1} more" if len(sources.indexes) > 1 else ""
    return [PIP.row("ok", f"{redact(sources.indexes[0])} answers{more}")]


def _fetcher(sources: "PipSources", doors: Doors) -> "Fetcher":
    from reprobuild.tools.fetch import HttpFetcher

    if doors.open_fetcher:
        return doors.open_fetcher(sources)
    return HttpFetcher(
        certificates=sources.certificates,
        client_certificate=sources.client_certificate,
        proxy=sources.proxy,
        trusted_hosts=sources.trusted_hosts,
        netrc=doors.settings.netrc,
        timeout=doors.patience,
    )


def _answers(url: str, fetch: "Fetcher") -> None:
    """Return when the place sends the beginning of an answer; nothing more of it is read."""
    if urlsplit(url).scheme == "file":
        if not Path(unquote(urlsplit(url).path)).parent.is_dir():
            raise ToolError(f"{url}: not found")
        return
    with fetch.stream(url, offset=0):
        return


def _folders(places: Sequence[str]) -> tuple[State, str, str]:
    if not places:
        return "broken", "no index and no folder of wheels", "python3 -m pip config list"
    gone = [place for place in places if "://" not in place and not Path(place.removeprefix("file:")).exists()]
    if gone:
        return "broken", f"{gone[0]}: not found", "python3 -m pip config list"
    return "ok", f"no index; wheels from {len(places)} places of find-links", ""


PIP = Probe("pip's index", "lock: Python packages", _pip, "wheels")


def _archives(doors: Doors) -> Sequence[Row]:
    from reprobuild.lock.bases import read_base, shipped_bases
    from reprobuild.tools.pip import PipSources

    names = sorted(item.name.removesuffix(".toml") for item in shipped_bases().iterdir() if item.name.endswith(".toml"))
    bases: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for name in names:
        base, _ = read_base(name, doors.project)
        bases.setdefault((tuple(suite.name for suite in base.suites), base.component), []).append(name)
    fetch, doors = _fetcher(PipSources((), ()), doors), replace(doors, runner=_Remembering(doors.runner))
    return [_archive(suites, component, of, doors, fetch) for (suites, component), of in sorted(bases.items())]


class _Remembering:
    """A runner that starts no program twice with the same words: apt names all suites at once."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._done: dict[tuple[str, ...], Finished] = {}

    def __call__(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
                 timeout: float = PROGRAM_PATIENCE) -> Finished:  # fmt: skip
        """See `run_process`."""
        words = tuple(argv)
        if words not in self._done:
            self._done[words] = self._runner(argv, env=env, cwd=cwd, timeout=timeout)
        return self._done[words]


def _archive(suites: Sequence[str], component: str, bases: Sequence[str], doors: Doors, fetch: "Fetcher") -> Row:
    from reprobuild.tools.apt import find_mirrors
    from reprobuild.tools.fetch import redact

    probe = Probe(f"Debian {suites[0]}", f"lock: {', '.join(bases)}", _archives, "archives")
    try:
        mirrors = {suite: find_mirrors(suite, component, doors.settings, doors.run) for suite in suites}
    except ToolError as error:
        return probe.row("missing", str(error), error.hint)
    first = mirrors[suites[0]][0]
    try:
        _answers(f"{first}/dists/{suites[0]}/InRelease", fetch)
    except ReprobuildError as error:
        return probe.row("broken", str(error), "sudo apt-get update  # asks the same mirrors")
    return probe.row("ok", f"{redact(first)} answers; all {len(suites)} suites have a mirror")


ARCHIVES = Probe("Debian archives", "lock: Debian packages", _archives, "archives")


def _conda(doors: Doors) -> Sequence[Row]:
    programs = [name for name in ("conda", "mamba", "micromamba") if doors.find_program(name)]
    libraries = dict(_versions(("conda-lock", "py-rattler")))
    missing = sorted(name for name, number in libraries.items() if not number)
    if missing:
        names = " ".join(missing)
        return [CONDA.row("missing", f"{names}: not installed", f"{sys.executable} -m pip install {names}")]
    told = ", ".join(f"{name} {number}" for name, number in libraries.items())
    solver = f"{programs[0]} solves" if programs else "py-rattler solves: no conda is installed, and none is needed"
    return [CONDA.row("ok", f"{told}; {solver}")]


def _versions(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, ""


CONDA = Probe("conda", "[conda] environment", _conda)
SOURCES = (DOCKER, PODMAN, PIP, ARCHIVES, CONDA)
