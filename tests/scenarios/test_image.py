"""A lock becomes the same image everywhere, once, and whole or not at all."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.debian_archive import make_deb
from builders.host import as_ordinary_user
from builders.images import deb_artifact, image_lock, sample_lock, unpacked
from builders.nvidia import toolkit_lock

from reprobuild.engines.engine import Container, Execution
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.errors import InputError
from reprobuild.image.model import MAX_LAYERS, MEDIA_TYPES, Image
from reprobuild.image.unpack import unpack_layers
from reprobuild.steps.image.built import find_build
from reprobuild.steps.image.image import build_image
from reprobuild.steps.image.prepare import prepare_run
from reprobuild.steps.world import World
from reprobuild.tools.progress import Silent
from reprobuild.tools.settings import Settings
from reprobuild.tools.store import Store

pytestmark = pytest.mark.slow
GOLDEN = Path(__file__).parent.parent / "golden" / "image-id.txt"
BUILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from builders.images import image_lock, sample_lock
from builders.nvidia import toolkit_lock
from reprobuild.steps.image.image import build_image
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store

if __name__ == "__main__":
    store = Store(Path(sys.argv[2]))
    lock = toolkit_lock(store) if "cuda" in sys.argv else sample_lock(store)
    if "backwards" in sys.argv:
        lock = lock.model_copy(update={"artifacts": lock.artifacts[::-1]})
    image = build_image(lock, store, Silent())
    print(image.model_dump_json())
"""
TESTS = str(Path(__file__).parent.parent)


def build(store: Path, *words: str, **options: object) -> Image:
    """The image that another process builds."""
    script = store.parent / "build.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(BUILD)
    done = subprocess.run(
        [sys.executable, str(script), TESTS, str(store), *words],
        check=True,
        stdout=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )
    return Image.model_validate_json(done.stdout)


