"""Statements that a guide needs and nobody has made."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reprobuild.guide.file import Statement
from reprobuild.guide.sections import SECTIONS
from reprobuild.guide.source import Source
from reprobuild.project.model import DataSource
from reprobuild.record.document import DataUse

RUN = "run"


@dataclass(frozen=True)
class Missing:
    """One of them: `key` is a table of `guide.toml`, or `run`; `remedy` says what fills the gap."""

    section: str
    key: str
    message: str
    remedy: str


def missing_statements(source: Source) -> list[Missing]:
    """All of them, in the order of the sections."""
    order = {section.name: number for number, section in enumerate(SECTIONS)}
    return sorted(_missing(source), key=lambda item: order[item.section])


def is_declared(source: Source, topic: str) -> Statement | None:
    """What `guide.toml` says of a topic."""
    found = getattr(source.file, topic)
    return found if isinstance(found, Statement) else None


def is_measured(source: Source, topic: str) -> bool:
    """True where the run answers a topic, so that nobody has to: its model, or its data as reprobuild.toml tells it."""
    data: Collection[DataUse | DataSource] = source.data
    if source.main and source.main.record:
        data = source.main.record.data.values()
    if topic == "architecture":
        return any(model.tensors for model in source.models)
    if topic == "data":
        return bool(data) and all(use.licence and use.origin for use in data)
    return topic == "preprocessing" and bool(data) and all(use.preprocessing for use in data)


def _missing(source: Source) -> Iterator[Missing]:
    if source.main is None:
        yield Missing("replay", RUN, "no run has succeeded, so nothing is measured", "run reprobuild run")
    for section in SECTIONS:
        for topic in section.topics:
            if not is_declared(source, topic) and not is_measured(source, topic):
                yield Missing(section.name, topic, f"nobody has declared {topic}", f"fill in [{topic}] in guide.toml")
    metrics = source.main.record.metrics if source.main and source.main.record else None
    if metrics is not None:
        for section_name, name in _named_metrics(source):
            if name not in metrics:
                known = ", ".join(sorted(metrics)) or "none"
                message = f"the run has no metric {name}; it has: {known}"
                yield Missing(
                    section_name, section_name, message, f"write {name} into the run's metrics, or declare it"
                )


def _named_metrics(source: Source) -> Iterator[tuple[str, str]]:
    """The section and the name of every metric that `guide.toml` refers to."""
    groups = source.file.fairness.groups if source.file.fairness else []
    criteria = source.file.business.criteria if source.file.business else []
    yield from (("fairness", group.recorded_as) for group in groups if group.recorded_as)
    yield from (("business", criterion.recorded_as) for criterion in criteria if criterion.recorded_as)
