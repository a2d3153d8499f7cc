"""What a template is given: values in rows, and functions that write a statement with its tag."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reprobuild.guide import facts
from reprobuild.guide.blocks import begin_of, end_of
from reprobuild.guide.declared import MET, UNMET, criterion_rows, declared_tag, group_rows, signal_rows, split_rows
from reprobuild.guide.experiments import experiment_rows
from reprobuild.guide.markdown import Markdown, code, escape, paragraphs, table
from reprobuild.guide.missing import RUN, Missing, is_declared, is_measured, missing_statements
from reprobuild.guide.sections import BY_NAME, SECTIONS
from reprobuild.guide.source import Source
from reprobuild.guide.template import for_templates
from reprobuild.lock.data import TRAVELS


@dataclass
class Writing:
    """One writing of a guide: what its template asked for."""

    source: Source
    measured: int = 0
    declared: int = 0
    sections: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find out what is missing."""
        self.missing = missing_statements(self.source)

    def values(self) -> dict[str, object]:
        """Everything by the name that templates call it."""
        own: tuple[Callable[..., Any], ...] = (
            self.section,
            self.own,
            self.tag,
            self.says,
            self.adds,
            self.gaps,
            self.absent,
            self.told_tag,
        )
        functions: dict[str, object] = {function.__name__: _callable(function) for function in own}
        plain: dict[str, Callable[..., Any]] = {
            "table": table,
            "code": code,
            "comma": comma,
            "tensors": facts.tensor_rows,
            "thousands": thousands,
        }
        functions |= {name: _callable(function) for name, function in plain.items()}
        keys = list(dict.fromkeys(item.key for item in self.missing))
        return {**functions, "missing": comma(keys), **_values(self.source), **_declared(self.source)}

    def section(self, name: str) -> Markdown:
        """The heading of a section, with its number."""
        self.sections.append(name)
        return Markdown(f"## {SECTIONS.index(BY_NAME[name]) + 1}. {BY_NAME[name].title}")

    def own(self, name: str) -> Markdown:
        """An empty block for people's own paragraphs."""
        return Markdown(f"\n{begin_of(name)}\n{end_of(name)}")

    def tag(self) -> Markdown:
        """The mark of what the run measured."""
        if self.source.main is None:
            return self.absent(RUN)
        self.measured += 1
        return self.source.main.tag

    def told_tag(self) -> Markdown:
        """The mark of what reprobuild.toml said when the run was recorded."""
        self.declared += 1
        number = self.source.main.number if self.source.main else ""
        return Markdown(f"*declared · reprobuild.toml · as run {number} recorded it*")

    def says(self, topic: str) -> Markdown:
        """What is declared of a topic with its tag, or that it is missing; nothing where the run answers it."""
        if is_declared(self.source, topic) or is_measured(self.source, topic):
            return self.adds(topic)
        return self.absent(topic)

    def adds(self, topic: str) -> Markdown:
        """What is declared of a topic with its tag, or nothing."""
        statement = is_declared(self.source, topic)
        if statement is None:
            return Markdown("")
        self.declared += 1
        return Markdown(f"{paragraphs(statement.text)} {declared_tag(statement)}")

    def gaps(self, section: str) -> list[Markdown]:
        """What else a section misses: the metrics that it names and the run does not have."""
        named = [item for item in self.missing if item.section == section and item.message.startswith("the run")]
        return [Markdown(f"*missing · {escape(item.message)}: {escape(item.remedy)}*") for item in named]

    def absent(self, key: str) -> Markdown:
        """The mark of what is missing, and what fills the gap."""
        remedy = "run reprobuild run" if key == RUN else f"fill in [{key}] in guide.toml"
        return Markdown(f"*missing · {escape(remedy)}*")


def comma(names: Sequence[str]) -> Markdown:
    """Names in a row."""
    return Markdown(", ".join(escape(name) for name in names))


def thousands(number: int) -> str:
    """A number as people read it."""
    return f"{number:,}"


def _callable(function: Callable[..., Any]) -> Callable[..., Any]:
    return for_templates(lambda *given: function(*given))


def _values(source: Source) -> dict[str, object]:
    """The facts of the run; empty rows where none succeeded."""
    record = source.main.record if source.main else None
    return {
        "project": source.project,
        "run": source.main,
        "record": record,
        "runs": experiment_rows(source.runs, source.main),
        "models": source.models,
        "locked": facts.locked_rows(source.lock) if source.lock else [],
        "locked_names": facts.locked_names(source.lock) if source.lock else [],
        "lock": source.lock,
        "seeds": facts.seed_rows(record) if record else [],
        "problems": facts.problems(record) if record else [],
        "packages": facts.package_rows(record) if record else [],
        "numeric": facts.numeric_rows(record) if record else [],
        "hardware": facts.hardware_rows(record) if record else [],
        "gpus": facts.gpu_rows(record) if record else [],
        "hyperparameters": facts.parameter_rows(record.asked) if record else [],
        "data_sets": facts.data_rows(record.data) if record else [],
        "data_apart": facts.travels(record, TRAVELS) if record else [],
        "metrics_short": [row[:2] for row in facts.metric_rows(record)] if record else [],
        "older": source.older,
        "metrics": facts.metric_rows(record) if record else [],
        "outputs": facts.output_rows(record) if record else [],
        "peak": facts.megabytes(record.peak_memory_bytes) if record else "",
        "summary": facts.summary_rows(record) if record else [],
    }


def _declared(source: Source) -> dict[str, object]:
    """The lists of `guide.toml` as rows."""
    file = source.file
    criteria = criterion_rows(file.business, source.main)
    return {
        "splits": split_rows(file.splits),
        "groups": group_rows(file.fairness, source.main),
        "ab_test": file.ab_test,
        "rollback": file.rollback.steps if file.rollback else [],
        "model_drift": signal_rows(file.model_drift),
        "data_drift": signal_rows(file.data_drift),
        "degradation": signal_rows(file.degradation),
        "triggers": file.retraining.triggers if file.retraining else [],
        "deprecated_after": file.deprecation.after if file.deprecation else None,
        "criteria": criteria,
        "met": sum(MET in row for row in criteria),
        "unmet": sum(UNMET in row for row in criteria),
    }
