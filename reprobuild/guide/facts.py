"""What a record measured, as rows for people: names in a fixed order, values as they were recorded."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reprobuild.ground.digests import short
from reprobuild.guide.markdown import Markdown, code, escape, spell
from reprobuild.lock.index import LockIndex
from reprobuild.record.document import Asked, DataUse, Json, Record, Tolerance
from reprobuild.tensors.model import Model

Row = tuple[object, ...]
MAX_ROWS = 400
MAX_LIST = 8
_INSTRUCTIONS = ("avx", "fma", "amx", "sse4", "f16c", "asimd", "sve", "bf16")
"""How the CPU flags begin on which numeric libraries choose their kernels."""
_KINDS = {"deb": "Debian packages", "wheel": "Python wheels", "conda": "conda packages", "oci-layer": "base layers"}


def flat(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """The leaves of nested tables by dotted name; a list of plain values is one leaf."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from flat(value[key], f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value):
            yield from flat(item, f"{name}.{number}")
    else:
        yield name, value


def leaf(value: Json) -> str:
    """A leaf as text; of a long list the first items and how many follow."""
    if not isinstance(value, list):
        return spell(value) if value != {} else "none"
    more = len(value) - MAX_LIST
    items = ", ".join(spell(item) for item in value[:MAX_LIST])
    return f"{items} and {more} more" if more > 0 else items or "none"


def bounded(rows: Sequence[Row]) -> list[Row]:
    """The first MAX_ROWS rows, and one that says how many follow."""
    if len(rows) <= MAX_ROWS:
        return list(rows)
    return [*rows[:MAX_ROWS], (f"and {len(rows) - MAX_ROWS} more", *[""] * (len(rows[0]) - 1))]


def seed_rows(record: Record) -> list[Row]:
    """Every generator with its seed as it was read back, and the switches of determinism."""
    found = {kind: record.found.get(kind) for kind in ("seeds", "switches", "threads")}
    named = {
        "PYTHONHASHSEED": "hash order of Python",
        "random": "Python's random",
        "numpy": "NumPy",
        "torch": "PyTorch",
    }
    return bounded(
        [
            (kind[:-1] if kind != "switches" else "switch", named.get(name, name), code(leaf(value)))
            for kind, table in found.items()
            for name, value in flat(table or {})
            if name
        ]
    )


def problems(record: Record) -> list[str]:
    """What could not be set or read back during the run."""
    told = record.found.get("problems")
    return [spell(item) for item in told][:50] if isinstance(told, list) else []


def package_rows(record: Record) -> list[Row]:
    """Python packages that the run could import."""
    return bounded(sorted(record.fingerprint.packages.items()))


def numeric_rows(record: Record) -> list[Row]:
    """Numeric libraries that were loaded, with the kernels they chose."""
    rows: list[Row] = []
    for library in record.fingerprint.libraries:
        file = str(library.get("file", "")).rpartition("/")[2]
        about = (f"{name} {leaf(library[name])}" for name in ("version", "core", "threads") if library.get(name))
        rows.append((leaf(library.get("name", "")), code(file), ", ".join(about)))
    return bounded(sorted(rows, key=str))


def locked_rows(lock: LockIndex) -> list[Row]:
    """How many files of each kind the lock names, and their bytes."""
    kinds = sorted({artifact.kind for artifact in lock.artifacts})
    sizes = {kind: [artifact.size for artifact in lock.artifacts if artifact.kind == kind] for kind in kinds}
    return [(_KINDS.get(kind, kind), len(sizes[kind]), megabytes(sum(sizes[kind]))) for kind in kinds]


def locked_names(lock: LockIndex) -> list[Row]:
    """Of each kind the names and versions; wheels have a table of their own, as the run found them."""
    kinds = sorted({artifact.kind for artifact in lock.artifacts} - {"wheel"})
    named = {
        kind: sorted({f"{item.name} {item.version}" for item in lock.artifacts if item.kind == kind}) for kind in kinds
    }
    return [(_KINDS.get(kind, kind), _listed(names)) for kind, names in named.items()]


def _listed(names: Sequence[str]) -> Markdown:
    more = len(names) - MAX_ROWS
    return Markdown(", ".join(escape(name) for name in names[:MAX_ROWS]) + (f" and {more} more" if more > 0 else ""))


def hardware_rows(record: Record) -> list[Row]:
    """Everything that the fingerprint has of the machine, by name."""
    facts = record.fingerprint.model_dump(mode="json")
    left_out = ("format", "packages", "libraries", "python", "gpus", "links", "disk_free_bytes")
    kept = {key: value for key, value in facts.items() if key not in left_out and value is not None}
    return _fact_rows(flat(kept))


