"""examples/digits as a new user has it: real archives and indexes, the real image, the real training."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.images import unpacked
from builders.registry import running_registry

from reprobuild.lock.index import LockIndex
from reprobuild.project.read import parse_project

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]
EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"
FILES = ("reprobuild.toml", "guide.toml", "requirements.in", "params.yaml", "train.py", "data/digits.csv")


@dataclass
class Digits:
    """A copy of the example with a store, both in one folder."""

    project: Path
    store: Path

    def run(self, *words: str, status: int = 0, store: Path | None = None, folder: Path | None = None) -> str:
        """What `reprobuild` prints on standard output."""
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("TZ", "LANG")},
            "REPROBUILD_STORE": str(store or self.store),
        }
        done = subprocess.run(
            [sys.executable, "-m", "reprobuild", *words],
            cwd=folder or self.project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == status, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    @property
    def lock(self) -> LockIndex:
        """The lock that was made."""
        return LockIndex.from_bytes((self.project / "lockfiles" / "reprobuild.lock").read_bytes(), "lock")

    @property
    def image(self) -> str:
        """The image ID."""
        return self.run("image").strip().removeprefix("sha256:")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """Locked, built and trained."""
    folder = tmp_path_factory.mktemp("digits")
    for name in FILES:
        (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLE / name, folder / "project" / name)
    made = Digits(folder / "project", folder / "store")
    made.run("lock")
    made.run("image")
    made.run("run")
    return made


def test_the_lock_names_files_by_hash_and_no_place(digits: Digits) -> None:
    kinds = [artifact.kind for artifact in digits.lock.artifacts]
    texts = [(digits.project / "lockfiles" / name).read_text() for name in ("reprobuild.lock", "requirements.txt")]

    assert kinds.count("deb") > 50
    assert kinds.count("wheel") >= 5
    assert not any("://" in text for text in texts)
    assert digits.run("lock", "--check") == "lockfiles/reprobuild.lock is up to date\n"


def test_a_change_that_the_lock_depends_on_is_named(digits: Digits) -> None:
    requirements = digits.project / "requirements.in"
    before = requirements.read_text()
    requirements.write_text(before + "joblib<99\n")
    try:
        assert "requirements.in" in digits.run("lock", "--check", status=10)
    finally:
        requirements.write_text(before)


def test_another_store_has_the_same_image(digits: Digits, tmp_path: Path) -> None:
    blobs = tmp_path / "store" / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for artifact in digits.lock.artifacts:  # no need to download it all again
        os.link(digits.store / "blobs" / "sha256" / artifact.sha256, blobs / artifact.sha256)

    assert digits.run("image", store=tmp_path / "store").strip() == f"sha256:{digits.image}"


def test_scanners_and_the_linker_find_what_the_lock_says(digits: Digits, tmp_path: Path) -> None:
    root = digits.store / "roots" / digits.image
    listed = subprocess.run(
        ["dpkg-query", "--admindir", str(root / "var/lib/dpkg"), "--show", "--showformat", "${Package} ${Version}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    debs = [artifact for artifact in digits.lock.artifacts if artifact.kind == "deb"]
    copy = tmp_path / "root"
    shutil.copytree(root, copy, symlinks=True)
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin")
    assert ldconfig
    ours = cached(ldconfig, copy)
    (copy / "etc/ld.so.cache").unlink()
    subprocess.run([ldconfig, "-X", "-r", str(copy)], check=True, capture_output=True)

    assert sorted(listed.splitlines()) == sorted(f"{deb.name} {deb.version}" for deb in debs)
    assert ours == cached(ldconfig, copy)
    assert len(ours) > 50
    found = unpacked(copy)
    assert {"etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/ssl/certs/ca-certificates.crt"} <= found.keys()
    assert not any(name.endswith(".pyc") for name in found)


def cached(ldconfig: str, root: Path) -> set[tuple[str, str]]:
    """Names and files in a linker's cache."""
    shown = subprocess.run([ldconfig, "-r", str(root), "-p"], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^\t(\S+) \(libc6,x86-64.*?\) => (\S+)$", shown, re.MULTILINE)
    return {(name, Path(path).name) for name, path in rows}


def test_the_record_tells_what_was_in_force(digits: Digits) -> None:
    record = json.loads(digits.run("inspect", "--json", "bundle.tar"))["record"]

    assert record["ending"]["status"] == 0
    assert record["metrics"]["accuracy"] > 0.9
    assert record["image"] == digits.image
    assert record["asked"]["params"]["params.yaml"]
    assert {"scikit-learn", "numpy"} <= record["fingerprint"]["packages"].keys()
    assert any("openblas" in library["name"].lower() for library in record["fingerprint"]["libraries"])
    assert record["found"]["seeds"]["numpy"] == record["asked"]["seed"]


@pytest.mark.root
def test_a_new_machine_without_network_gets_the_same_result(digits: Digits, tmp_path: Path) -> None:
    shutil.copyfile(digits.project / "bundle.tar", tmp_path / "received.tar")
    argv = ["replay", "received.tar", "--require", "identical", "--json", "--output", "results"]
    environment = {
        **os.environ,
        "REPROBUILD_STORE": str(tmp_path / "store"),
        "HOME": str(tmp_path),
        "TZ": "Pacific/Chatham",
    }
    # `unshare --net` leaves not even a loopback that is up.
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "reprobuild", *argv],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "identical"
    assert json.loads((tmp_path / "results" / "replay.json").read_text()) == report
    assert (tmp_path / "results" / "outputs" / "out" / "model.npz").is_file()


