"""Our closure against apt's own, and both shipped bases, on the archives that apt is configured with."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.lock.bases import read_base
from reprobuild.lock.debian.resolver import resolve
from reprobuild.lock.debian.universe import Universe
from reprobuild.steps.lock.debian import lock_debian, read_universe
from reprobuild.steps.world import World
from reprobuild.tools.apt import find_mirrors
from reprobuild.tools.fetch import HttpFetcher
from reprobuild.tools.settings import read_settings
from reprobuild.tools.store import Store

pytestmark = [pytest.mark.network, pytest.mark.slow]

BASE = "debian12-python311"
# Names in alphabetical order, as we walk them: apt's choice among alternatives depends on the order it is asked in.
SETS = [
    "python3",
    "libgomp1",
    "ca-certificates tzdata",
    "python3-distutils python3-venv",
    "python3-numpy",
    "python3-scipy python3-sklearn",
    "python3-matplotlib python3-pandas",
    "libopenblas0 python3-numpy",
    "libblas3 liblapack3",
    "build-essential",
    "build-essential gfortran",
    "clang cmake ninja-build",
    "git git-lfs",
    "ffmpeg",
    "imagemagick",
    "libopencv-dev",
    "openmpi-bin",
    "mpich",
    "mpich openmpi-bin",
    "mpich python3-mpi4py",
    "libhdf5-dev",
    "libhdf5-mpich-dev libhdf5-openmpi-dev",
    "default-jdk",
    "r-base",
    "octave",
    "libboost-all-dev",
    "nodejs npm",
    "golang",
    "rustc",
    "gnuplot-nox graphviz",
    "nginx openssh-server",
    "postgresql",
    "mariadb-server",
    "php",
    "php-ml-json-ld",  # a virtual package alone: six providers of one priority
    "libgdal-dev",
    "libgl1 libosmesa6",
    "libsndfile1 sox",
    "sudo systemd-sysv",
    "dbus-x11 sysvinit-core",
    "texlive-latex-base",
    "gnome-core",
    "mailutils nullmailer",
    "bsd-mailx exim4-daemon-heavy",
    # What is asked for first would take exim4, whose `Conflicts` and what is asked for second exclude each other.
    "aide postfix-pcre",
    "mdadm postfix-pcre",
    "at postfix-pcre",
    "cron-apt postfix-lmdb",
    # An init system against the first choice of what needs a session; libelogind0 against libsystemd0.
    "gvfs sysvinit-core",
    "libpam-elogind needrestart",
]
# Neither apt nor we can have these.
IMPOSSIBLE = [
    "exim4-daemon-light postfix",
    "libcurl4-gnutls-dev libcurl4-openssl-dev",
    "dbus-user-session sysvinit-core",
    "pipewire-audio pulseaudio",
    "default-mta postfix-pcre",
    "mail-transport-agent",
    "no-such-package-anywhere",
]
Apt = Callable[[Sequence[str]], "dict[str, str] | None"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(read_settings(os.environ), Store(tmp_path_factory.mktemp("store")))
    yield world
    assert isinstance(world.fetch, HttpFetcher)
    world.fetch.close()


def mirrors_of(world: World) -> Callable[[str], Sequence[str]]:
    return lambda suite: find_mirrors(suite, "main", world.settings, world.runner)


@pytest.fixture(scope="module")
def universe(world: World) -> Universe:
    base, keys = read_base(BASE, Path())
    return read_universe(
        base, keys, fetch=world.fetch, mirrors=mirrors_of(world), store=world.store, now=datetime.now(UTC)
    )


@pytest.fixture(scope="module")
def apt(world: World, tmp_path_factory: pytest.TempPathFactory) -> Apt:
    """What apt would install with nothing installed, from the base's suites alone; None when it refuses."""
    root = tmp_path_factory.mktemp("apt")
    base, keys = read_base(BASE, Path())
    (root / "keys.gpg").write_bytes(keys)
    options = apt_options(root)
    mirrors = mirrors_of(world)
    signed = f"deb [arch=amd64 signed-by={root}/keys.gpg]"
    lines = [f"{signed} {mirrors(suite.name)[0]} {suite.name} main\n" for suite in base.suites]
    (root / "sources.list").write_text("".join(lines))
    update = run_apt([*options, "update"])
    assert update.returncode == 0, update.stderr

    def choose(names: Sequence[str]) -> dict[str, str] | None:
        done = run_apt([*options, "--simulate", "install", *names])
        if done.returncode:
            return None
        return {found[1]: found[2] for found in re.finditer(r"^Inst (\S+) \((\S+) ", done.stdout, re.MULTILINE)}

    return choose


def apt_options(root: Path) -> list[str]:
    """apt in a folder of its own: nothing of the machine but its network settings."""
    for folder in ("state/lists/partial", "cache/archives/partial", "none"):
        (root / folder).mkdir(parents=True)
    (root / "status").touch()
    settings = {
        "Dir::State": f"{root}/state",
        "Dir::State::status": f"{root}/status",
        "Dir::Cache": f"{root}/cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        "Dir::Etc::sourcelist": f"{root}/sources.list",
        "Dir::Etc::sourceparts": f"{root}/none",
        "Dir::Etc::preferences": f"{root}/none/preferences",
        "Dir::Etc::preferencesparts": f"{root}/none",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Install-Recommends": "false",
        "APT::Install-Suggests": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def run_apt(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", *arguments], capture_output=True, text=True, check=False, env={**environment, "LC_ALL": "C"}
    )


@pytest.mark.parametrize("names", SETS)
def test_the_closure_is_what_apt_chooses(names: str, universe: Universe, apt: Apt) -> None:
    ours = {package.name: package.version for package in resolve(universe, names.split())}

    assert ours == apt(names.split())


@pytest.mark.parametrize("names", IMPOSSIBLE)
def test_what_apt_refuses_is_refused(names: str, universe: Universe, apt: Apt) -> None:
    with pytest.raises(InputError):
        resolve(universe, names.split())
    assert apt(names.split()) is None


def test_the_first_base_is_locked_whole_and_like_apt(world: World, apt: Apt) -> None:
    base, keys = read_base(BASE, Path())

    lock = lock_debian(
        base,
        keys,
        ["libgomp1"],
        fetch=world.fetch,
        mirrors=mirrors_of(world),
        store=world.store,
        now=datetime.now(UTC),
    )

    wanted = sorted({*base.packages, "libgomp1", base.python.package})
    assert {item.name: item.version for item in lock.artifacts} == apt(wanted)
    assert lock.python.startswith("3.11.")
    assert lock.glibc == (2, 36)


def test_the_second_base_has_another_python(world: World) -> None:
    base, keys = read_base("debian13-python313", Path())
    known = mirrors_of(world)

    def mirrors(suite: str) -> Sequence[str]:
        try:
            return known(suite)
        except ToolError:  # a mirror serves both releases below one root
            return known(suite.replace("trixie", "bookworm"))

    lock = lock_debian(
        base, keys, ["libgomp1"], fetch=world.fetch, mirrors=mirrors, store=world.store, now=datetime.now(UTC)
    )

    names = {item.name for item in lock.artifacts}
    assert {"python3.13", "libgomp1", "libc6", "libstdc++6", "bash"} <= names
    assert not any(name.startswith("python3.11") for name in names)
    assert lock.python.startswith("3.13.")
    assert lock.glibc == (2, 41)
