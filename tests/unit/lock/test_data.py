import io
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import unpack_tree
from reprobuild.lock.data import MANY, ONE_FILE, data_root, digest_data, place_in_run, write_data
from reprobuild.project.model import DataSource


def test_data_inside_the_project_keeps_its_place_and_other_data_gets_one_by_its_name() -> None:
    assert place_in_run("d", "data/d.csv") == "data/d.csv"
    assert place_in_run("d", "./data//d") == "data/d"
    assert place_in_run("d", "../d.csv") == "/data/d"
    assert place_in_run("d", "a/../../d.csv") == "/data/d"
    assert place_in_run("d", "/srv/d.csv") == "/data/d"


def test_a_lock_has_size_count_and_digest_of_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"123")
    (tmp_path / "data" / "b").write_bytes(b"45")
    source = DataSource("d", "data", licence="CC0", origin="here", preprocessing="none")

    locked = digest_data(source, tmp_path)

    assert (locked.path, locked.size, locked.files) == ("data", 5, 2)
    assert (locked.licence, locked.origin, locked.preprocessing) == ("CC0", "here", "none")
    (tmp_path / "data" / "b").write_bytes(b"54")
    assert digest_data(source, tmp_path).sha256 != locked.sha256


def test_the_data_set_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(b"1")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "d.csv").symlink_to(tmp_path / "big.csv")

    assert digest_data(DataSource("d", "d.csv"), tmp_path / "project").size == 1


@pytest.mark.parametrize(
    ("path", "complaint"),
    [("none", "does not exist"), ("empty", "holds no file"), (".", "is the project itself"), ("links", "links")],
)
def test_a_data_set_that_cannot_be_locked_is_named(tmp_path: Path, path: str, complaint: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a").symlink_to("/etc/passwd")

    with pytest.raises(InputError, match=rf"data\.d: .*{complaint}"):
        digest_data(DataSource("d", path), tmp_path)


def test_one_file_and_a_folder_travel_under_different_names(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"1")
    for name, expected in (("folder/file", ONE_FILE), ("folder", MANY + "file")):
        target = io.BytesIO()
        write_data(target, data_root(DataSource("d", name), tmp_path), "data.d")
        unpack_tree(io.BytesIO(target.getvalue()), tmp_path / "out" / name.replace("/", "-"), "data.d")

        assert (tmp_path / "out" / name.replace("/", "-") / expected).read_bytes() == b"1"
