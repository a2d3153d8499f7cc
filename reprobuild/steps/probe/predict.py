"""What to expect of a replay, before it trains: the run's own operations are made again here, and compared."""

from collections.abc import Iterator, Mapping

from reprobuild.ground.text import shown
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.prediction import Prediction, Side, predict, render_prediction
from reprobuild.numerics.signatures import Signatures
from reprobuild.numerics.taken import missed_pins
from reprobuild.record.document import Asked, Record
from reprobuild.record.sources import render_source
from reprobuild.steps.probe.inquiry import Place
from reprobuild.steps.probe.repeat import repeated
from reprobuild.tools.progress import Progress

HARMLESS = frozenset(
    ("date", "git", "hostname", "ldconfig", "ls", "lscpu", "mkdir", "nproc", "nvidia-smi", "true", "uname", "which")
)
"""Programs that compute no number of a training, although many start them."""
NONE_RECORDED = "the bundle has no operations of the run to make again"


def predict_replay(
    record: Record,
    recorded: Numerics | None,
    place: Place,
    asked: Asked,
    seen: Numerics | None,
    variables: Mapping[str, str],
    progress: Progress,
) -> Prediction:
    """The prediction for a replay that asks for `asked`, told as a note; `seen` is what the probe computed here."""
    run = recorded.signatures if recorded else None
    if recorded is None or run is None:
        return Prediction(kind="cannot tell", reasons=(NONE_RECORDED,))
    here = repeated(place, asked, variables, run, progress)
    outputs = sum(digest.size for name, digest in record.outputs.items() if name != record.asked.metrics)
    found = predict(
        run,
        Side(recorded.operations, run.results, tuple(missed_pins(record.found))),
        Side(seen.operations if seen else {}, here.results, here.missed),
        outputs,
        doubts=tuple(find_doubts(record, run, asked, variables)),
    )
    progress.note(f"prediction: {render_prediction(found)}")
    return found


def find_doubts(record: Record, run: Signatures, asked: Asked, variables: Mapping[str, str]) -> Iterator[str]:
    """Why a run may come out otherwise although its operations agree."""
    if asked.seed != record.asked.seed:
        yield f"another seed was asked for: {asked.seed}, recorded {record.asked.seed}"
    if asked.gpu != record.asked.gpu:
        yield "a GPU was asked for" if asked.gpu else "no GPU was asked for, and the recorded run had one"
    yield from _unknown(record, asked, variables)
    yield from _settings(run, record.asked)
    for kind, words in (("unseeded", "without a seed"), ("not_seeded", "a program without a seed")):
        entries = record.found.get(kind)
        first = entries[0] if isinstance(entries, list) and entries else None
        if isinstance(first, dict):
            yield f"{words}: {render_source(first, kind)}"


def _unknown(record: Record, asked: Asked, variables: Mapping[str, str]) -> Iterator[str]:
    """What reached the training, or was done for it, and is not known: variables' values, programs, what went wrong."""
    passed = record.found.get("environment")
    passed = passed if isinstance(passed, dict) else {}
    for name in asked.env:
        if name in variables or passed.get(name) == "set":
            yield f"the variable {name} is this machine's own, and what it was is not recorded"
    programs = record.found.get("programs")
    named = [str(name) for name in programs if name not in HARMLESS] if isinstance(programs, list) else []
    if named:
        yield f"what another program computed is not seen: {shown(', '.join(named[:3]))}"
    problems = record.found.get("problems")
    if isinstance(problems, list) and problems:
        yield f"not all could be set or seen: {shown(str(problems[0]))}"


def _settings(run: Signatures, asked: Asked) -> Iterator[str]:
    """What the script set for itself, and sets by its own rule on another machine."""
    if run.seen and run.settings.threads != asked.threads:
        yield f"the script set its own number of threads: {run.settings.threads}, [run] threads is {asked.threads}"
    if run.settings.changed:
        yield f"the script set {', '.join(run.settings.changed[:3])}"