def gpu_rows(record: Record) -> list[Row]:
    """The facts of every GPU, but not those that change from minute to minute."""
    gpus = [gpu.model_dump(mode="json", exclude={"state"}) for gpu in record.fingerprint.gpus]
    links: list[Row] = [(f"gpu.{link.first} to gpu.{link.second}", link.way) for link in record.fingerprint.links]
    return bounded([*_fact_rows(flat([*gpus], "gpu")), *links])


def _fact_rows(facts: Iterable[tuple[str, Json]]) -> list[Row]:
    """What is known; of a CPU's flags those that kernels depend on."""
    rows: list[Row] = []
    for name, value in facts:
        if name.endswith("flags") and isinstance(value, list):
            rows.append((name, ", ".join(spell(flag) for flag in value if str(flag).startswith(_INSTRUCTIONS))))
        elif ("_bytes" in name or ".caches." in name) and isinstance(value, int) and value:
            rows.append((name.removesuffix("_bytes"), megabytes(value)))
        elif value not in ("", 0, {}, [], None) or value is False:
            rows.append((name, leaf(value)))
    return bounded(rows)


def parameter_rows(asked: Asked) -> list[Row]:
    """Hyperparameters with the file that they come from."""
    given: list[Row] = [(name, code(value), "reprobuild.toml") for name, value in sorted(asked.hyperparameters.items())]
    for path, table in sorted(asked.params.items()):
        given += [(name, code(leaf(value)), path) for name, value in flat(table) if name]
    return bounded(given)


def data_rows(data: Mapping[str, DataUse]) -> list[Row]:
    """Each data set by content."""
    rows: list[Row] = [
        (name, code(use.path), use.files, f"{use.size:,} bytes", code(short(use.sha256))) for name, use in data.items()
    ]
    return bounded(sorted(rows, key=lambda row: str(row[0])))


def metric_rows(record: Record) -> list[Row]:
    """Metrics with how far a replay may lie from them."""
    tolerances = record.asked.tolerances
    return bounded([(name, value, _tolerance(tolerances.get(name))) for name, value in sorted(record.metrics.items())])


def _tolerance(tolerance: Tolerance | None) -> str:
    if tolerance is None or tolerance == Tolerance():
        return "none: the same number"
    parts = (f"{tolerance.absolute!r} absolute", f"{tolerance.relative!r} relative")
    return " or ".join(
        part for part, value in zip(parts, (tolerance.absolute, tolerance.relative), strict=True) if value
    )


def output_rows(record: Record) -> list[Row]:
    """What the run left, by content."""
    return bounded(
        [(code(name), f"{item.size:,} bytes", code(item.sha256)) for name, item in sorted(record.outputs.items())]
    )


def megabytes(size: int) -> str:
    """Bytes in decimal units from kilobytes on."""
    if size < 1_000_000:
        return f"{size / 1e3:.1f} kB"
    return f"{size / 1e9:.1f} GB" if size >= 1_000_000_000 else f"{size / 1e6:.1f} MB"


def travels(record: Record, limit: int) -> list[str]:
    """The data sets that are too large for the bundle."""
    return [name for name, use in sorted(record.data.items()) if use.size > limit]


def summary_rows(record: Record) -> list[Row]:
    """What identifies the run, and what to expect of it."""
    gpus = ", ".join(gpu.name or "without a name" for gpu in record.fingerprint.gpus) or "none"
    pinned = "" if record.asked.numerics == "native" else f", numerics {record.asked.numerics}"
    return [
        ("command", code(shlex.join(record.asked.command))),
        ("image ID", code(f"sha256:{record.image}")),
        ("lock", code(f"sha256:{record.lock}")),
        ("source", f"{record.source.files} files, {short(record.source.sha256)}"),
        ("CPU", f"{record.fingerprint.cpu.name or 'unknown'}; {record.asked.threads} threads{pinned}"),
        ("GPU", gpus),
        ("took", f"{record.wall_seconds:.1f} s, {megabytes(record.peak_memory_bytes)} of memory"),
        ("reprobuild", record.reprobuild),
    ]


def tensor_rows(model: Model) -> list[Row]:
    """The tensors of a model in its own order."""
    return bounded(
        [
            (code(tensor.name), tensor.dtype, " × ".join(map(str, tensor.shape)) or "one number", f"{tensor.count:,}")
            for tensor in model.tensors
        ]
    )
