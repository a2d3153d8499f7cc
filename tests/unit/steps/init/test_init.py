import os
from pathlib import Path

import pytest
from builders.samples import SAMPLES, lay

from reprobuild.ground.errors import InputError
from reprobuild.guide.place import PLACE
from reprobuild.project.read import read_project
from reprobuild.steps.guide import write_guide
from reprobuild.steps.init.init import create_file, scaffold
from reprobuild.steps.init.listing import MAX_FILES, read_folder


def actions(root: Path, *, write: bool = True) -> dict[str, str]:
    return {file.planned.path: file.action for file in scaffold(root, None, (), write=write).files}


def test_an_empty_folder_gets_a_training_that_is_a_project(tmp_path: Path) -> None:
    made = actions(tmp_path / "new")

    assert list(made) == ["reprobuild.toml", "requirements.in", "train.py", "guide.toml", PLACE]
    assert set(made.values()) == {"written"}
    assert read_project(tmp_path / "new").metrics == "out/metrics.json"


def test_what_is_there_is_left_alone_and_the_rest_is_written(tmp_path: Path) -> None:
    (tmp_path / "reprobuild.toml").write_text("mine\n")
    (tmp_path / "train.py").write_text("import numpy\nnumpy.save('w.npy', numpy.ones(2))\n")

    assert actions(tmp_path) == {
        "reprobuild.toml": "kept",
        "requirements.in": "written",
        "guide.toml": "written",
    }
    assert (tmp_path / "reprobuild.toml").read_text() == "mine\n"
    assert actions(tmp_path) == {"reprobuild.toml": "kept", "guide.toml": "same"}


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    root = lay(tmp_path, SAMPLES["tabular"])
    scaffold(root, None, (), write=True)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert set(actions(root).values()) == {"same"}
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_dry_run_leaves_no_trace(tmp_path: Path) -> None:
    assert set(actions(tmp_path / "new", write=False).values()) == {"new"}
    assert not (tmp_path / "new").exists()


def test_a_link_in_the_place_of_a_file_is_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = lay(tmp_path / "project", SAMPLES["bare"])
    (root / "reprobuild.toml").symlink_to(outside)

    assert actions(root)["reprobuild.toml"] == "kept"
    assert not outside.exists()


@pytest.mark.parametrize("kind", ["a link", "a file"])
def test_nothing_is_written_when_a_folder_is_none(kind: str, tmp_path: Path) -> None:
    root = lay(tmp_path / "project", SAMPLES["bare"])
    (tmp_path / "elsewhere").mkdir()
    if kind == "a link":
        (root / "docs").symlink_to(tmp_path / "elsewhere")
    else:
        (root / "docs").write_text("")
    before = sorted(root.rglob("*"))

    with pytest.raises(InputError, match=f"docs is {kind}"):
        scaffold(root, None, (), write=True)

    assert sorted(root.rglob("*")) == before
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")

    assert create_file(tmp_path, "a", b"second") is False
    assert (tmp_path / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_guide_is_one_that_reprobuild_guide_goes_on_with(tmp_path: Path) -> None:
    root = lay(tmp_path / "p", SAMPLES["tabular"])
    scaffold(root, None, (), write=True)
    before = (root / PLACE).read_bytes()

    written = write_guide(root, None)

    assert (root / PLACE).read_bytes() == before
    assert written.rendered.declared == 0


def test_a_project_whose_guide_cannot_be_told_yet_says_so(tmp_path: Path) -> None:
    broken = lay(tmp_path / "broken", {**SAMPLES["bare"], "reprobuild.toml": "mine\n"})
    own = lay(tmp_path / "own", {**SAMPLES["bare"], "guide.toml": "# mine\n"})
    ran = lay(tmp_path / "ran", {**SAMPLES["bare"], ".reprobuild/runs/0001/record.json": "{}"})

    for root, reason in ((broken, "not TOML"), (own, "guide.toml is yours"), (ran, "runs are recorded")):
        made = scaffold(root, None, (), write=True)

        assert PLACE not in {file.planned.path for file in made.files}
        assert any(reason in note and PLACE in note for note in made.notes)


HOSTILE: dict[str, str | bytes] = {
    "nested.py": "x = " + "-" * 100_000 + "1\n",
    "deep.py": "x" + ".a" * 60_000 + "\n",
    "binary.py": b"\x00\xff\xfe" * 100,
    "nul.py": "x = 1\0\n",
    "broken.py": "def f(:\n",
    "huge.py": b"x = 1\n" * 100_000,
    "params.yaml": "a: &a [1]\n" + "b: *a\n" * 10,
    "params.json": "[" * 50_000,
    "environment.yml": "- " * 20_000,
    "pyproject.toml": "a = " + "[" * 20_000,
    "Dockerfile": "FROM $$$\nRUN apt-get install " + "x " * 10_000,
    "requirements.txt": "-r requirements.txt\n--index-url https://u:p@example.org\n../local\n" + "a" * 10_000,
    "train.py": (
        "import numpy\nopen('../../etc/x', 'w')\nnumpy.save('evil\"]\\n[x', 1)\nnumpy.save('out\\x00/x.npy', 1)\n"
    ),
}

UNREADABLE = [name for name in HOSTILE if name.endswith((".py", ".yml", "t.toml")) and name != "train.py"]


def test_hostile_files_are_told_and_the_rest_is_a_project(tmp_path: Path) -> None:
    root = lay(tmp_path / "project", HOSTILE)
    (root / "leads-out").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe.py")
    (root / os.fsdecode(b"caf\xe9.py")).write_text("")
    deep = root.joinpath(*["d"] * 12)
    deep.mkdir(parents=True)
    (deep / "x.py").write_text("")

    made = scaffold(root, None, (), write=True)

    notes = "\n".join(made.survey.notes)
    for told in (*UNREADABLE, "leads-out", "loop", "caf", "deeper"):
        assert told in notes
    assert "example.org" not in (root / "reprobuild.toml").read_text()
    assert read_project(root).command == ("python", "train.py")


def test_a_folder_of_very_many_files_is_looked_at_up_to_a_bound(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    first = folder / "0.png"
    first.write_bytes(b"")
    for number in range(1, MAX_FILES + 10):
        os.link(first, folder / f"{number}.png")

    seen = read_folder(tmp_path)

    assert len(seen.files) == MAX_FILES
    assert any("the rest was not looked at" in note for note in seen.notes)


def test_an_environment_of_installed_packages_is_not_the_projects(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"env/pyvenv.cfg": "", "env/lib/train.py": "import torch\n", "a.txt": ""}

    assert list(read_folder(lay(tmp_path, files)).files) == ["a.txt"]
