"""Real pip-tools and uv on an index on loopback, and once on the one that pip is configured with."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders.index import Index, digest, pip_environment, serving
from builders.wheels import make_sdist, make_wheel, wheel_name

from reprobuild.ground.errors import InputError, ReprobuildError
from reprobuild.lock.python.target import Target
from reprobuild.lock.python.wheels import NoWheelError
from reprobuild.steps.lock.python import Outside, PythonLock, lock_python, read_requirements, wheel_urls
from reprobuild.tools.fetch import HttpFetcher
from reprobuild.tools.pip import PipIndex, read_pip_sources
from reprobuild.tools.process import run_process
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store

pytestmark = pytest.mark.slow
HERE = ".".join(map(str, sys.version_info[:3]))
RESOLVERS = ("pip-tools", "uv")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index on loopback that is all that pip knows."""
    with serving(Index()) as served:
        environment = pip_environment(tmp_path / "home", os.environ, INDEX_URL=served.url, TIMEOUT="5")
        environment |= {"UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0"}
        for name in os.environ.keys() - environment.keys():
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield served


def offer(index: Index, name: str, version: str, *needs: str, tag: str = "py3-none-any", python: str = "") -> bytes:
    wheel = make_wheel(name, version, requires_dist=needs, tag=tag, requires_python=python)
    filename = wheel_name(name, version, tag)
    index.add(filename, wheel)
    if python:
        index.requires_python[filename] = python
    return wheel


def outside(tmp_path: Path) -> Outside:
    sources = read_pip_sources(run_process)
    return Outside(HttpFetcher(timeout=sources.timeout), run_process, Store(tmp_path / "store"), sources)


def lock(tmp_path: Path, requirements: str, resolver: str = "pip-tools", python: str = HERE) -> PythonLock:
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    (project / "requirements.in").write_text(requirements)
    target = Target(python, (2, 36))
    return lock_python(project, ["requirements.in"], resolver, target, outside(tmp_path), Silent())


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_a_lock_names_one_wheel_a_pin_and_no_place(index: Index, tmp_path: Path, resolver: str) -> None:
    version = "cp{}{}".format(*sys.version_info[:2])
    best = offer(index, "alpha", "1.0", "beta[fast]>=1; python_version >= '3'", tag=f"{version}-{version}-linux_x86_64")
    offer(index, "alpha", "1.0", "beta[fast]>=1; python_version >= '3'")
    beta = make_wheel("beta", "1.5", requires_dist=["gamma; extra == 'fast'"], extras=["fast"])
    index.add(wheel_name("beta", "1.5"), beta)
    offer(index, "gamma", "0.1")

    made = lock(tmp_path, "alpha\n", resolver)

    assert [(item.name, item.version, item.size, item.sha256) for item in made.artifacts][:2] == [
        ("alpha", "1.0", len(best), digest(best)),
        ("beta", "1.5", len(beta), digest(beta)),
    ]
    assert [item.name for item in made.artifacts] == ["alpha", "beta", "gamma"]
    assert made.notes == ()
    assert made.requirements.count("--hash=sha256:") == 4
    assert "127.0.0.1" not in made.requirements
    assert str(tmp_path) not in made.requirements


def test_no_requirement_files_make_an_empty_lock(index: Index, tmp_path: Path) -> None:
    target = Target(HERE, (2, 36))

    assert lock_python(tmp_path, [], "pip-tools", target, outside(tmp_path), Silent()) == PythonLock("", ())


