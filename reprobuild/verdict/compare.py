"""One output against its recorded self: by digest, and where bytes differ by what its format says they mean.

Both files are a stranger's; neither is ever held whole, but for JSON of a bounded size.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from reprobuild.ground.text import shown
from reprobuild.record.document import FileDigest
from reprobuild.tensors.errors import BROKEN, MalformedError, ProgramError, UncomparableError, UnreadableError
from reprobuild.verdict.arrays import compare_npy, compare_npz, compare_streams
from reprobuild.verdict.document import Comparison, Outcome
from reprobuild.verdict.packed import compare_gzip
from reprobuild.verdict.pickles import compare_pickles
from reprobuild.verdict.tally import Tally
from reprobuild.verdict.tensors import compare_onnx, compare_safetensors, compare_torch
from reprobuild.verdict.text import compare_csv, compare_json, compare_json_lines, compare_text, compare_text_or_bytes

Comparer = Callable[[Path, Path, Tally], None]


def _compare_bytes(recorded: Path, seen: Path, tally: Tally) -> None:
    with recorded.open("rb") as a, seen.open("rb") as b:
        compare_streams(a, b, "", tally)


BYTES: tuple[str, Comparer] = ("bytes", _compare_bytes)
_TEXTS = (".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".html", ".xml", ".svg", ".tex", ".out", ".err")
FORMATS: dict[str, tuple[str, Comparer]] = {
    ".json": ("JSON", compare_json),
    ".jsonl": ("JSON lines", compare_json_lines),
    ".ndjson": ("JSON lines", compare_json_lines),
    ".csv": ("CSV", compare_csv),
    ".tsv": ("CSV", compare_csv),
    ".npy": ("npy", compare_npy),
    ".npz": ("npz", compare_npz),
    ".pt": ("PyTorch", compare_torch),
    ".pth": ("PyTorch", compare_torch),
    ".ckpt": ("PyTorch", compare_torch),
    ".bin": ("PyTorch", compare_torch),
    ".safetensors": ("safetensors", compare_safetensors),
    ".onnx": ("ONNX", compare_onnx),
    ".zip": ("zip", compare_npz),
    ".gz": ("gzip", compare_gzip),
    ".pkl": ("pickle", compare_pickles),
    ".pickle": ("pickle", compare_pickles),
    ".joblib": ("pickle", compare_pickles),
    ".txt": ("text", compare_text),
    ".dat": ("text", compare_text),
    ".log": ("text", compare_text),
    **dict.fromkeys(_TEXTS, ("text", compare_text_or_bytes)),
}


def compare_outputs(
    recorded: Mapping[str, tuple[FileDigest, Path]], seen: Mapping[str, tuple[FileDigest, Path]]
) -> tuple[Comparison, ...]:
    """Every output of either side, by name; a digest is that of the file beside it."""
    return tuple(compare_output(name, recorded.get(name), seen.get(name)) for name in sorted({*recorded, *seen}))


def compare_output(
    name: str, recorded: tuple[FileDigest, Path] | None, seen: tuple[FileDigest, Path] | None
) -> Comparison:
    """The comparison of one output; None where a side lacks it."""
    if recorded is None or seen is None:
        return Comparison(
            name=name,
            outcome=Outcome.NEW if recorded is None else Outcome.MISSING,
            compared_as="bytes",
            recorded=recorded and recorded[0],
            seen=seen and seen[0],
        )
    blank = Comparison(name=name, outcome=Outcome.SAME_BYTES, compared_as="bytes", recorded=recorded[0], seen=seen[0])
    return blank if recorded[0] == seen[0] else blank.model_copy(update=_compare(name, recorded[1], seen[1]))


def _compare(name: str, recorded: Path, seen: Path) -> dict[str, object]:
    """What is to be said of two files whose bytes differ."""
    compared_as, compare = FORMATS.get(Path(name).suffix.lower(), BYTES)
    try:
        return {"compared_as": compared_as, **_compare_values(compare, recorded, seen)}
    except BROKEN as error:  # no file may end the report of all others; an error of ours shows in its type
        detail = shown(f"comparing raised {type(error).__name__}: {error}")
        return {"outcome": Outcome.FAILED, "compared_as": compared_as, "detail": detail}


def _compare_values(compare: Comparer, recorded: Path, seen: Path) -> dict[str, object]:
    """What a format says of them; `compared_as` is there where it can say nothing."""
    tally = Tally()
    try:
        compare(recorded, seen, tally)
    except ProgramError as error:
        tally = Tally()
        _compare_bytes(recorded, seen, tally)
        return {**_difference(tally), "compared_as": "bytes", "detail": f"compared as bytes: {shown(str(error))}"}
    except UncomparableError as error:
        return {"outcome": Outcome.FAILED, "detail": shown(str(error))}
    except MalformedError as error:
        outcome, detail = _malformed(compare, recorded, seen)
        return {"outcome": outcome, "detail": detail or shown(str(error))}
    if not tally.differing:
        detail = f"only these differ: {', '.join(sorted(tally.ignored))}"
        return {"outcome": Outcome.SAME_VALUES, "values": tally.values, "detail": detail}
    return {**_difference(tally), "detail": tally.about}


def _difference(tally: Tally) -> dict[str, object]:
    """What is known of how two files differ."""
    return {
        "outcome": Outcome.DIFFERENT,
        "first": tally.first,
        "differing": tally.differing,
        "values": tally.values,
        "max_absolute": tally.max_absolute,
        "max_relative": tally.max_relative,
        "max_ulps": tally.max_ulps,
        "tensors": tally.tensors,
        "differing_tensors": tally.differing_tensors,
        "fleeting": tuple(sorted(tally.kinds)),
        "fleeting_values": tally.fleeting,
    }


def _malformed(compare: Comparer, recorded: Path, seen: Path) -> tuple[Outcome, str]:
    """One side alone unreadable is a difference; both unreadable say nothing about values."""
    problems = {side: _problem(compare, path) for side, path in (("recorded", recorded), ("seen", seen))}
    wrong = [f"the {side} file: {shown(problem)}" for side, problem in problems.items() if problem]
    return Outcome.DIFFERENT if len(wrong) == 1 else Outcome.FAILED, "; ".join(wrong)


def _problem(compare: Comparer, path: Path) -> str:
    """What is wrong with a file, found by comparing it with itself."""
    try:
        compare(path, path, Tally())
    except UnreadableError as error:
        return str(error)
    return ""
