"""What `guide.toml` declares in lists, as rows for people; a figure that the run measured is taken from its record."""

from reprobuild.guide.facts import Row
from reprobuild.guide.file import Bounds, Business, Fairness, Group, Splits, Statement, Watch
from reprobuild.guide.markdown import Markdown, escape
from reprobuild.guide.run import Run

MET, UNMET = Markdown("**met**"), Markdown("**not met**")


def declared_tag(statement: Statement) -> Markdown:
    """The mark of what somebody declared."""
    review = f" · review by {statement.review_by}" if statement.review_by else ""
    return Markdown(f"*declared · {escape(statement.by)} · {statement.on}{review}*")


def split_rows(splits: Splits | None) -> list[Row]:
    """The parts of the data."""
    return [
        (part.name, "" if part.share is None else f"{part.share:.4g}", part.rows, part.how)
        for part in (splits.parts if splits else [])
    ]


def group_rows(fairness: Fairness | None, run: Run | None) -> list[Row]:
    """Each group's figure, marked as measured or declared."""
    return [
        (group.group, group.metric, *_figure(group, fairness, run)) for group in (fairness.groups if fairness else [])
    ]


def _figure(group: Group, fairness: Fairness | None, run: Run | None) -> tuple[object, Markdown]:
    if group.recorded_as is None and fairness:
        return group.value, declared_tag(fairness)
    measured = _measured(group.recorded_as, run)
    return measured, run.tag if run and measured is not None else Markdown("*missing*")


def _measured(name: str | None, run: Run | None) -> float | None:
    return run.record.metrics.get(name) if name and run and run.record else None


def signal_rows(watch: Watch | None) -> list[Row]:
    """What is watched, its bounds and what follows outside of them."""
    return [(signal.name, bounds(signal), signal.every, signal.action) for signal in (watch.signals if watch else [])]


def bounds(of: Bounds) -> str:
    """Bounds in words."""
    parts = {"at least": of.at_least, "at most": of.at_most}
    return ", ".join(f"{words} {value!r}" for words, value in parts.items() if value is not None)


def criterion_rows(business: Business | None, run: Run | None) -> list[Row]:
    """Each target, and what the run measured of it."""
    rows: list[Row] = []
    for criterion in business.criteria if business else []:
        seen = _measured(criterion.recorded_as, run)
        if criterion.recorded_as is None:
            answer: tuple[object, object] = ("", "judged outside of the run")
        elif seen is None:
            answer = ("", Markdown("*missing*"))
        else:
            answer = (seen, MET if _meets(seen, criterion) else UNMET)
        tag = run.tag if run and seen is not None else declared_tag(business) if business else ""
        rows.append((criterion.name, bounds(criterion), *answer, tag))
    return rows


def _meets(value: float, of: Bounds) -> bool:
    return (of.at_least is None or value >= of.at_least) and (of.at_most is None or value <= of.at_most)
