import tomllib
from importlib.resources import files

import pytest
from packaging.utils import canonicalize_name

from reprobuild.scaffold.choice import ARCHETYPES
from reprobuild.scaffold.imports import TABLE, distributions, is_standard, read_imports
from reprobuild.scaffold.syntax import Syntax


def test_every_row_names_a_distribution_once_and_a_source() -> None:
    table = tomllib.loads((files("reprobuild") / "kb" / TABLE).read_text())
    modules = [row["module"] for row in table["module"]]

    assert len(modules) == len(set(modules))
    assert not set(modules) & set(table["same"]["modules"])
    assert table["archetype"].keys() < set(ARCHETYPES)
    for row in (*table["module"], *table["library"]):
        assert row["distribution"] == canonicalize_name(row["distribution"])
        assert row["source"].startswith("https://")
    assert not any(is_standard(module) for module in modules)


@pytest.mark.parametrize(
    ("module", "distribution", "known"),
    [
        ("sklearn.svm", "scikit-learn", True),
        ("google.cloud.storage.blob", "google-cloud-storage", True),
        ("numpy.random", "numpy", True),
        ("some_module.x", "some-module", False),
    ],
)
def test_a_module_is_of_the_distribution_with_the_longest_name(module: str, distribution: str, known: bool) -> None:
    assert distributions().of(module) == (distribution, known)


def test_imports_are_told_with_what_can_be_done_without() -> None:
    text = (
        "import a.b, c\n"
        "try:\n    import d\nexcept ImportError:\n    d = None\n"
        "try:\n    import e\nexcept ValueError:\n    pass\n"
        "if TYPE_CHECKING:\n    import f\nelse:\n    import g\n"
        "def late():\n    from .h import i, j\n    with x:\n        import k\n"
        "match x:\n    case 1:\n        import m\n"
    )

    found = read_imports(Syntax(text).tree)

    required = [item.module for item in found if not item.optional]
    assert required == ["a.b", "c", "e", "g", ".h", ".h.i", ".h.j", "k", "m"]
    assert [item.module for item in found if item.optional] == ["d"]
