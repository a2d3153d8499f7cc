"""The experiments of a project: every run, how it ended, and what it was asked otherwise."""

from collections.abc import Sequence

from reprobuild.ground.digests import short
from reprobuild.guide.facts import Row, flat, leaf
from reprobuild.guide.markdown import Markdown, code
from reprobuild.guide.run import Run
from reprobuild.record.document import Asked, Record


def choices(asked: Asked) -> dict[str, str]:
    """What one run of a project may have different from another: seed, threads and hyperparameters."""
    named = {"seed": str(asked.seed), "threads": str(asked.threads)}
    named |= {name: leaf(value) for name, value in asked.hyperparameters.items()}
    return named | {name: leaf(value) for table in asked.params.values() for name, value in flat(table) if name}


def differences(record: Record, other: Record) -> str:
    """What `other` was asked that `record` was not."""
    ours, theirs = choices(record.asked), choices(other.asked)
    names = [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
    told = [f"{name} = {theirs.get(name, 'not given')}" for name in names]
    same_values = record.asked.hyperparameters == other.asked.hyperparameters  # which a command may have in it
    other_than = {
        "other command": same_values and record.asked.command != other.asked.command,
        "other source": record.source.sha256 != other.source.sha256,
        "other image": record.image != other.image,
        "other data": _contents(record) != _contents(other),
    }
    return ", ".join([*told, *(words for words, true in other_than.items() if true)])


def _contents(record: Record) -> dict[str, str]:
    return {name: use.sha256 for name, use in record.data.items()}


def experiment_rows(runs: Sequence[Run], main: Run | None) -> list[Row]:
    """Every run, the newest first: how it ended, what was different, what came out, and what people noted."""
    return [
        (run.number, code(short(run.sha256)), _outcome(run), _different(run, main), _metrics(run), run.note)
        for run in reversed(runs)
    ]


def _outcome(run: Run) -> str:
    if run.record is None:
        return run.problem
    return "succeeded" if run.good else f"failed: {run.record.ending.message or run.record.ending.reason}"


def _different(run: Run, main: Run | None) -> object:
    if run.record is None or main is None or main.record is None:
        return ""
    if run is main:
        return Markdown("*this guide's run*")
    return differences(main.record, run.record) or "nothing"


def _metrics(run: Run) -> str:
    metrics = run.record.metrics if run.record else {}
    return ", ".join(f"{name} = {value:.6g}" for name, value in sorted(metrics.items()))
