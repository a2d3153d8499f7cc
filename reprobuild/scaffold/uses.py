"""What a script does with files and with chance, by the names of the functions that it calls."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from reprobuild.scaffold.branches import Happening, happenings
from reprobuild.scaffold.syntax import Syntax
from reprobuild.scaffold.values import Values, called
from reprobuild.scaffold.writes import Write, read_writes

Fact = TypeVar("Fact", str, int)

SEEDERS = frozenset(
    (
        *("manual_seed", "manual_seed_all", "seed_everything", "set_seed", "set_seeds", "set_random_seed", "fix_seed"),
        *("seed", "default_rng", "PRNGKey", "RandomState"),
    )
)
SEED_WORDS = frozenset(("seed", "random_state", "random_seed"))
DOWNLOADERS = re.compile(
    r"fetch_(openml|california_housing|20newsgroups\w*|covtype|lfw_\w+|olivetti_faces|kddcup99|rcv1)"
    r"|load_dataset|from_pretrained|urlretrieve|urlopen|hf_hub_download|snapshot_download|get_file"
    r"|load_state_dict_from_url"
)
_TRACKERS = ("wandb.init", "mlflow.set_tracking_uri", "comet_ml.Experiment", "neptune.init_run")
_REQUESTS = ("requests.get", "requests.post", "httpx.get", "urllib.request.urlopen")
_HYPERPARAMETER = re.compile(
    r"(max_|n_|num_|min_)?(epochs?|batch_size|lr|learning_rate|dropout|hidden\w*|layers|n_layers?|n_heads?|n_embd|momentum"
    r"|weight_decay|alpha|gamma|beta\d?|warmup\w*|iters|steps|estimators|depth|test_size|folds?|patience|block_size)"
)
_NUMBER_OF_THREADS = frozenset(("n_jobs", "num_threads", "nthread", "thread_count", "n_threads"))


@dataclass(frozen=True)
class Uses:
    """Everything of this kind in one script, each with its line."""

    writes: tuple[Write, ...] = ()
    texts: tuple[tuple[str, int], ...] = ()
    """Texts that may be paths."""
    seeds: tuple[tuple[int, int], ...] = ()
    threads: tuple[tuple[int, int], ...] = ()
    downloads: tuple[tuple[str, int], ...] = ()
    gpu: int = 0
    """The line that needs a GPU, 0 when there is none, or when the script asks whether there is one."""
    reports: tuple[tuple[str, int], ...] = ()
    """Calls that send what they are told to a server."""
    words: int = 0
    """The first line that reads `sys.argv` itself, 0 for none."""
    constants: tuple[tuple[str, int], ...] = ()


def read_uses(syntax: Syntax, values: Values) -> Uses:
    """The uses of a script, each kind by line."""
    calls = list(happenings(syntax.tree, values))
    asks = any(call.name == "is_available" for call in calls)
    return Uses(
        writes=tuple(sorted(read_writes(syntax, calls, values), key=lambda item: (item.line, item.path))),
        texts=_by_line(_texts(syntax.tree, values)),
        seeds=_by_line(_seeds(syntax, values)),
        threads=_by_line(_threads(calls, values)),
        downloads=_by_line(_downloads(calls, values)),
        reports=_by_line((name, call.node.lineno) for call in calls if (name := _full_name(call)) in _TRACKERS),
        gpu=0 if asks else min((call.node.lineno for call in calls if _needs_gpu(call, values)), default=0),
        words=min(_argument_vectors(syntax), default=0),
        constants=_by_line(_constants(syntax.tree)),
    )


def _by_line(found: Iterable[tuple[Fact, int]]) -> tuple[tuple[Fact, int], ...]:
    return tuple(sorted(set(found), key=lambda item: (item[1], str(item[0]))))


def _texts(tree: ast.Module, values: Values) -> Iterator[tuple[str, int]]:
    """Every text that could name a file: short, on one line, and no docstring."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant | ast.Attribute | ast.Call | ast.BinOp | ast.JoinedStr):
            text = values.text(node)
            if text and len(text) < 300 and "\n" not in text:
                yield text, node.lineno
            if text and not isinstance(node, ast.Constant):
                continue  # the parts of a path are no paths of their own
        waiting += ast.iter_child_nodes(node)


def _seeds(syntax: Syntax, values: Values) -> Iterator[tuple[int, int]]:
    candidates: list[ast.expr] = []
    for call in syntax.all(ast.Call):
        candidates += call.args[:1] if called(call) in SEEDERS else []
        candidates += [word.value for word in call.keywords if word.arg in SEED_WORDS]
    for node in syntax.all(ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        candidates += [node.value] if any(name.lower() in SEED_WORDS for name in names) else []
    for expression in candidates:
        known = values.of(expression)
        if isinstance(known, int) and not isinstance(known, bool) and 0 <= known < 2**32:
            yield known, expression.lineno


def _threads(calls: Iterable[Happening], values: Values) -> Iterator[tuple[int, int]]:
    for call in calls:
        words = [word.value for word in call.node.keywords if word.arg in _NUMBER_OF_THREADS]
        words += call.node.args[:1] if call.name == "set_num_threads" else []
        for known in map(values.of, words):
            if isinstance(known, int) and not isinstance(known, bool):
                yield known, call.node.lineno


def _downloads(calls: Iterable[Happening], values: Values) -> Iterator[tuple[str, int]]:
    for call in calls:
        asks = any(word.arg == "download" and values.of(word.value) is True for word in call.node.keywords)
        name, place = _full_name(call), values.text(call.node.args[0]) if call.node.args else ""
        reads = call.name.startswith("read_") and place.startswith(("http://", "https://"))
        if call.certain and (asks or reads or DOWNLOADERS.fullmatch(call.name) or name in _REQUESTS):
            yield name, call.node.lineno


def _full_name(call: Happening) -> str:
    function = call.node.func
    return ast.unparse(function)[:80] if isinstance(function, ast.Attribute | ast.Name) else call.name


def _needs_gpu(call: Happening, values: Values) -> bool:
    first = values.of(call.node.args[0]) if call.node.args else None
    on_gpu = isinstance(first, str) and first.split(":")[0] == "cuda"
    asks = (call.name == "cuda" and not call.node.args) or (on_gpu and call.name in ("to", "device", "set_device"))
    return asks and call.certain


def _argument_vectors(syntax: Syntax) -> Iterator[int]:
    """Where words of the command line are taken by number."""
    for node in syntax.all(ast.Subscript):
        if isinstance(node.value, ast.Attribute) and node.value.attr == "argv":
            yield node.lineno


def _constants(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names at the top of a script that are bound to numbers and sound like hyperparameters."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.UnaryOp):
            for target in node.targets:
                if isinstance(target, ast.Name) and _HYPERPARAMETER.fullmatch(target.id.lower()):
                    yield target.id, node.lineno
