"""The real conda-lock on real channels on loopback, our program or a conda behind it; and what goes wrong."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from builders.conda import make_conda, serve_channel, write_channel
from builders.debian_archive import Mirror
from builders.images import image_base

from reprobuild.ground.errors import InputError, ReprobuildError
from reprobuild.lock.artifact import Artifact
from reprobuild.steps.image.downloads import download_all
from reprobuild.steps.lock.conda import lock_conda
from reprobuild.steps.lock.system import System
from reprobuild.steps.world import World
from reprobuild.tools.channels import default_place
from reprobuild.tools.progress import Silent
from reprobuild.tools.settings import Settings
from reprobuild.tools.store import Store

pytestmark = pytest.mark.slow
SYSTEM = System(image_base(), "3.11.2", (2, 36), ())
PACKAGES = [
    make_conda("one", depends=["two >=1", "__glibc >=2.17", "__archspec 1 x86_64"]),
    make_conda("two", "1.5", noarch="generic"),
    make_conda("two", "1.4", noarch="generic"),
    make_conda("newer-libc", depends=["__glibc >=2.50"]),
    make_conda("gpu", depends=["__cuda >=12"]),
    make_conda("quarrel", depends=["one", "two <1"]),
    make_conda("python", "3.11.9", {"bin/python3.11": "x"}),
]


def environment(*dependencies: str, channels: Sequence[str] = ("tests",)) -> str:
    return yaml.safe_dump({"channels": list(channels), "dependencies": list(dependencies)})


class Project:
    """A folder with an environment, and the world in which it is locked."""

    def __init__(self, folder: Path, *places: str, **more: Sequence[str]) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        conda = {"tests": tuple(places), **{name: tuple(of) for name, of in more.items()}}
        settings = Settings(folder / "store", conda=conda, home=folder)
        self.world = World(settings, Store(folder / "store"))

    def lock(self, text: str, system: System = SYSTEM) -> tuple[System, str]:
        (self.folder / "environment.yml").write_text(text)
        return lock_conda(self.folder, "environment.yml", system, self.world, Silent())

    def refusal(self, text: str, system: System = SYSTEM) -> str:
        with pytest.raises(ReprobuildError) as caught:
            self.lock(text, system)
        assert "\n" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value) or "http://" in str(caught.value)
        return str(caught.value)

    def download(self, artifacts: Sequence[Artifact]) -> None:
        download_all(artifacts, SYSTEM.base, self.world, Silent())


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """A channel without any fault."""
    with serve_channel(tmp_path_factory.mktemp("channel"), PACKAGES) as served:
        yield served


@pytest.fixture(autouse=True)
def no_conda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without any conda, and none of this user's configuration."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def project(tmp_path: Path, mirror: Mirror) -> Project:
    """A project whose channel is well."""
    return Project(tmp_path, f"{mirror.url}/tests")


def test_a_lock_has_every_package_with_its_digest_and_size(project: Project) -> None:
    system, text = project.lock(environment("one", "python"))
    packages = {Path(path).name: data for path, data in PACKAGES}

    assert [(item.name, item.version, item.path) for item in system.artifacts] == [
        ("one", "1.0", "linux-64/one-1.0-0.conda"),
        ("python", "3.11.9", "linux-64/python-3.11.9-0.conda"),
        ("two", "1.5", "noarch/two-1.5-0.conda"),
    ]
    for item in system.artifacts:
        assert (item.size, item.sha256) == (
            len(packages[item.filename]),
            hashlib.sha256(packages[item.filename]).hexdigest(),
        )
    assert system.python == "3.11.9"
    assert system.base.python.executable == "/opt/conda/bin/python3.11"
    assert [entry["name"] for entry in yaml.safe_load(text)["package"]] == ["one", "python", "two"]


def test_the_same_lock_from_anywhere(tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "zwei größe").mkdir()
    here = Project(tmp_path / "one", f"{mirror.url}/tests").lock(environment("one"))
    write_channel(tmp_path / "zwei größe" / "channel", PACKAGES)
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.99")
    monkeypatch.chdir("/")
    before = os.umask(0o077)
    try:
        place = (tmp_path / "zwei größe" / "channel").as_uri()
        there = Project(tmp_path / "zwei größe", place).lock(environment("one"))
    finally:
        os.umask(before)

    assert here == there


def test_conda_lock_itself_reads_and_renders_the_file(project: Project, tmp_path: Path) -> None:
    _, text = project.lock(environment("one"))
    path = tmp_path / "conda-lock.yml"
    path.write_text(text)
    parse = (
        "import sys, pathlib; from conda_lock.lockfile import parse_conda_lock_file as parse;"
        "print([(p.name, p.hash.sha256) for p in parse(pathlib.Path(sys.argv[1])).package])"
    )
    read = subprocess.run([sys.executable, "-c", parse, str(path)], capture_output=True, text=True, check=True)
    argv = [sys.executable, "-m", "conda_lock", "render", "--kind", "explicit", "--platform", "linux-64", str(path)]
    subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)
    lines = (tmp_path / "conda-linux-64.lock").read_text().splitlines()

    assert [name for name, _ in eval(read.stdout)] == ["two", "one"]
    assert "@EXPLICIT" in lines
    urls = [line.partition("#")[0] for line in lines if "://" in line]
    assert urls == [
        f"{default_place('tests')}/{path}" for path in ("noarch/two-1.5-0.conda", "linux-64/one-1.0-0.conda")
    ]


def test_nothing_in_the_lock_names_a_mirror_a_password_or_a_folder(tmp_path: Path, mirror: Mirror) -> None:
    place = f"{mirror.url}/tests".replace("://", "://user:secret@")
    system, text = Project(tmp_path, place).lock(environment("one"))
    told = text + "".join(item.model_dump_json() for item in system.artifacts)

    assert not any(word in told for word in ("127.0.0.1", "secret", str(tmp_path), "/tmp"))
    assert {item.source for item in system.artifacts} == {"tests"}


def test_packages_are_downloaded_from_the_places_of_this_machine(tmp_path: Path, mirror: Mirror) -> None:
    project = Project(tmp_path, "http://127.0.0.1:1/gone", f"{mirror.url}/tests")
    system, _ = project.lock(environment("one"))
    project.download(system.artifacts)

    assert all(project.world.store.has(item.sha256) for item in system.artifacts)


def test_two_channels_keep_their_names_and_their_order(tmp_path: Path, mirror: Mirror) -> None:
    other = make_conda("two", "9.0", noarch="generic"), make_conda("three", depends=["two"])
    with serve_channel(tmp_path / "other", other) as second:
        project = Project(tmp_path, f"{mirror.url}/tests", team=[f"{second.url}/tests"])
        first = project.lock(environment("three", "one", channels=["tests", "team"]))[0].artifacts
        named = project.lock(environment("team::two", "three", channels=["tests", "team"]))[0].artifacts

    assert [(item.name, item.version, item.source) for item in first] == [
        ("one", "1.0", "tests"),
        ("three", "1.0", "team"),
        ("two", "1.5", "tests"),
    ]
    assert [(item.name, item.version, item.source) for item in named] == [
        ("three", "1.0", "team"),
        ("two", "9.0", "team"),
    ]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["nothing-of-this-name"], "No candidates were found for nothing-of-this-name"),
        (["one", "two<1"], "two"),
        (["quarrel"], "quarrel"),
        (["newer-libc"], "__glibc >=2.50"),
        (["gpu"], "__cuda"),
        (["one 1.0 extra words here"], "one ==1.0"),
    ],
)
def test_an_environment_without_a_solution_is_one_line(project: Project, wanted: list[str], message: str) -> None:
    said = project.refusal(environment(*wanted))

    assert said.startswith("environment.yml: ")
    assert message in said
    assert not list(project.folder.glob("lockfiles"))


def test_virtual_packages_are_those_of_the_base(project: Project) -> None:
    from dataclasses import replace

    from reprobuild.lock.base import CudaOf

    cuda = replace(SYSTEM, base=SYSTEM.base.model_copy(update={"cuda": CudaOf(major=12, requirements=("x",))}))
    old = replace(SYSTEM, glibc=(2, 12))

    assert [item.name for item in project.lock(environment("gpu"), cuda)[0].artifacts] == ["gpu"]
    assert [item.name for item in project.lock(environment("newer-libc"), replace(SYSTEM, glibc=(2, 50)))[0].artifacts]
    assert "__glibc >=2.17" in project.refusal(environment("one"), old)


def test_a_base_without_glibc_takes_no_conda(project: Project) -> None:
    assert "with a glibc" in project.refusal(environment("one"), System(image_base(), "3.11.2", None, ()))


@contextmanager
def damaged(folder: Path, **replaced: bytes) -> Iterator[Mirror]:
    """A channel that sends other bytes for some of its files; `__` stands for `/`, `_json` for the suffix."""
    with serve_channel(folder, PACKAGES) as served:
        served.missing |= {f"tests/{subdir}/repodata.json.zst" for subdir in ("noarch", "linux-64")}
        served.missing |= {f"tests/{subdir}/repodata.json.bz2" for subdir in ("noarch", "linux-64")}
        for name, data in replaced.items():
            served.replaced[f"tests/{name.replace('__', '/').replace('_json', '.json')}"] = data
        yield served


@pytest.mark.parametrize(
    "nonsense",
    [
        b"<html>It works!</html>",
        b'{"packages.conda": {"one-1.0-0.conda": {"name": 7}}}',
        b"[" * 100_000,
    ],
)
def test_a_channel_that_answers_nonsense_is_one_line(tmp_path: Path, nonsense: bytes) -> None:
    with damaged(tmp_path / "channel", linux64__repodata_json=b"") as served:
        served.replaced = {"tests/linux-64/repodata.json": nonsense, "tests/noarch/repodata.json": nonsense}
        said = Project(tmp_path, f"{served.url}/tests").refusal(environment("one"))

    assert said.startswith("environment.yml: ")


def test_a_channel_that_is_not_there_is_one_line(tmp_path: Path, mirror: Mirror) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert "environment.yml: " in Project(tmp_path, f"http://127.0.0.1:{port}/tests").refusal(environment("one"))
    (tmp_path / "b").mkdir()
    assert "environment.yml: " in Project(tmp_path / "b", f"{mirror.url}/nowhere").refusal(environment("one"))


def test_a_password_is_not_shown_when_a_channel_fails(tmp_path: Path) -> None:
    project = Project(tmp_path, "http://user:secret@127.0.0.1:1/t/secret-token/tests")

    assert "secret" not in project.refusal(environment("one"))


def test_a_package_that_differs_from_its_digest_is_refused(tmp_path: Path) -> None:
    with damaged(tmp_path / "channel") as served:
        project = Project(tmp_path, f"{served.url}/tests")
        system, _ = project.lock(environment("one"))
        served.replaced["tests/linux-64/one-1.0-0.conda"] = bytes(system.artifacts[0].size)
        with pytest.raises(InputError, match=r"^one-1\.0-0\.conda: .* sends sha256 \w+, the lock says "):
            project.download(system.artifacts)
        served.replaced.clear()
        served.missing.add("tests/linux-64/one-1.0-0.conda")
        with pytest.raises(InputError, match=r"^one-1\.0-0\.conda: its channel has it no longer: one 1\.0$"):
            project.download(system.artifacts)


def without(key: str, folder: Path) -> bytes:
    """An index that tells nothing of `key`."""
    index = json.loads((folder / "channel/tests/linux-64/repodata.json").read_text())
    for entry in index["packages.conda"].values():
        del entry[key]
    return json.dumps(index).encode()


@pytest.mark.parametrize("key", ["sha256", "size"])
def test_a_channel_that_tells_no_digest_or_no_size_is_asked_for_the_file(tmp_path: Path, key: str) -> None:
    with damaged(tmp_path / "channel") as served:
        served.replaced["tests/linux-64/repodata.json"] = without(key, tmp_path)
        project = Project(tmp_path, f"{served.url}/tests")
        system, text = project.lock(environment("one"))
        one = system.artifacts[0]
        data = dict(PACKAGES)["linux-64/one-1.0-0.conda"]

        assert (one.sha256, one.size) == (hashlib.sha256(data).hexdigest(), len(data))
        assert one.sha256 in text
        assert project.world.store.has(one.sha256)


CONDA = """\
#!{python}
import json, os, sys
with open({log!r}, "a") as stream:
    stream.write(json.dumps([sys.argv[0], sys.argv[1:], os.environ.get("CONDA_OVERRIDE_GLIBC")]) + "\\n")
