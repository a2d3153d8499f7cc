"""Projects for tests, and the world they run in: no network, no lock, no image."""

from pathlib import Path
from typing import Any

from reprobuild.project.model import DataSource, Project


def make_project(root: Path, files: dict[str, str | bytes] | None = None, **changes: Any) -> Project:
    """A project in `root` with these files; `data` is a mapping of names to paths."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    data: dict[str, str] = changes.pop("data", {})
    values: dict[str, Any] = {
        "root": root,
        "name": "test",
        "base": "test",
        "debian": (),
        "requirements": (),
        "resolver": "pip-tools",
        "environment": None,
        "command": ("python", "train.py"),
        "seed": 1234,
        "threads": 2,
        "timeout": 60.0,
        "gpu": False,
        "engine": None,
        "env": (),
        "params": (),
        "outputs": (),
        "metrics": None,
        "hyperparameters": {},
        "tolerances": {},
        "data": tuple(DataSource(name, path) for name, path in sorted(data.items())),
    }
    return Project(**{**values, **changes})
