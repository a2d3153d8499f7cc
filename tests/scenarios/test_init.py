"""A new user's first minute: an empty folder, `init`, `lock`, `run`, `replay`; and the folders of other people."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders.command import CommandLine
from builders.samples import lay

from reprobuild.scaffold.choice import ARCHETYPES

DOCUMENT = Path(__file__).parents[2] / "docs" / "init.md"


def reprobuild(folder: Path, *words: str, store: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "reprobuild", *words],
        cwd=folder,
        env={**os.environ, "REPROBUILD_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


@pytest.mark.network
@pytest.mark.sandbox
@pytest.mark.slow
def test_an_empty_folder_is_trained_in_and_replayed_at_once(tmp_path: Path) -> None:
    project, store = tmp_path / "first", tmp_path / "store"
    reprobuild(tmp_path, "init", "text", "--dir", "first", "--features", "monitoring", store=store)

    reprobuild(project, "lock", store=store)
    record = json.loads(reprobuild(project, "run", "--json", store=store))
    report = json.loads(reprobuild(project, "replay", "bundle.tar", "--json", store=store))

    assert record["metrics"]["accuracy"] > 0.7
    assert record["asked"]["hyperparameters"] == {"sentences": 2000, "smoothing": 1.0}
    assert report["verdict"] == "identical"
    assert sorted(report["seen"]["outputs"]) == ["out/metrics.json", "out/model.npz"]
    assert "measured" in reprobuild(project, "guide", store=store)


@pytest.mark.parametrize("archetype", ARCHETYPES)
def test_every_small_training_comes_out_the_same_twice(archetype: str, tmp_path: Path) -> None:
    reprobuild(tmp_path, "init", archetype, "--dir", "p", store=tmp_path / "store")
    seeded = "import numpy, runpy; numpy.random.seed(1234); runpy.run_path('train.py', run_name='__main__')"
    found = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", seeded], cwd=tmp_path / "p", check=True, capture_output=True)
        found.append([(tmp_path / "p" / "out" / name).read_bytes() for name in ("metrics.json", "model.npz")])

    metrics = json.loads(found[0][0])
    assert found[0] == found[1]
    assert metrics.get("accuracy", 0) > 0.7 or metrics["loss"] < 0.05


SOURCE_LAYOUT: dict[str, str | bytes] = {
    "src/model/__init__.py": "",
    "src/model/train.py": """\
import argparse
import json
from pathlib import Path

from model.fit import mean

parser = argparse.ArgumentParser()
parser.add_argument("--data-dir", required=True)
parser.add_argument("--power", type=float, default=2)
parser.add_argument("--note", default="a b")
parser.add_argument("--out", required=True)
args = parser.parse_args()
values = [float(line) for line in (Path(args.data_dir) / "values.csv").read_text().split()]
result = mean([value**args.power for value in values])
(Path(args.out) / "metrics.json").write_text(json.dumps({"mean": result, "words": len(args.note.split())}))
""",
    "src/model/fit.py": "def mean(values):\n    return sum(values) / len(values)\n",
    "data/values.csv": "1\n2\n3\n",
    ".gitignore": "data/\nout/\n",
}


@pytest.mark.sandbox
def test_a_project_with_a_source_folder_runs_as_init_writes_it(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    for path in (line.project / "reprobuild.toml", line.project / "train.py"):
        path.unlink()
    lay(line.project, SOURCE_LAYOUT)
    assert line.run("init").returncode == 0
    file = line.project / "reprobuild.toml"
    file.write_text(file.read_text().replace("debian12-python311", "base.toml"))

    done = line.lock().run("run")

    assert done.returncode == 0, done.stderr
    assert line.record.metrics == {"mean": pytest.approx(14 / 3), "words": 2}
    assert line.record.asked.hyperparameters == {"power": 2.0, "note": "a b"}
    assert line.record.data.keys() == {"data"}
    assert line.record.found["seeds"]


@pytest.mark.parametrize("place", ["a", "b/c"])
def test_the_same_folder_gives_the_same_bytes_anywhere(place: str, tmp_path: Path) -> None:
    def written(number: int, folder: str, **environment: str) -> dict[str, bytes]:
        names = sorted(SOURCE_LAYOUT, reverse=bool(number))
        root = lay(tmp_path / folder / "same", {name: SOURCE_LAYOUT[name] for name in names})
        subprocess.run(
            [sys.executable, "-m", "reprobuild", "init", "--dir", "." if number else str(root)],
            cwd=root if number else tmp_path,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            umask=0o077 if number else 0o022,
        )
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    first = written(0, f"{place}1", TZ="UTC", LANG="C.UTF-8", PYTHONHASHSEED="1")
    second = written(1, f"{place}2", TZ="Pacific/Chatham", LANG="C", LC_ALL="C", PYTHONHASHSEED="2")

    assert first == second
    assert "docs/TRAINING_REPRODUCIBILITY.md" in first


def test_every_command_on_the_page_works(tmp_path: Path) -> None:
    shown = re.findall(r"^\$ reprobuild (.*)$", DOCUMENT.read_text(), re.MULTILINE)
    assert len(shown) > 3
    for words in shown:
        reprobuild(
            lay(tmp_path / "project", SOURCE_LAYOUT), *words.partition("  #")[0].split(), store=tmp_path / "store"
        )
