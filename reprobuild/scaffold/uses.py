"""What a script does with files and with chance, by the names of the functions that it calls."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reprobuild.scaffold.objects import Objects
from reprobuild.scaffold.values import Unknown, Values, called

_FIRST, _SECOND = 0, 1
WRITERS = {
    **dict.fromkeys(("savez", "savez_compressed", "savetxt", "savefig", "imwrite", "save_pretrained"), _FIRST),
    **dict.fromkeys(("to_csv", "to_parquet", "to_json", "to_pickle", "to_feather", "save_weights"), _FIRST),
    **dict.fromkeys(("save_model", "save_state_dict", "write_image"), _FIRST),
    **dict.fromkeys(("dump", "save_file"), _SECOND),
}
"""Function to the argument that names the file. `save` is told apart by its module, `open` by its mode."""
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
    r"|load_state_dict_from_url|read_csv_url"
)
_TRACKERS = ("wandb.init", "mlflow.set_tracking_uri", "comet_ml.Experiment", "neptune.init_run")
TRAINING = frozenset(
    (
        "fit",
        "partial_fit",
        "fit_transform",
        "backward",
        "train_test_split",
        "step",
        "zero_grad",
        "train",
        "Trainer",
        "cross_val_score",
    )
)
_STRONG = frozenset(("fit", "partial_fit", "backward", "Trainer", "zero_grad", "apply_gradients"))
_NUMBER_OF_THREADS = frozenset(("n_jobs", "num_threads", "nthread", "thread_count", "n_threads"))


@dataclass(frozen=True)
class Write:
    """A file that a script writes; `certain` when nothing that is known keeps it from doing so."""

    path: str
    line: int
    certain: bool
    keys: tuple[str, ...] = ()
    """The names of a flat JSON object, as far as they are written down."""
    nested: bool = False
    """True when it is a JSON object that is known not to be flat."""


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
    training: tuple[tuple[str, int], ...] = ()
    makes_folders: bool = False
    is_program: bool = False

    @property
    def trains(self) -> bool:
        """True when a call looks like training, and not only like its surroundings."""
        return any(name in _STRONG for name, _ in self.training)


def read_uses(tree: ast.Module, values: Values) -> Uses:
    """The uses of a script, each kind by line."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    asks = any(called(node) == "is_available" for node in calls)
    writes = sorted(_writes(tree, values), key=lambda item: (item.line, item.path))
    return Uses(
        writes=tuple(writes),
        texts=tuple(sorted(set(_texts(tree, values)), key=lambda item: (item[1], item[0]))),
        seeds=tuple(sorted(set(_seeds(tree, values)), key=lambda item: item[1])),
        threads=tuple(_threads(calls, values)),
        downloads=tuple(sorted(_downloads(calls, values), key=lambda item: item[1])),
        gpu=0 if asks else min((node.lineno for node in calls if _needs_gpu(node, values)), default=0),
        training=tuple(sorted({(name, node.lineno) for node in calls if (name := called(node)) in TRAINING})),
        makes_folders=any(called(node) in ("mkdir", "makedirs") for node in calls),
        is_program=any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body),
    )


def _writes(tree: ast.Module, values: Values) -> Iterator[Write]:
    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
    objects = Objects(tree)
    while waiting:
        node, certain = waiting.pop()
        if isinstance(node, ast.Call) and (path := _written(node, values)):
            yield Write(path, node.lineno, certain, *objects.written_by(node))
        if isinstance(node, ast.If):
            known = values.of(node.test)
            happens = isinstance(known, Unknown) or bool(known)
            waiting += [(child, certain and happens) for child in (node.test, *node.body)]
            waiting += [(child, certain and (isinstance(known, Unknown) or not happens)) for child in node.orelse]
        else:
            waiting += [(child, certain) for child in ast.iter_child_nodes(node)]


def _written(node: ast.Call, values: Values) -> str:
    target = _target(node, values)
    return values.text(target) if target is not None else ""


def _target(node: ast.Call, values: Values) -> ast.expr | None:
    """The expression that names the file which a call writes."""
    name, function = called(node), node.func
    if name in ("write_text", "write_bytes") and isinstance(function, ast.Attribute):
        return function.value
    if name == "open":
        return _opened(node, values)
    position = WRITERS.get(name)
    if name == "save":
        # torch.save(what, where) and joblib's kin; numpy.save(where, what), Image.save(where) and model.save(where)
        owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
        position = _SECOND if owner in ("torch", "paddle", "cloudpickle") else _FIRST
    if position is None:
        return None
    named = next(
        (word.value for word in node.keywords if word.arg in ("path", "filename", "fname", "path_or_buf")), None
    )
    return node.args[position] if len(node.args) > position else named


def _opened(node: ast.Call, values: Values) -> ast.expr | None:
    """What `open(path, "w")` or `path.open("w")` writes."""
    is_method = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) not in (
        "io",
        "gzip",
        "codecs",
        "bz2",
    )
    words = list(node.args) if is_method else list(node.args[1:])
    mode = next((word.value for word in node.keywords if word.arg == "mode"), words[0] if words else None)
    known = values.of(mode) if mode else ""
    if not isinstance(known, str) or not set(known) & set("wax"):
        return None
    return (
        node.func.value if is_method and isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
    )


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


def _seeds(tree: ast.Module, values: Values) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        candidates: list[ast.expr] = []
        if isinstance(node, ast.Call):
            candidates += node.args[:1] if called(node) in SEEDERS else []
            candidates += [word.value for word in node.keywords if word.arg in SEED_WORDS]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            candidates += [node.value] if any(name.lower() in SEED_WORDS for name in names) else []
        for expression in candidates:
            known = values.of(expression)
            if isinstance(known, int) and not isinstance(known, bool) and 0 <= known < 2**32:
                yield known, expression.lineno


def _threads(calls: list[ast.Call], values: Values) -> Iterator[tuple[int, int]]:
    for node in calls:
        words = [word.value for word in node.keywords if word.arg in _NUMBER_OF_THREADS]
        words += node.args[:1] if called(node) == "set_num_threads" else []
        for known in map(values.of, words):
            if isinstance(known, int) and not isinstance(known, bool):
                yield known, node.lineno


def _downloads(calls: list[ast.Call], values: Values) -> Iterator[tuple[str, int]]:
    for node in calls:
        name = ast.unparse(node.func)[:80] if isinstance(node.func, ast.Attribute | ast.Name) else ""
        asks = any(word.arg == "download" and values.of(word.value) is True for word in node.keywords)
        if (
            DOWNLOADERS.fullmatch(called(node))
            or asks
            or name in _TRACKERS
            or re.fullmatch(r"requests\.(get|post)", name)
        ) or (
            called(node).startswith("read_")
            and node.args
            and values.text(node.args[0]).startswith(("http://", "https://"))
        ):
            yield name, node.lineno


def _needs_gpu(node: ast.Call, values: Values) -> bool:
    first = values.of(node.args[0]) if node.args else None
    on_gpu = isinstance(first, str) and first.split(":")[0] == "cuda"
    return (called(node) == "cuda" and not node.args) or (on_gpu and called(node) in ("to", "device", "set_device"))
