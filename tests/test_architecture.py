"""The import table: `cli → steps → {tools, engines, nouns} → ground`, never back."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reprobuild

PACKAGE = Path(reprobuild.__file__).parent
NOUNS = {
    "project",
    "lock",
    "image",
    "record",
    "verdict",
    "bundle",
    "guide",
    "hardware",
    "scaffold",
    "ledger",
    "numerics",
    "tensors",
}
ALLOWED = {
    "cli": {"cli", "steps", "tools", "engines", "ground"} | NOUNS,
    "steps": {"steps", "tools", "engines", "ground"} | NOUNS,
    "engines": {"engines", "tools", "ground"} | NOUNS,
    "tools": {"tools", "ground"} | NOUNS,
    **{noun: {"ground"} | NOUNS for noun in NOUNS},
    "ground": {"ground"},
    "runtime": set(),
    "kb": set(),
}
# What only the outside-world rooms may touch; nouns are values, and ground is smaller still.
OUTSIDE = {"subprocess", "socket", "httpx", "requests", "urllib.request", "time", "rich", "typer"}
ONLY_CLI = {"rich", "typer"}
RUNTIME_STANDARD_LIBRARY_ONLY = "runtime"


def modules() -> list[Path]:
    return sorted(
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if len(path.relative_to(PACKAGE).parts) > 1
    )


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_imports_only_rooms_below_its_own(path: Path) -> None:
    room = path.parts[0]
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("reprobuild.") and name.count(".") > 1}

    assert rooms <= ALLOWED[room]


@pytest.mark.parametrize("path", modules(), ids=str)
def test_the_outside_world_is_touched_only_where_it_belongs(path: Path) -> None:
    room = path.parts[0]
    names = set(imports(path))

    if room in NOUNS | {"ground"}:
        assert not names & OUTSIDE
    elif room not in {"cli", "runtime"}:
        assert not {name.split(".")[0] for name in names} & ONLY_CLI


def test_no_module_has_grown_past_its_second_idea() -> None:
    lengths = {str(path): len((PACKAGE / path).read_text().splitlines()) for path in modules()}

    assert {path: lines for path, lines in lengths.items() if lines > 350} == {}
