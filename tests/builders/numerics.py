"""Numerics of machines that nobody probed."""

import json
from collections.abc import Mapping
from typing import Any

from reprobuild.numerics.document import Numerics

OPERATIONS = {f"torch/matmul/f32/{size}x{size}": f"{size:016x}" for size in range(10, 20)}


def make_numerics(operations: Mapping[str, str] = OPERATIONS, **changes: Any) -> Numerics:
    """What a probe told, unless `changes` say otherwise."""
    fields: dict[str, Any] = {
        "probe": 1,
        "profile": "native",
        "threads": 2,
        "python": "3.11.2",
        "cpu": {"vendor": "AuthenticAMD", "name": "AMD EPYC", "features": ["avx2", "fma"]},
        "libraries": {"torch": "2.13.0"},
        "operations": dict(operations),
        "failed": {},
        "problems": [],
        "seconds": {"torch": 1.5, "torch.import": 2.5},
    }
    return Numerics.model_validate_json(json.dumps({**fields, **changes}))


def printed(**changes: Any) -> bytes:
    """What `python -m reprobuild_probe` prints."""
    told: dict[str, Any] = {
        "probe": 1,
        "python": "3.11.2",
        "libraries": {"torch": "2.13.0"},
        "cpu": {"vendor": "AuthenticAMD", "name": "AMD EPYC", "features": ["fma", "avx2"], "caches": {"L2": 1}},
        "operations": {**OPERATIONS, "torch/sort/i64/9": {"error": "RuntimeError: no"}},
        "problems": [],
        "seconds": {"torch": 1.5, "torch.import": 2.5},
    }
    return json.dumps({**told, **changes}).encode()
