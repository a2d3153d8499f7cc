"""The command line of a training script, read from its syntax tree: argparse, click and Typer."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from reprobuild.scaffold.syntax import Syntax
from reprobuild.scaffold.values import Known, Unknown, Values, called

_SIMPLE = {"int", "float", "str"}
_OPTION = re.compile(r"--?\w[\w.-]*")
_READ = re.compile(r"(data|dataset|input|train|images?|corpus|texts?|csv)(_?(dir|path|file|root|folder|csv))?")
_WRITTEN = re.compile(r"(out|outputs?|save|model|results?|logs?|checkpoints?|ckpt)(_?(dir|path|folder|to))?")


@dataclass(frozen=True)
class Argument:
    """One argument: its option (empty for a positional one), its default, and why it cannot be passed, if so."""

    name: str
    option: str
    default: Known | Unknown
    kind: str
    """`int`, `float` or `str`; empty when the script does not say."""
    line: int
    required: bool = False
    obstacle: str = ""
    guessed: bool = False
    """True when the default is not the script's, but a guess for what it requires."""

    @property
    def is_seed(self) -> bool:
        """True when its name says that chance depends on it: `[run] seed` is for that."""
        return "seed" in self.name.lower()

    @property
    def reads(self) -> bool:
        """True when its name says that it is where data is."""
        return bool(_READ.fullmatch(self.name.lower())) and self.kind in ("", "str")

    @property
    def writes(self) -> bool:
        """True when its name says that it is where results go."""
        return bool(_WRITTEN.fullmatch(self.name.lower())) and self.kind in ("", "str")


@dataclass(frozen=True)
class CommandLine:
    """What a script takes; with `subcommands` the order of words matters, and nothing is guessed."""

    arguments: tuple[Argument, ...] = ()
    subcommands: int = 0
    """The line of the first subcommand, 0 when there is none."""

    def filled(self, fill: Callable[[Argument], str]) -> "CommandLine":
        """With a value for each required argument that `fill` knows one for."""
        return replace(self, arguments=tuple(_filled(item, fill) for item in self.arguments))

    @property
    def defaults(self) -> Mapping[str, Known]:
        """The value of each argument that is not given."""
        return {item.name: item.default for item in self.arguments if not isinstance(item.default, Unknown)}


def _filled(argument: Argument, fill: Callable[[Argument], str]) -> Argument:
    wanted = argument.required and not argument.obstacle
    return replace(argument, default=text, guessed=True) if wanted and (text := fill(argument)) else argument


def read_command_line(syntax: Syntax, path: str) -> CommandLine:
    """The arguments in the order of their lines, each name once."""
    values = Values(syntax, path, {})
    found = sorted([*_argparse(syntax, values), *_decorated(syntax, values)], key=lambda item: item.line)
    subcommands = [node.lineno for node in syntax.all(ast.Call) if called(node) == "add_subparsers"]
    subcommands += _subcommands(syntax)
    unique = {item.name: item for item in reversed(found)}
    return CommandLine(tuple(item for item in found if unique[item.name] is item), min(subcommands, default=0))


def _argparse(syntax: Syntax, values: Values) -> Iterator[Argument]:
    exclusive = {
        target.id
        for node in syntax.all(ast.Assign)
        if isinstance(node.value, ast.Call)
        for target in node.targets
        if called(node.value) == "add_mutually_exclusive_group" and isinstance(target, ast.Name)
    }
    for node in syntax.all(ast.Call):
        if called(node) == "add_argument" and (argument := _argument(node, values)):
            group = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(group, ast.Name) and group.id in exclusive:
                argument = replace(argument, obstacle="it excludes others")
            yield argument


def _argument(node: ast.Call, values: Values) -> Argument | None:
    given = {word.arg: word.value for word in node.keywords if word.arg}
    names = [known for part in node.args if isinstance(known := values.of(part), str) and known]
    if not names or (action := _text(given.get("action"), values)) in ("help", "version"):
        return None
    options = [name for name in names if name.startswith("-")]
    option = next((name for name in options if name.startswith("--")), options[0] if options else "")
    flag = action not in ("", "store")
    default = values.of(given["default"]) if "default" in given else False if action == "store_true" else None
    needed = _is_true(given.get("required")) if option else "default" not in given
    return Argument(
        name=_text(given.get("dest"), values) or (option or names[0]).lstrip("-").replace("-", "_"),
        option=option,
        default=default,
        kind=_kind(given.get("type")),
        line=node.lineno,
        required=needed and "nargs" not in given,
        obstacle=_obstacle(option, given, flag=flag),
    )


def _text(node: ast.expr | None, values: Values) -> str:
    if node is None:
        return ""
    known = values.of(node)
    return known if isinstance(known, str) else "?"


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _kind(node: ast.expr | None) -> str:
    return node.id if isinstance(node, ast.Name) and node.id in _SIMPLE else ""


