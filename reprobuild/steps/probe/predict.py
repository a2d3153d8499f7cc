"""What to expect of a replay, before it trains: the run's own operations are made again here, and compared."""

from collections.abc import Iterator, Mapping

from reprobuild.numerics.document import Numerics
from reprobuild.numerics.prediction import Prediction, Side, predict, render_prediction
from reprobuild.numerics.taken import missed_pins
from reprobuild.record.document import Asked, Record
from reprobuild.record.sources import render_source
from reprobuild.steps.probe.inquiry import Place
from reprobuild.steps.probe.repeat import repeated
from reprobuild.tools.progress import Progress

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
        doubts=tuple(_doubts(record, asked)),
    )
    progress.note(f"prediction: {render_prediction(found)}")
    return found


def _doubts(record: Record, asked: Asked) -> Iterator[str]:
    """Why a run may come out otherwise on the same machine."""
    if asked.seed != record.asked.seed:
        yield f"another seed was asked for: {asked.seed}, recorded {record.asked.seed}"
    for kind, words in (("unseeded", "without a seed"), ("not_seeded", "a program without a seed")):
        entries = record.found.get(kind)
        first = entries[0] if isinstance(entries, list) and entries else None
        if isinstance(first, dict):
            yield f"{words}: {render_source(first, kind)}"
