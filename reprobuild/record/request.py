"""What a run is asked to do: the command with its hyperparameters, and the files of hyperparameters as values."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError
from reprobuild.record.document import Scalar

_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
OWN_VARIABLES = frozenset(
    (
        *("HOME", "USER", "LOGNAME", "PATH", "CUBLAS_WORKSPACE_CONFIG"),
        *("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONNOUSERSITE", "PYTHONUNBUFFERED"),
        *THREAD_VARIABLES,
    )
)
"""What a run sets itself, beside everything that begins with `REPROBUILD_`."""
MAX_PARAMS = 1 << 20
PARAMS_DEPTH = 16
"""Of a file of hyperparameters: it has to fit, with what is around it, into a record that can be read again."""


def fill_command(command: Sequence[str], hyperparameters: Mapping[str, Scalar]) -> tuple[str, ...]:
    """The command with `{name}` replaced by values, `{{` and `}}` by braces; InputError for any other brace or name."""

    def fill(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] is None or found[1] not in hyperparameters:
            known = ", ".join(sorted(hyperparameters)) or "none"
            raise InputError(
                f"{found[0]!r} is no hyperparameter",
                hint=f"known: {known}; write {{{{ and }}}} for braces",
            )
        value = hyperparameters[found[1]]
        return value if isinstance(value, str) else json.dumps(value)

    return tuple(_PLACE.sub(fill, part) for part in command)


def parse_params(data: bytes, path: str) -> JsonValue:
    """The values of a YAML, JSON or TOML file, by its suffix; InputError for what JSON could not hold."""
    if len(data) > MAX_PARAMS:
        raise InputError(f"{path}: larger than {MAX_PARAMS} bytes")
    try:
        return _as_json(_load(data, path), path)
    except (ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: {reason}") from error


def _as_json(value: object, path: str) -> JsonValue:
    """The value as strict JSON spells it; a few aliases of YAML can stand for more than memory holds."""
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a mapping of names to values")
    spelt = bytearray()
    for piece in json.JSONEncoder(allow_nan=False).iterencode(value):
        spelt += piece.encode()
        if len(spelt) > MAX_PARAMS:
            raise InputError(f"{path}: larger than {MAX_PARAMS} bytes with its aliases written out")
    if rb"\u0000" in spelt:
        raise InputError(f"{path}: it holds a NUL character")
    return parse_json(bytes(spelt), path, max_depth=PARAMS_DEPTH)  # type: ignore[no-any-return]


def _load(data: bytes, path: str) -> object:
    suffix = path.rpartition(".")[2].lower()
    if suffix == "json":
        return parse_json(data, path)
    if suffix == "toml":
        return tomllib.loads(data.decode())
    if suffix in ("yaml", "yml"):
        import yaml

        try:
            return yaml.safe_load(data)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error
    raise InputError(f"{path}: hyperparameters are read from .yaml, .json and .toml files")