def test_another_seed_is_caught_and_named(digits: Digits) -> None:
    report = json.loads(digits.run("replay", "bundle.tar", "--seed", "4321", "--json", status=10))

    assert report["verdict"] == "different"
    assert report["findings"][0]["subject"] == "seed"


@pytest.mark.engine
def test_skopeo_reads_the_bundle(digits: Digits) -> None:
    shown = subprocess.run(
        ["skopeo", "inspect", "--config", f"oci-archive:{digits.project / 'bundle.tar'}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(shown.stdout)["os"] == "linux"


@pytest.mark.engine
def test_the_image_of_a_bundle_is_pushed_and_is_a_base_like_any_other(digits: Digits, tmp_path: Path) -> None:
    other = Digits(tmp_path / "project", tmp_path / "store")
    for name in FILES:
        (other.project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLE / name, other.project / name)
    path = other.project / "reprobuild.toml"
    # The base has the other wheels already; this one takes the place of its own.
    (other.project / "requirements.in").write_text("threadpoolctl\n")
    with running_registry(tmp_path / "registry") as registry:
        place = f"docker://{registry.name}/team/digits:1"
        argv = ["skopeo", "copy", "--dest-tls-verify=false", f"oci-archive:{digits.project}/bundle.tar", place]
        subprocess.run(argv, check=True, capture_output=True)
        text = path.read_text().replace('base = "debian12-python311"', f'base = "{place}"')
        path.write_text("".join(row for row in text.splitlines(keepends=True) if not row.startswith("debian = ")))
        told = other.run("lock")
        other.run("run")
    report = json.loads(other.run("replay", "bundle.tar", "--json", store=tmp_path / "third"))
    one, two = (
        json.loads((item.project / ".reprobuild/runs/0001/record.json").read_bytes()) for item in (digits, other)
    )

    assert re.search(r"^docker://127\.0\.0\.1:\d+/team/digits:1 is sha256:[0-9a-f]{64}$", told, re.MULTILINE)
    assert "   1 wheels" in told
    assert (other.lock.python, other.lock.base.python) == (digits.lock.python, digits.lock.base.python)
    assert one["outputs"] == two["outputs"]
    assert report["verdict"] == "identical"


def test_the_run_of_another_number_is_bundled_again_with_the_same_bytes(digits: Digits, tmp_path: Path) -> None:
    digits.run("bundle", "1", "--output", str(tmp_path / "again.tar"))

    assert (tmp_path / "again.tar").read_bytes() == (digits.project / "bundle.tar").read_bytes()


ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    pytest.param("docs/emulation.md", marks=pytest.mark.emulation),
    "docs/numerics.md",
    "docs/reference.md",
    "docs/benchmarks.md",
    "docs/guide.md",
    "docs/proof.md",
    "docs/runs.md",
    "examples/digits/README.md",
    "examples/digits-torch/README.md",
)
STATUS = {"reprobuild replay bundle.tar --seed 4321": 10, "reprobuild runs compare 1 2": 10}


def commands(document: str) -> list[str]:
    """The command lines that a document shows, in order, without their remarks."""
    lines = (ROOT / document).read_text().splitlines()
    shown = [line.removeprefix("$ ") for line in lines if line.startswith(("$ ", "reprobuild "))]
    return [line.partition("  #")[0].rstrip() for line in shown]


@pytest.mark.engine
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_the_documentation_works(digits: Digits, tmp_path: Path, document: str) -> None:
    shown = commands(document)
    assert shown
    work = Digits(tmp_path / "project", digits.store)
    shutil.copytree(digits.project, work.project)
    for line in shown:
        name, *words = shlex.split(line)
        if line == "reprobuild lock":
            continue  # the fixture ran it, and archives need not be asked again
        if name == "reprobuild":
            work.run(*words, status=STATUS.get(line, 0))
        elif name == "make":
            # What the targets do is run by whoever runs this; a dry run shows that they are there.
            subprocess.run(["make", "--dry-run", *words], cwd=ROOT, check=True, capture_output=True)
        else:
            subprocess.run([name, *words], cwd=work.project, check=True, capture_output=True)
        shutil.rmtree(work.project / "results", ignore_errors=True)


def test_the_smallest_project_of_the_readme_is_a_project(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]

    assert parse_project(text.encode(), tmp_path).name == "my-training"