def test_included_and_constraining_files_count(index: Index, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        offer(index, "alpha", version)
    offer(index, "beta", "1.0")
    (tmp_path / "project" / "deps").mkdir(parents=True)
    (tmp_path / "project" / "deps" / "base.in").write_text("alpha\n-c limits.txt\n")
    (tmp_path / "project" / "deps" / "limits.txt").write_text("alpha<2\nnever==7\n")

    made = lock(tmp_path, "-r deps/base.in\nbeta\n")

    assert [(item.name, item.version) for item in made.artifacts] == [("alpha", "1.0"), ("beta", "1.0")]
    _, digests = read_requirements(tmp_path / "project", ["requirements.in"])
    assert list(digests) == ["requirements.in", "deps/base.in", "deps/limits.txt"]


def test_what_only_the_images_patch_version_needs_is_found_and_uv_is_named(index: Index, tmp_path: Path) -> None:
    minor = "{}.{}".format(*sys.version_info[:2])
    offer(index, "redis", "5.0", f'async-timeout; python_full_version < "{minor}.1"')
    offer(index, "async-timeout", "4.0")

    made = lock(tmp_path, "redis\n", python=f"{minor}.0")

    assert [item.name for item in made.artifacts] == ["async-timeout", "redis"]
    said = "pip-tools resolves for this machine's Python, and redis needs async-timeout, which is not locked: "
    assert made.notes == (f"{said}resolved with uv for CPython {minor}.0 on x86_64 with glibc 2.36",)


def test_what_only_this_machines_python_needs_is_left_out(index: Index, tmp_path: Path) -> None:
    minor = "{}.{}".format(*sys.version_info[:2])
    offer(index, "alpha", "1.0", f'surplus; python_full_version >= "{minor}.1"')
    offer(index, "surplus", "4.0")

    made = lock(tmp_path, "alpha\n", python=f"{minor}.0")

    assert [item.name for item in made.artifacts] == ["alpha"]
    assert "surplus is locked and nothing needs it" in made.notes[0]


def test_another_python_in_the_image_goes_to_uv_at_once(index: Index, tmp_path: Path) -> None:
    offer(index, "alpha", "2.0", python=">=3.99")
    offer(index, "alpha", "1.0")

    made = lock(tmp_path, "alpha\n", python="3.98.1")

    assert [item.version for item in made.artifacts] == ["1.0"]
    assert "this machine's is" in made.notes[0]


def test_a_source_distribution_is_never_run(index: Index, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    index.add("alpha-1.0.tar.gz", make_sdist("alpha", "1.0", {"setup.py": f"open({str(marker)!r}, 'w')\n"}))

    for resolver in RESOLVERS:
        with pytest.raises(InputError, match=r"there are alpha-1\.0\.tar\.gz"):
            lock(tmp_path, "alpha\n", resolver)
    assert not marker.exists()


def test_a_wheel_that_fits_nothing_is_named_with_what_exists(index: Index, tmp_path: Path) -> None:
    offer(index, "alpha", "1.0", tag="cp311-cp311-win_amd64")

    for resolver in RESOLVERS:
        with pytest.raises(InputError, match=r"alpha.*there are alpha-1\.0-cp311-cp311-win_amd64\.whl"):
            lock(tmp_path, "alpha\n", resolver)


def test_a_glibc_newer_than_the_images_is_no_wheel(index: Index, tmp_path: Path) -> None:
    offer(index, "alpha", "1.0", tag="py3-none-manylinux_2_28_x86_64")
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.in").write_text("alpha\n")

    with pytest.raises(NoWheelError, match=r"alpha 1\.0: no wheel for .* glibc 2\.17: there are alpha-1\.0-py3-none"):
        lock_python(project, ["requirements.in"], "pip-tools", Target(HERE, (2, 17)), outside(tmp_path), Silent())


@pytest.mark.parametrize("resolver", RESOLVERS)
@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        ("nosuch\n", "nosuch"),
        ("alpha==7\n", r"alpha==7.*there are alpha-1\.0"),
        ("alpha\nbeta\n", "gamma<2.*gamma>=2|gamma>=2.*gamma<2"),
        ("alpha =! 3\n", r"requirements\.in:1: not a requirement"),
    ],
)
def test_a_requirement_that_cannot_be_met_is_one_line(
    index: Index, tmp_path: Path, resolver: str, requirements: str, said: str
) -> None:
    offer(index, "alpha", "1.0", "gamma<2")
    offer(index, "beta", "1.0", "gamma>=2")
    offer(index, "gamma", "1.0")
    offer(index, "gamma", "2.0")

    with pytest.raises(InputError, match=said) as caught:
        lock(tmp_path, requirements, resolver)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_an_index_that_sends_other_bytes_is_caught(index: Index, tmp_path: Path, resolver: str) -> None:
    offer(index, "alpha", "1.0")
    other = make_wheel("alpha", "1.0", files={"evil.py": ""})
    index.replaced[f"/files/{wheel_name('alpha', '1.0')}"] = other
    index.replaced[f"/files/{wheel_name('alpha', '1.0')}.metadata"] = b"Metadata-Version: 2.1\nName: evil\n"

    with pytest.raises(InputError, match="sends other bytes") as caught:
        lock(tmp_path, "alpha\n", resolver)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.whl"))


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_an_index_that_has_lost_a_file_says_which(index: Index, tmp_path: Path, resolver: str) -> None:
    offer(index, "alpha", "1.0")
    path = f"/files/{wheel_name('alpha', '1.0')}"
    index.missing |= {path, f"{path}.metadata"}

    with pytest.raises(InputError, match=r"404.*alpha-1\.0-py3-none-any\.whl|alpha-1\.0-py3-none-any\.whl.*404"):
        lock(tmp_path, "alpha\n", resolver)