def _obstacle(option: str, given: Mapping[str, ast.expr], *, flag: bool) -> str:
    if option and not _OPTION.fullmatch(option):
        return "it has an odd name"
    return "it takes no value" if flag else "it takes a list" if "nargs" in given else _strange(given.get("type"))


def _strange(node: ast.expr | None) -> str:
    """Why a value in the words of a type of the script's own would be a guess."""
    plain = node is None or (isinstance(node, ast.Name) and node.id in (*_SIMPLE, "Path"))
    return "" if plain or (node and ast.unparse(node).endswith("Path")) else "it has a type of its own"


def _decorated(syntax: Syntax, values: Values) -> Iterator[Argument]:
    run = {
        part.id
        for node in syntax.all(ast.Call)
        if called(node) == "run" and ast.unparse(node.func) == "typer.run"
        for part in node.args
        if isinstance(part, ast.Name)
    }
    is_typer = any(item.name == "typer" for node in syntax.all(ast.Import) for item in node.names)
    for function in syntax.all(ast.FunctionDef):
        decorators = [item for item in function.decorator_list if isinstance(item, ast.Call)]
        yield from (found for item in decorators if (found := _click(item, values)))
        is_command = any(called(item) == "command" for item in decorators)
        if function.name in run or (is_command and is_typer):
            yield from _typer(function, values)


def _click(node: ast.Call, values: Values) -> Argument | None:
    if called(node) not in ("option", "argument") or ast.unparse(node.func) not in (
        "click.option",
        "click.argument",
        "option",
        "argument",
    ):
        return None
    given = {word.arg: word.value for word in node.keywords if word.arg}
    names = [known for part in node.args if isinstance(known := values.of(part), str) and known]
    if not names:
        return None
    option = next((name for name in names if name.startswith("--")), "")
    default = values.of(given["default"]) if "default" in given else None
    named = [name for name in names if not name.startswith("-")]
    kind = _kind(given.get("type")) or (type(default).__name__ if isinstance(default, str | int | float) else "")
    flag = _is_true(given.get("is_flag")) or "/" in option or isinstance(default, bool)
    needed = _is_true(given.get("required")) if option else not ("default" in given or "nargs" in given)
    return Argument(
        name=(named[0] if named else option.lstrip("-")).replace("-", "_"),
        option=option,
        default=False if flag and default is None else default,
        kind=kind,
        line=node.lineno,
        required=needed,
        obstacle=_click_obstacle(option, given, flag=flag),
    )


def _click_obstacle(option: str, given: Mapping[str, ast.expr], *, flag: bool) -> str:
    if option and not flag and not _OPTION.fullmatch(option):
        return "it has an odd name"
    return "it takes no value" if flag else "it takes a list" if {"multiple", "nargs"} & given.keys() else ""


def _typer(function: ast.FunctionDef, values: Values) -> Iterator[Argument]:
    names = function.args.args
    defaults: list[ast.expr | None] = [None] * (len(names) - len(function.args.defaults)) + list(function.args.defaults)
    pairs = [*zip(names, defaults, strict=True), *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]
    for name, default in pairs:
        kind, described = _annotation(name.annotation)
        if isinstance(default, ast.Call) and called(default) in ("Option", "Argument"):
            described, default = default, default.args[0] if default.args else None
        required = default is None or (isinstance(default, ast.Constant) and default.value is ...)
        positional = called(described) == "Argument" if described else required
        words = [known for part in described.args if isinstance(known := values.of(part), str)] if described else []
        option = next((word for word in words if word.startswith("--")), f"--{name.arg.replace('_', '-')}")
        flag = kind == "bool" or "/" in option
        yield Argument(
            name=name.arg,
            option="" if positional else option,
            default=None if default is None or required else values.of(default),
            kind=kind if kind in _SIMPLE else "",
            line=name.lineno,
            required=required,
            obstacle="it takes no value" if flag else "" if kind in (*_SIMPLE, "Path") else "it has a type of its own",
        )


def _annotation(node: ast.expr | None) -> tuple[str, ast.Call | None]:
    """The type, and the `typer.Option(…)` of an Annotated."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Annotated"):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        described = next((part for part in parts[1:] if isinstance(part, ast.Call)), None)
        return ast.unparse(parts[0]).rpartition(".")[2], described
    return (ast.unparse(node).rpartition(".")[2] if node else "str"), None


def _subcommands(syntax: Syntax) -> list[int]:
    """The lines of click's and Typer's commands, when there is more than one, or a group."""
    found = []
    for function in syntax.all(ast.FunctionDef):
        for item in function.decorator_list:
            name = ast.unparse(item.func if isinstance(item, ast.Call) else item).rpartition(".")[2]
            if name in ("command", "group"):
                found.append((name, item.lineno))
    lines = [line for _, line in found]
    return lines if len(lines) > 1 or any(name == "group" for name, _ in found) else []
