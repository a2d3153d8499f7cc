"""The command that starts a training, and the arguments in it that are hyperparameters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reprobuild.scaffold.arguments import Argument
from reprobuild.scaffold.script import Script
from reprobuild.scaffold.survey import Survey

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE = re.compile(
    r"\.+|.*/.*|.+\.(csv|tsv|parquet|npz?|json|ya?ml|toml|txt|pt|pth|pkl|joblib|h5|onnx|safetensors|png)"
)


@dataclass(frozen=True)
class Command:
    """Words, the hyperparameters that they name with the line of each, and what is left to the user."""

    words: tuple[str, ...]
    hyperparameters: tuple[tuple[str, bool | int | float | str, int], ...] = ()
    remarks: tuple[str, ...] = ()


def draft_command(survey: Survey) -> Command:
    """The command; without a script the commonest one, and a remark that it is a guess."""
    script = survey.script
    if script is None:
        return Command(
            ("python", "train.py"),
            remarks=("No training script was found: put here what starts yours.", *_notebooks(survey)),
        )
    start, remarks = _start(survey, script.path)
    line = script.command_line
    if line.subcommands:
        remarks.append(f"{script.path}:{line.subcommands} has subcommands: add the one that trains, and its arguments")
        return Command(tuple(start), remarks=tuple(remarks))
    remarks += _unspoken(script)
    words = _Words(script.path, remarks)
    for argument in line.arguments:
        words.add(argument)
    if words.left:
        remarks.append(f"At its own default: {', '.join(words.left)}")
    return Command((*start, *words.options, *words.positional), tuple(words.hyperparameters), tuple(remarks))


def _unspoken(script: Script) -> Iterator[str]:
    """What a script takes otherwise than by arguments with names."""
    if script.uses.words and not script.command_line.arguments:
        yield f"{script.path}:{script.uses.words} reads sys.argv: add the words that it wants"
    if script.uses.constants and not script.command_line.arguments:
        named = ", ".join(f"{name} (line {line})" for name, line in script.uses.constants[:8])
        yield (
            f"{script.path} holds hyperparameters itself, which no record tells: {named}. To have them recorded, "
            "name them under [run.hyperparameters] and let the script read the JSON file at $REPROBUILD_PARAMS."
        )


class _Words:
    """The arguments of a command, as they are decided one after the other."""

    def __init__(self, path: str, remarks: list[str]) -> None:
        self._path, self._remarks = path, remarks
        self.options: list[str] = []
        self.positional: list[str] = []
        self.hyperparameters: list[tuple[str, int | float | str, int]] = []
        self.left: list[str] = []

    def add(self, argument: Argument) -> None:
        """Pass it as a hyperparameter where that changes nothing, else leave it at its default or say what it wants."""
        at, shown = f"{self._path}:{argument.line}", argument.option or argument.name.upper()
        if argument.guessed:
            self._place(argument, str(argument.default))
            self._remarks.append(f"{at} requires {shown}; {argument.default} is a guess")
        elif (value := hyperparameter(argument)) is not None:
            self._place(argument, f"{{{argument.name}}}")
            self.hyperparameters.append((argument.name, value, argument.line))
        elif argument.required:
            self._remarks.append(f"{at} requires {shown}, and nothing here says its value: add it to command")
        elif not argument.is_seed:
            self.left.append(shown)

    def _place(self, argument: Argument, value: str) -> None:
        if argument.option:
            self.options += [argument.option.replace("{", "{{").replace("}", "}}"), value]
        else:
            self.positional.append(value)


def hyperparameter(argument: Argument) -> int | float | str | None:
    """The value that, given as a word, is what the script has when nothing is given; None when that is not sure."""
    value = argument.default
    if argument.obstacle or _is_place(argument) or argument.is_seed or not _VARIABLE.fullmatch(argument.name):
        return None
    if argument.kind == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else None
    if argument.kind == "int" and isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if abs(value) < 2**63 and value == int(value) else None
    if isinstance(value, str) and argument.kind in ("", "str"):
        safe = "\0" not in value and not value.startswith("-") and "://" not in value and not _FILE.fullmatch(value)
        return value if safe else None
    return None


def _is_place(argument: Argument) -> bool:
    """True for a folder by its name and value: `--model bert` is a hyperparameter, `--save-dir best` is not."""
    named = re.search(r"dir|path|folder|file|root|out", argument.name.lower())
    return bool(named) and (argument.reads or argument.writes)


def _start(survey: Survey, path: str) -> tuple[list[str], list[str]]:
    """How Python is started so that it finds what the script imports."""
    module = path.removesuffix(".py").replace("/", ".")
    is_module = all(part.isidentifier() for part in module.split("."))
    if "src" not in survey.roots and ("" not in survey.roots or "/" not in path):
        return ["python", path], []
    if "src" not in survey.roots and is_module:
        return ["python", "-m", module], [f"-m, since {path} imports from the top of the project."]
    place = "src" if "src" in survey.roots else "."
    inside = module.removeprefix("src.") if module.startswith("src.") and is_module else ""
    words = ["-m", inside] if inside else [path]
    remark = f"{place} is put on Python's path, since {path} imports from there."
    return ["sh", "-c", f'PYTHONPATH="{place}:$PYTHONPATH" exec python "$@"', "sh", *words], [remark]


def _notebooks(survey: Survey) -> list[str]:
    found = sorted(name for name in survey.folder.files if name.endswith(".ipynb"))
    return [f"A notebook is no script: jupyter nbconvert --to script {found[0]} makes one of it."] if found else []
