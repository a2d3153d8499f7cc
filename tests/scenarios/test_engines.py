"""One project in the sandbox, in a real Docker and in a real Podman: the same image, record and verdict."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import BASE, make_image, make_test_bundle, open_test_world
from builders.engines import NAMES, running_engines
from builders.host import ENVIRONMENT
from builders.images import sample_lock

from reprobuild.bundle.read import read_front
from reprobuild.engines.engine import Container, Engine
from reprobuild.record.document import Record
from reprobuild.steps.image.image import build_image
from reprobuild.steps.image.prepare import BYTECODE, prepare_run
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store
from reprobuild.verdict.document import Kind, ReplayReport

pytestmark = [pytest.mark.engine, pytest.mark.sandbox]
TRAIN = """
import json, os, random, sys
rate = json.load(open(os.environ["REPROBUILD_PARAMS"]))["rate"]
weights = [rate * random.gauss(0, 1) for _ in range(100)]
with open("data/points.csv") as stream:
    loss = sum(w * float(x) for w, x in zip(weights, stream)) ** 2
json.dump(weights, open("out/weights.json", "w"))
json.dump({"loss": loss}, open("out/metrics.json", "w"))
print("loss", loss, os.uname().nodename, os.environ["HOME"], os.environ["USER"], os.getcwd())
"""
PROJECT: dict[str, Any] = {
    "hyperparameters": {"rate": 0.5},
    "outputs": ("out/weights.json",),
    "metrics": "out/metrics.json",
    "data": {"points": "data/points.csv"},
}
FILES: dict[str, str | bytes] = {"train.py": TRAIN, "data/points.csv": "".join(f"{n / 7}\n" for n in range(100))}
TIMES = {"wall_seconds", "peak_memory_bytes", "fingerprint"}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    with running_engines(tmp_path_factory.mktemp("engines") / "own") as engines:
        yield engines


@pytest.fixture(scope="module")
def bundles(engines: dict[str, Engine], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return {name: make_test_bundle(folder / name, engine, PROJECT, files=FILES) for name, engine in engines.items()}


def record_of(bundle: Path) -> Record:
    folder = bundle.parent / "project" / ".reprobuild" / "runs" / "0001"
    return Record.from_bytes((folder / "record.json").read_bytes(), "record.json")


def test_every_engine_makes_the_same_record_but_for_times_and_the_engine(bundles: dict[str, Path]) -> None:
    records = {name: record_of(bundle) for name, bundle in bundles.items()}
    plain = [json.dumps(record.model_dump(mode="json", exclude=TIMES)) for record in records.values()]
    facts = [
        json.dumps(r.fingerprint.model_dump(mode="json", exclude={"engine", "disk_free_bytes"}))
        for r in records.values()
    ]
    names = [record.fingerprint.engine and record.fingerprint.engine.name for record in records.values()]

    assert plain[1:] == plain[:1] * 2
    assert facts[1:] == facts[:1] * 2
    assert names == list(NAMES)
    assert len({read_front(bundle, "bundle").image.image_id for bundle in bundles.values()}) == 1


@pytest.mark.parametrize("there", NAMES)
@pytest.mark.parametrize("here", NAMES)
def test_what_ran_in_one_engine_is_identical_in_another(
    bundles: dict[str, Path], engines: dict[str, Engine], tmp_path: Path, there: str, here: str
) -> None:
    report = replay(tmp_path, bundles[there], engines[here])

    assert (report.verdict, report.exit_status) == (Kind.IDENTICAL, 0), report
    assert [finding.subject for finding in report.findings] == ([] if there == here else ["engine"])


def replay(folder: Path, bundle: Path, engine: Engine, options: Options | None = None) -> ReplayReport:
    world = open_test_world(folder / "store", engine)
    return replay_bundle(bundle, world, options or Options(), on_output=lambda _: None, progress=Silent())


def test_bytecode_is_compiled_by_the_images_python_in_every_engine(engines: dict[str, Engine], tmp_path: Path) -> None:
    seen = {}
    for name, engine in engines.items():
        world = open_test_world(tmp_path / name, engine)
        image = make_image(world.store, tmp_path / f"{name}-skeleton", {"opt/site/module.py": b"answer = 42\n"})
        assert prepare_run(image, BASE, world, Silent(), once=True).bytecode is None
        compiled = prepare_run(image, BASE, world, Silent()).bytecode
        assert compiled is not None
        assert prepare_run(image, BASE, world, Silent(), once=True).bytecode == compiled
        seen[name] = {path.name: path.read_bytes() for path in (compiled / "opt" / "site").iterdir()}
        # An import from it: what Python reads of a module that it finds compiled is not its source.
        script = "import sys; sys.path.insert(0, '/opt/site'); import module; print(module.__cached__, module.answer)"
        heard: list[bytes] = []
        environment = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": BYTECODE, "PYTHONDONTWRITEBYTECODE": "1"}
        container = Container(["python", "-v", "-c", script], environment, "/", {BYTECODE: compiled}, timeout=60)
        engine.execute(prepare_run(image, BASE, world, Silent()).place, container, heard.append)
        assert f"code object from '{BYTECODE}/opt/site/module.".encode() in b"".join(heard)

    assert [len(files) for files in seen.values()] == [1, 1, 1]
    assert seen["docker"] == seen["podman"] == seen["sandbox"]


def test_an_image_whose_packages_share_a_layer_is_loaded_by_every_engine(
    engines: dict[str, Engine], tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    image = build_image(sample_lock(store), store, Silent())
    places = {name: engine.load(image, store, Silent()) for name, engine in engines.items()}

    assert places["docker"] == places["podman"] == f"sha256:{image.image_id}"
    assert max(len(layer.holds) for layer in image.layers) > 1
