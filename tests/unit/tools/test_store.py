import os
import stat
import threading
from pathlib import Path

import pytest

from reprobuild.ground.digests import sha256_bytes
from reprobuild.tools.store import Store, remove


def test_a_blob_is_found_by_its_digest_and_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)

    assert store.add_bytes(b"x") == store.add_bytes(b"x") == sha256_bytes(b"x")
    assert store.blob(sha256_bytes(b"x")).read_bytes() == b"x"
    assert not store.has(sha256_bytes(b"y"))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail(path: Path) -> None:
        path.mkdir()
        (path / "half").write_bytes(b"x")
        path.chmod(0o500)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.made_once("roots", "key", fail)
    assert not store.path("roots", "key").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_many_at_once_make_a_thing_once(tmp_path: Path) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_bytes(b"x")

    threads = [threading.Thread(target=Store(tmp_path).made_once, args=("kind", "key", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert Store(tmp_path).path("kind", "key").read_bytes() == b"x"


def test_a_strict_umask_still_gives_blobs_that_a_sandbox_can_read(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        sha256 = Store(tmp_path).add_bytes(b"x")
    finally:
        os.umask(before)

    assert stat.S_IMODE(Store(tmp_path).blob(sha256).stat().st_mode) == 0o644


def test_replacing_a_small_file_is_all_or_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace("notes", "key", b"one")
    store.replace("notes", "key", b"two")

    assert store.path("notes", "key").read_bytes() == b"two"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_removing_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    remove(tmp_path / "folder")
    remove(tmp_path / "link")
    remove(tmp_path / "nothing")

    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (tmp_path / "precious" / "file").exists()
