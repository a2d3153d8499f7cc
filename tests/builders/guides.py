"""Projects with records and a guide.toml, for guides to be written from."""

from collections.abc import Mapping
from pathlib import Path

from builders.records import make_record, write_run

from reprobuild.ground.tree import write_tree
from reprobuild.record.document import DataUse, FileDigest, Record

TOML = """\
[project]
name = "letters"
[image]
base = "debian12-python311"
[run]
command = ["python", "train.py"]
"""
WHO = 'by = "Ada Example"\non = 2026-11-24\n'
TOPICS = (
    *("replay", "seeds", "libraries", "hardware", "hyperparameters", "architecture", "data", "preprocessing", "splits"),
    *("evaluation", "fairness", "experiments", "versioning", "ab_test", "rollback", "model_drift", "data_drift"),
    *("degradation", "retraining", "deprecation", "business", "limitations"),
)
LISTS = {
    "splits": 'parts = [{ name = "training", share = 0.75, how = "at random" }, { name = "test", rows = 450 }]\n',
    "fairness": 'groups = [{ group = "left-handed", metric = "recall", recorded_as = "recall_left" },\n'
    '  { group = "right-handed", metric = "recall", value = 0.9 }]\n',
    "ab_test": 'metric = "letters sorted by hand"\nshare = 0.1\ndays = 14\n',
    "rollback": 'steps = ["Deploy the image before.", "Tell the sorting office."]\n',
    "model_drift": 'signals = [{ name = "share of unsure answers", at_most = 0.1, every = "day", action = "look" }]\n',
    "data_drift": 'signals = [{ name = "mean grey", at_least = 4.0, at_most = 6.0, action = "look" }]\n',
    "degradation": 'signals = [{ name = "accuracy of the sample", at_least = 0.95, action = "train again" }]\n',
    "retraining": 'triggers = ["accuracy of the sample below 0.95"]\n',
    "deprecation": "after = 2027-12-31\n",
    "business": 'criteria = [{ name = "accuracy", at_least = 0.95, recorded_as = "accuracy" },\n'
    '  { name = "loss", at_most = 0.1, recorded_as = "loss" }, { name = "cost per letter", at_most = 0.01 }]\n',
}


def declaration(topic: str, text: str = "", extra: str = "") -> str:
    """A table of `guide.toml` with all that it may have."""
    return (
        f'[{topic}]\ntext = """{text or f"What there is to say of {topic}."}"""\n{WHO}{LISTS.get(topic, "")}{extra}\n'
    )


COMPLETE = "".join(declaration(topic) for topic in TOPICS)


def letters_record(**changes: object) -> Record:
    """A record with everything that a guide tells of."""
    fields: dict[str, object] = {
        "seed": 1234,
        "hyperparameters": {"epochs": 12, "learning_rate": 0.01},
        "metrics": {"accuracy": 0.975, "loss": 0.125, "recall_left": 0.875},
        "found": {
            "seeds": {"random": 1234, "numpy": 1234},
            "switches": {"torch.backends.cudnn.deterministic": True},
            "threads": {"OMP_NUM_THREADS": "2"},
            "environment": {},
            "problems": [],
        },
        "data": {
            "letters": DataUse(
                path="data/letters.csv",
                sha256="6" * 64,
                size=1000,
                files=1,
                licence="CC-BY-4.0",
                origin="an archive",
                preprocessing="scaled to 0 to 1",
            )
        },
        "outputs": {"out/model.npz": FileDigest(sha256="4" * 64, size=29_000)},
    }
    return make_record(**{**fields, **changes})  # type: ignore[arg-type]


def make_guide_project(
    root: Path,
    declared: str = COMPLETE,
    runs: Mapping[str, Record | bytes] | None = None,
    outputs: Mapping[str, bytes] | None = None,
) -> Path:
    """The folder of a project; `outputs` are those of its last run."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "reprobuild.toml").write_text(TOML)
    if declared:
        (root / "guide.toml").write_text(declared)
    for number, record in ({"0001": letters_record()} if runs is None else runs).items():
        folder = write_run(root, number, record)
        if outputs is not None:
            write_outputs(folder, outputs)
    return root


def write_outputs(folder: Path, outputs: Mapping[str, bytes]) -> None:
    """The tar of a run's outputs."""
    files = []
    for number, (name, data) in enumerate(outputs.items()):
        path = folder / f"output-{number}"
        path.write_bytes(data)
        files.append((name, path))
    with (folder / "outputs.tar").open("wb") as stream:
        write_tree(stream, files, "outputs")
    for _, path in files:
        path.unlink()
