import itertools
import os
from pathlib import Path

import pytest
from builders.samples import SAMPLES, lay

from reprobuild.guide.place import PLACE
from reprobuild.project.read import parse_project, read_project
from reprobuild.project.rules import file_problems
from reprobuild.scaffold.choice import ARCHETYPES, FEATURES, choose
from reprobuild.scaffold.plan import plan
from reprobuild.steps.init.init import scaffold

GOLDEN = Path(__file__).parents[2] / "golden" / "init"
FEATURE_SETS = [chosen for size in range(len(FEATURES) + 1) for chosen in itertools.combinations(FEATURES, size)]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_folder_becomes_the_golden_project(name: str, tmp_path: Path) -> None:
    root = lay(tmp_path / name, SAMPLES[name])

    made = scaffold(root, None, (), write=True)

    texts = "".join(
        f"==> {file.planned.path}\n{file.planned.text}" for file in made.files if file.planned.path != PLACE
    )
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("REPROBUILD_GOLDEN") == "write":
        golden.write_text(texts)
    assert texts == golden.read_text()
    assert read_project(root).root == root


@pytest.mark.parametrize("name", [*sorted(SAMPLES), "empty"])
@pytest.mark.parametrize("archetype", ARCHETYPES)
def test_every_archetype_with_every_features_gives_a_project_that_reads(
    archetype: str, name: str, tmp_path: Path
) -> None:
    root = lay(tmp_path / "sample", SAMPLES.get(name, {}))
    root.mkdir(exist_ok=True)
    made = scaffold(root, archetype, (), write=True)
    starter = {file.planned.path: file.planned.text for file in made.files if file.planned.path == "train.py"}

    for features in FEATURE_SETS:
        choice = choose(made.survey, archetype, features)
        planned = {file.path: file.text for file in plan(made.survey, choice, starter)}
        for path in planned.keys() - {"reprobuild.toml"}:
            (root / path).write_text(planned[path])
        project = parse_project(planned["reprobuild.toml"].encode(), root)

        assert list(file_problems(project)) == []
        assert project.gpu == choice.has("cuda")
        assert choice.has("cuda") == ("cuda" in features or name == "vision")
