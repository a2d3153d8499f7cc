"""A right value of each key of `reprobuild.toml`, for the hint beside a wrong one."""

from collections.abc import Sequence

_EXAMPLES = {
    "project": '[project] name = "my-training"',
    "project.name": 'name = "my-training"',
    "image": '[image] base = "debian12-python311"',
    "image.base": 'base = "debian12-python311"',
    "image.debian": 'debian = ["libgomp1"]',
    "image.python": 'python = "/usr/bin/python3.11", of a base that is docker://…',
    "python": '[python] requirements = ["requirements.in"]',
    "python.requirements": 'requirements = ["requirements.in"], files inside the project',
    "python.resolver": 'resolver = "pip-tools" or "uv"',
    "conda": '[conda] environment = "environment.yml"',
    "conda.environment": 'environment = "environment.yml", a file inside the project',
    "run": '[run] command = ["python", "train.py"]',
    "run.command": 'command = ["python", "train.py"], words without NUL characters',
    "run.seed": "seed = 1234, a number from 0 to 4294967295",
    "run.threads": "threads = 2",
    "run.numerics": 'numerics = "native" or "portable"',
    "run.timeout": 'timeout = "2h"',
    "run.gpu": "gpu = false",
    "run.engine": 'engine = "sandbox", "docker" or "podman"',
    "run.env": 'env = ["LANG"], names of variables',
    "run.params": 'params = ["params.yaml"], files inside the project',
    "run.outputs": 'outputs = ["out/model.npz"], files or folders inside the project',
    "run.metrics": 'metrics = "out/metrics.json", a file inside the project',
    "run.hyperparameters": "epochs = 12: a boolean, a number of at most 64 bits, or a string without NUL characters",
    "run.tolerances": "accuracy = 0.005, or { relative = 1e-6 }, or { absolute = 0.1 }",
    "data": '[data.digits] path = "data/digits.csv"; a name has letters, digits, `.`, `_` and `-`',
    "data.path": 'path = "data/digits.csv", a name without NUL characters',
}


def example_of(key: Sequence[str]) -> str:
    """The example of a key, or of the nearest table around it that has one."""
    names = ["data", *key[2:]] if key[:1] == ["data"] else list(key)
    while names:
        if found := _EXAMPLES.get(".".join(names)):
            return f"for example {found}"
        names.pop()
    return "reprobuild.toml has the tables [project], [image], [python], [conda], [run] and [data.NAME]"
