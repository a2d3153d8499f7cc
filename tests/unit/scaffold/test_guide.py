import itertools
import re
import tomllib

import pytest
from builders.samples import SAMPLES, folder_of

from reprobuild.guide.file import GuideFile
from reprobuild.guide.read import parse_guide_file
from reprobuild.scaffold.choice import ARCHETYPES, FEATURES, choose
from reprobuild.scaffold.guide import draft_guide
from reprobuild.scaffold.survey import survey

SURVEYS = {name: survey(folder_of(files)) for name, files in {**SAMPLES, "empty": {}}.items()}
FEATURE_SETS = [chosen for size in range(len(FEATURES) + 1) for chosen in itertools.combinations(FEATURES, size)]


def said(text: str) -> str:
    """The proposals without their marks, filled in by somebody."""
    lines = [line.removeprefix("# ") for line in text.splitlines() if re.match(r"# ( {4}\{|\]|\[|[a-z_]+ = )", line)]
    return "\n".join(lines).replace('""', '"said"').replace("YYYY-MM-DD", "2026-11-24")


@pytest.mark.parametrize("archetype", ARCHETYPES)
@pytest.mark.parametrize("name", sorted(SURVEYS))
def test_nothing_is_declared_and_every_proposal_could_be(name: str, archetype: str) -> None:
    for features in FEATURE_SETS:
        text = draft_guide(SURVEYS[name], choose(SURVEYS[name], archetype, features))

        assert tomllib.loads(text) == {}
        read = parse_guide_file(said(text).encode())
        asked = {line[3:-1] for line in text.splitlines() if line.startswith("# [")}
        assert read.model_fields_set == asked
        assert asked <= GuideFile.model_fields.keys()


def test_a_proposal_that_nobody_filled_in_is_refused() -> None:
    text = draft_guide(SURVEYS["bare"], choose(SURVEYS["bare"], None, ()))
    unsaid = "\n".join(line.removeprefix("# ") for line in text.splitlines()[4:11] if "=" in line or "[" in line)

    assert '[data]\ntext = ""' in unsaid
    with pytest.raises(ValueError):
        tomllib.loads(unsaid)


def test_features_and_archetypes_ask_for_more() -> None:
    seen = SURVEYS["tabular"]
    plain = draft_guide(seen, choose(seen, "generic", ()))
    full = draft_guide(seen, choose(seen, "tabular", ("fairness", "monitoring")))

    assert "groups = [" not in plain
    assert '{ group = "", metric = "auc", value = 0.0 }' in full
    assert full.count('every = "') == 6
    assert "postcode" in full
    assert "postcode" not in plain
