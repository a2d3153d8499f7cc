import io
import os
import subprocess
from pathlib import Path

import pytest
from builders.projects import make_project

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.ground.tree import write_tree
from reprobuild.project.model import Project
from reprobuild.steps.run.source import source_files
from reprobuild.tools.process import Finished, run_process

FILES: dict[str, str | bytes] = {
    "reprobuild.toml": "",
    "train.py": "print(1)",
    "lib/model.py": "x = 1",
    "lockfiles/reprobuild.lock": "{}",
    "notes.txt": "untracked",
    "scratch.log": "ignored",
    ".gitignore": "*.log\n",
    "out/model.npz": "old result",
    "out/notes.md": "no output",
    "data/d.csv": "1,2",
    "bundle.tar": b"oci-layout\0" + bytes(600),
    "weights.tar": b"no bundle",
    ".reprobuild/runs/0001/record.json": "{}",
    "docs/TRAINING_REPRODUCIBILITY.md": "what a run gave",
    "docs/TRAINING_REPRODUCIBILITY.html": "what a run gave",
    "env/pyvenv.cfg": "",
    "env/lib/site.py": "",
    "lib/__pycache__/model.pyc": "",
}
SOURCE = {
    *("reprobuild.toml", "train.py", "lib/model.py", "lockfiles/reprobuild.lock", "notes.txt", ".gitignore"),
    *("out/notes.md", "weights.tar"),
}


def no_git(*_: object, **__: object) -> Finished:
    raise ToolError("git: not found")


def example(root: Path) -> Project:
    return make_project(root, FILES, outputs=("out/model.npz",), metrics="out/metrics.json", data={"d": "data/d.csv"})


def git(folder: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "protocol.file.allow=always"]
    command = ["git", "-C", str(folder), *identity, *words]
    subprocess.run(command, check=True, capture_output=True, env=environment)


def packed(project: Project, git_there: bool) -> bytes:
    target = io.BytesIO()
    files = source_files(project, run_process if git_there else no_git)
    write_tree(target, files.items(), "source")
    return target.getvalue()


def test_without_git_everything_but_results_environments_caches_and_data_is_source(tmp_path: Path) -> None:
    assert set(source_files(example(tmp_path), no_git)) == SOURCE | {"scratch.log"}


def test_with_git_what_it_ignores_is_left_out_too(tmp_path: Path) -> None:
    project = example(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "train.py", "lib/model.py", "out/model.npz", "data/d.csv", "reprobuild.toml")

    assert set(source_files(project, run_process)) == SOURCE


def test_a_project_below_the_top_of_its_repository_has_its_own_files_only(tmp_path: Path) -> None:
    project = example(tmp_path / "nested" / "project")
    (tmp_path / "above.py").write_text("")
    git(tmp_path, "init", "-q")

    assert set(source_files(project, run_process)) == SOURCE


def test_a_project_that_the_repository_around_it_ignores_is_taken_without_git(tmp_path: Path) -> None:
    project = example(tmp_path / "project")
    (tmp_path / ".gitignore").write_text("project/\n")
    git(tmp_path, "init", "-q")

    assert set(source_files(project, run_process)) == SOURCE | {"scratch.log"}


def test_a_tracked_file_that_was_deleted_is_not_source(tmp_path: Path) -> None:
    project = example(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "train.py", "reprobuild.toml")
    (tmp_path / "notes.txt").unlink()
    (tmp_path / "train.py").unlink()

    assert set(source_files(project, run_process)) == SOURCE - {"train.py", "notes.txt"}


def test_files_of_a_submodule_and_of_a_clone_within_are_source(tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_project(other, {"inner.py": "1", ".gitignore": "*.log\n", "x.log": ""})
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "one")
    project = make_project(tmp_path / "project", {"train.py": ""})
    git(project.root, "init", "-q")
    git(project.root, "submodule", "add", str(other), "sub")
    git(project.root, "clone", "-q", str(other), "clone")

    names = set(source_files(project, run_process))

    assert names == {
        *("train.py", ".gitmodules", "sub/inner.py", "sub/.gitignore", "clone/inner.py", "clone/.gitignore"),
    }


def test_the_monitor_that_a_repository_names_is_not_run(tmp_path: Path) -> None:
    project = example(tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / "evil.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    (tmp_path / "evil.sh").chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(tmp_path / "evil.sh"))

    source_files(project, run_process)

    assert not (tmp_path / "pwned").exists()


def test_the_same_source_elsewhere_is_the_same_tar(tmp_path: Path) -> None:
    one = example(tmp_path / "one")
    before = os.umask(0o077)
    try:
        two = make_project(
            tmp_path / "deeper" / "two",
            dict(reversed(FILES.items())),
            outputs=one.outputs,
            metrics=one.metrics,
            data={"d": "./data//d.csv"},
        )
    finally:
        os.umask(before)
    (two.root / "scratch.log").unlink()
    git(one.root, "init", "-q")

    assert packed(one, git_there=True) == packed(two, git_there=False)


def test_a_link_that_stays_inside_stands_for_what_it_points_to(tmp_path: Path) -> None:
    project = example(tmp_path)
    (tmp_path / "also.py").symlink_to("train.py")
    (tmp_path / "package").symlink_to("lib")
    (tmp_path / "latest").symlink_to("out/model.npz")
    (tmp_path / "dangling").symlink_to("nothing")

    files = source_files(project, no_git)

    assert set(files) == SOURCE | {"scratch.log", "also.py", "package/model.py"}
    assert files["also.py"].read_text() == "print(1)"


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("/etc/passwd", "odd: a link that leaves the project, to /etc/passwd"),
        ("../secret", "odd: a link that leaves the project, to ../secret"),
        ("data/d.csv", "odd: a link into"),
        ("odd", "odd: a link that leads back to itself"),
    ],
)
def test_a_link_that_cannot_travel_is_named(tmp_path: Path, target: str, complaint: str) -> None:
    project = example(tmp_path / "project")
    (tmp_path / "secret").write_text("")
    (project.root / "odd").symlink_to(target)

    with pytest.raises(InputError, match=complaint):
        source_files(project, no_git)


def test_a_pipe_is_named(tmp_path: Path) -> None:
    project = example(tmp_path)
    os.mkfifo(tmp_path / "odd")

    with pytest.raises(InputError, match="odd: a pipe, socket or device"):
        source_files(project, no_git)


@pytest.mark.parametrize("git_there", [True, False])
def test_a_name_that_is_not_utf8_is_refused_and_not_lost(tmp_path: Path, git_there: bool) -> None:
    project = example(tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_bytes(b"")

    with pytest.raises(InputError, match="not UTF-8"):
        source_files(project, run_process if git_there else no_git)