def test_an_index_that_stalls_is_told_apart_from_one_that_is_empty(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TIMEOUT", "1")
    index.stalled.add("/simple/alpha/")

    for resolver in RESOLVERS:
        with pytest.raises(ReprobuildError, match="timed out") as caught:
            lock(tmp_path, "alpha\n", resolver)
        assert "\n" not in str(caught.value)


def test_metadata_is_read_from_the_wheel_where_the_index_serves_none(index: Index, tmp_path: Path) -> None:
    index.metadata = index.json = False
    wheel = offer(index, "alpha", "1.0")

    made = lock(tmp_path, "alpha\n")

    assert [(item.size, item.sha256) for item in made.artifacts] == [(len(wheel), digest(wheel))]
    assert Store(tmp_path / "store").has(digest(wheel))


def test_find_links_and_an_index_on_disk_serve_as_well(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, simple = tmp_path / "wheels", tmp_path / "simple" / "beta"
    folder.mkdir()
    simple.mkdir(parents=True)
    beta = make_wheel("beta", "1.0")
    (folder / wheel_name("alpha", "1.0")).write_bytes(make_wheel("alpha", "1.0", requires_dist=["beta"]))
    (simple / wheel_name("beta", "1.0")).write_bytes(beta)
    link = f"{wheel_name('beta', '1.0')}#sha256={digest(beta)}"
    (simple / "index.html").write_text(f'<!DOCTYPE html><a href="{link}">{wheel_name("beta", "1.0")}</a>')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", "wheels")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", simple.parent.as_uri())

    locks = [lock(tmp_path, "alpha\n", resolver) for resolver in RESOLVERS]

    assert locks[0].artifacts == locks[1].artifacts
    assert [item.name for item in locks[0].artifacts] == ["alpha", "beta"]
    doors = outside(tmp_path)
    assert wheel_urls(locks[0].artifacts[1], PipIndex(doors.sources, doors.fetch)) == [
        (simple / wheel_name("beta", "1.0")).as_uri()
    ]


def test_files_beside_the_requirements_do_not_change_the_lock(index: Index, tmp_path: Path) -> None:
    offer(index, "alpha", "1.0")
    offer(index, "alpha", "2.0a1")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.pip-tools]\npre = true\n[tool.uv]\nprerelease = 'allow'\n")
    (project / ".pip-tools.toml").write_text("[tool.pip-tools]\npre = true\n")
    (project / "uv.toml").write_text("prerelease = 'allow'\n")

    assert [lock(tmp_path, "alpha\n", resolver).artifacts[0].version for resolver in RESOLVERS] == ["1.0", "1.0"]


SCRIPT = """
import hashlib, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {scenarios!r}]
import test_python_lock as scenario
made = scenario.lock(Path(sys.argv[1]), "alpha\\n", sys.argv[2])
print(hashlib.sha256(repr(made).encode()).hexdigest())
"""


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_the_same_inputs_give_the_same_bytes_anywhere(index: Index, tmp_path: Path, resolver: str) -> None:
    offer(index, "alpha", "1.0", "beta", "Gamma")
    offer(index, "beta", "1.0")
    offer(index, "Gamma", "1.0")
    here = Path(__file__).parent
    script = SCRIPT.format(tests=str(here.parent), scenarios=str(here))
    seen = set()
    for number, (zone, locale, umask) in enumerate([("UTC", "C", 0o022), ("Asia/Tokyo", "C.UTF-8", 0o077)]):
        folder = tmp_path / f"place-{number}"
        folder.mkdir()
        changed = {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(number), "HOME": str(folder)}
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder), resolver],
            env={**os.environ, **changed},
            cwd=folder,
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)

    assert len(seen) == 1


@pytest.mark.network
def test_redis_gets_async_timeout_for_debians_python(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.in").write_text("redis==5.0.1\n")
    sources = read_pip_sources(run_process)
    fetch = HttpFetcher(certificates=sources.certificates, proxy=sources.proxy, timeout=sources.timeout)
    with closing(fetch):
        doors = Outside(fetch, run_process, Store(tmp_path / "store"), sources)
        made = lock_python(project, ["requirements.in"], "pip-tools", Target("3.11.2", (2, 36)), doors, Silent())

    assert [item.name for item in made.artifacts] == ["async-timeout", "redis"]
    assert "://" not in made.requirements