def test_the_golden_image_id_of_packages_and_wheels_made_here(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = build_image(sample_lock(store), store, Silent())
    if os.environ.get("REPROBUILD_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(f"{image.image_id}\n")

    # Other bytes in an image are another TRANSFORM_VERSION: `make golden`, and a line in the CHANGELOG.
    assert image.image_id == GOLDEN.read_text().strip()


@pytest.mark.parametrize("words", [(), ("cuda",)])
def test_two_machines_make_the_same_image(tmp_path: Path, words: tuple[str, ...]) -> None:
    here = build(tmp_path / "one" / "store", *words)
    environment = {
        "PATH": os.environ["PATH"],
        "TZ": "Pacific/Chatham",
        "LC_ALL": "C",
        "LANG": "de_DE.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONHASHSEED": "77",
        "SOURCE_DATE_EPOCH": "1",
        "TMPDIR": str(tmp_path),
    }
    there = build(
        tmp_path / "another place" / "größe" / "store", *words, "backwards", cwd="/", env=environment, umask=0o077
    )

    assert there == here


@pytest.mark.sandbox
def test_an_ordinary_user_makes_the_same_image_as_root(tmp_path: Path) -> None:
    def work(folder: Path) -> str:
        store = Store(folder / "store")
        lock = sample_lock(store)
        # Workers of a pool would have to import this file anew, and its folder may be root's own.
        return "\n".join(sorted(one_by_one(lock.artifacts, store)))

    def one_by_one(artifacts: object, store: Store) -> Iterator[str]:
        from reprobuild.image.frame import FACTS, make_frame

        for artifact in sample_lock(store).artifacts:
            with store.temporary() as folder:
                make_frame(artifact, store.blob(artifact.sha256), sample_lock(store).base, folder)
                yield (folder / FACTS).read_text()

    store = Store(tmp_path / "store")
    expected = "\n".join(sorted(one_by_one(sample_lock(store).artifacts, store)))

    assert as_ordinary_user(work) == expected


def test_what_the_image_holds(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = build_image(sample_lock(store), store, Silent())
    unpack_layers(image.layers, MEDIA_TYPES["zstd"], store.blob, tmp_path / "root")
    found = unpacked(tmp_path / "root")

    expected = {
        "bin": "link usr/bin",
        "usr/bin/tool": "file 755",
        "usr/lib/x86_64-linux-gnu/libtool.so.1": "link libtool.so.1.0",
        "usr/local/bin/sample": "file 755",
        "usr/local/bin/python": "link /usr/bin/python3.11",
        "usr/local/share/sample.txt": "file 644",
        "var/spool/tool": "dir 1777",
        "etc/passwd": "file 644",
        "etc/timezone": "file 644",
        "etc/ssl/certs/ca-certificates.crt": "file 644",
        "etc/ld.so.cache": "file 644",
        "var/lib/dpkg/status": "file 644",
        "root": "dir 700",
        "tmp": "dir 1777",
    }
    assert {path: found.get(path) for path in expected} == expected
    assert any("größe" in path for path in found)
    one, other = (tmp_path / "root/usr/share/doc/tool" / name for name in "ab")
    assert one.stat().st_ino == other.stat().st_ino
    assert [(note.package, note.line) for note in image.notes] == [("tool", "register-somewhere tool")]


def test_every_name_in_the_config_is_relative_to_nothing_on_this_machine(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = build_image(sample_lock(store), store, Silent())
    config = json.loads(store.blob(image.image_id).read_bytes())

    assert config["created"] == "1980-01-01T00:00:00Z"
    assert len(config["rootfs"]["diff_ids"]) == len(image.layers) == len(config["history"])
    assert str(tmp_path) not in json.dumps(config)


def test_three_hundred_packages_fit_into_a_hundred_layers(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    debs = [make_deb(f"p{n}", files={f"usr/share/p{n}": str(n)}, compression="none") for n in range(300)]
    large = [
        item.model_copy(update={"size": 3_000_000 + number})
        for number, item in enumerate(deb_artifact(store, deb) for deb in debs)
    ]
    image = build_image(image_lock(large), store, Silent())
    unpack_layers(image.layers, MEDIA_TYPES["zstd"], store.blob, tmp_path / "root")

    assert len(image.layers) <= MAX_LAYERS
    assert len(list((tmp_path / "root/usr/share").glob("p*"))) == 300


def test_an_unchanged_lock_is_found_again_and_nothing_is_read_or_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    lock = sample_lock(store)
    image = build_image(lock, store, Silent())
    for artifact in lock.artifacts:
        store.blob(artifact.sha256).unlink()  # what is not there cannot be read
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}

    assert build_image(lock, store, Silent()) == image
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before


def test_another_lock_makes_only_the_layers_that_are_new(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    lock = sample_lock(store)
    build_image(lock, store, Silent())
    for artifact in lock.artifacts:
        store.blob(artifact.sha256).unlink()
    more = deb_artifact(store, make_deb("more", files={"usr/bin/more": "x"}))
    image = build_image(lock.model_copy(update={"artifacts": (*lock.artifacts, more)}), store, Silent())

    assert any("more 1.0-1" in layer.holds for layer in image.layers)


def test_a_layer_that_got_lost_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    lock = sample_lock(store)
    image = build_image(lock, store, Silent())
    store.blob(image.layers[0].sha256).unlink()

    assert find_build(lock, store) is None
    assert build_image(lock, store, Silent()) == image


def test_two_builds_at_once_in_one_store_make_one_image(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(BUILD)
    argv = [sys.executable, str(script), TESTS, str(tmp_path / "store")]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert list((tmp_path / "store" / "tmp").iterdir()) == []


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_was_stopped_leaves_nothing_that_counts_as_finished(tmp_path: Path, name: signal.Signals) -> None:
    expected = build(tmp_path / "whole" / "store")
    script = tmp_path / "build.py"
    script.write_text(BUILD)
    store = tmp_path / "store"
    for wait in (0.05, 0.3, 0.6, 0.9):
        process = subprocess.Popen(
            [sys.executable, str(script), TESTS, str(store)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(wait)
        try:
            os.killpg(process.pid, name)
        except ProcessLookupError:
            assert process.wait() == 0
        process.wait(30)

    assert build(store) == expected


@pytest.mark.root
def test_a_full_disk_is_told_as_one_and_the_next_build_is_whole(tmp_path: Path) -> None:
    store = tmp_path / "disk" / "store"
    deb = make_deb("big", files={f"usr/share/{n}": os.urandom(200_000) for n in range(10)}, compression="none")
    with small_disk(store.parent, "3m"):
        lock = image_lock([deb_artifact(Store(store), deb)])
        with pytest.raises(OSError, match="No space left on device"):
            build_image(lock, Store(store), Silent())
        assert [path for path in (store / "tmp").iterdir() if path.is_dir()] == []
        assert find_build(lock, Store(store)) is None
        shutil.copytree(store, tmp_path / "roomy")

    assert build_image(lock, Store(tmp_path / "roomy"), Silent()).layers


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A file system of its own that is soon full."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_broken_package_is_named_and_nothing_of_the_image_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    artifact = deb_artifact(store, make_deb("tool", files={"a": "x" * 5000}, compression="none"))
    sha256 = store.add_bytes(b"!<arch>\nbroken")
    lock = image_lock([artifact.model_copy(update={"sha256": sha256})])

    with pytest.raises(InputError, match=r"^tool_1\.0-1_amd64\.deb: "):
        build_image(lock, store, Silent())
    assert not (store.root / "images").exists()
    assert list((store.root / "tmp").iterdir()) == []


@dataclass
class Compiler(Sandbox):
    """An engine that only compiles, and counts how often."""

    compiled: int = 0

    def execute(self, _place: str, container: Container, _on_output: object) -> Execution:
        """See `Engine.execute`."""
        assert "compileall" in container.argv
        self.compiled += 1
        (place,) = container.writable.values()
        (place / "module.pyc").write_bytes(b"bytecode")
        return Execution("finished", 0, None, 0.0)


def test_bytecode_is_compiled_once_and_lies_beside_the_image(tmp_path: Path) -> None:
    compiler = Compiler()
    world = World(Settings(tmp_path), Store(tmp_path), engine=compiler)
    lock = sample_lock(world.store)
    image = build_image(lock, world.store, Silent())
    prepared = [prepare_run(image, lock.base, world, Silent()) for _ in range(3)]

    assert compiler.compiled == 2  # the modules of the image, and those at work inside a run
    assert prepared[0].bytecode is not None
    assert (prepared[0].bytecode / "module.pyc").read_bytes() == b"bytecode"
    assert not prepared[0].bytecode.is_relative_to(prepared[0].place)
    assert prepared[0] == prepared[2]


def test_an_image_with_cuda_says_so_in_its_configuration_and_holds_one_toolkit(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = build_image(toolkit_lock(store), store, Silent())
    unpack_layers(image.layers, MEDIA_TYPES["zstd"], store.blob, tmp_path / "root")

    config = json.loads(store.blob(image.image_id).read_bytes())
    assert "CUDA_VERSION=12.9" in config["config"]["Env"]
    found = unpacked(tmp_path / "root")
    site = "/usr/local/lib/python3.11/dist-packages"
    assert found["usr/local/cuda"] == "link cuda-12.9"
    assert found["usr/local/cuda-12.9/lib64/libcudart.so.12"] == f"link {site}/nvidia/cuda_runtime/lib/libcudart.so.12"
    assert (tmp_path / "root/etc/ld.so.conf.d/cuda-12-9.conf").read_text() == "/usr/local/cuda-12.9/lib64\n"