if sys.argv[1:] == ["--version"]:
    print("24.1.0")
elif sys.argv[1] == "create":
    if "unsolvable" in sys.argv:
        print(json.dumps({{"success": False, "message": "These packages\\nare not available:\\n - unsolvable"}}))
        sys.exit(1)
    at = [sys.argv[i + 1] for i, word in enumerate(sys.argv) if word == "--channel"][0]
    record = dict(name="two", version="1.5", sha256="{sha256}", size={size}, md5="0" * 32)
    record["url"] = at + "/noarch/two-1.5-0.conda"
    print("a line of talk before the answer")
    print(json.dumps({{"success": True, "actions": {{"FETCH": [record], "LINK": [dict(name="two", dist_name="x")]}}}}))
"""


@pytest.mark.parametrize("name", ["conda", "micromamba"])
def test_a_conda_of_the_path_is_asked_when_there_is_one(
    project: Project, mirror: Mirror, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dict(PACKAGES)["noarch/two-1.5-0.conda"]
    log = tmp_path / "log"
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    program.write_text(
        CONDA.format(python=sys.executable, log=str(log), sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    system, text = project.lock(environment("two"))
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    create = next(words for _, words, _ in asked if words[0] == "create")

    assert [(item.name, item.source, item.size) for item in system.artifacts] == [("two", "tests", len(data))]
    assert "127.0.0.1" not in text
    assert {path for path, _, _ in asked} == {str(program)}
    assert create[create.index("--channel") + 1] == f"{mirror.url}/tests"
    assert [glibc for _, words, glibc in asked if words[0] == "create"] == ["2.36"]
    assert "These packages are not available: - unsolvable" in project.refusal(environment("unsolvable"))


def test_the_program_of_the_path_is_found_in_condas_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reprobuild.tools.conda import find_conda

    assert find_conda() == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("micromamba", "mamba", "conda"):
        shutil.copyfile("/bin/true", tmp_path / name)
        (tmp_path / name).chmod(0o755)
        assert find_conda() == str(tmp_path / name)
