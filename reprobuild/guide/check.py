"""`guide --check`: whether the guide that is there still says what is known; decided on values alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from reprobuild.ground.digests import short
from reprobuild.guide.blocks import Guide, edits
from reprobuild.guide.file import Statement
from reprobuild.guide.missing import RUN
from reprobuild.guide.rules import BY_ID
from reprobuild.guide.sections import SECTIONS
from reprobuild.guide.source import Source
from reprobuild.guide.write import Rendered


@dataclass(frozen=True)
class Finding:
    """A broken rule and how; `line` is of the guide, 0 where it is of none."""

    rule: str
    message: str
    remedy: str
    line: int = 0


@dataclass(frozen=True)
class Checked:
    """Everything that was found, and what could not be checked."""

    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """10 where a rule is broken, 11 where something could not be checked, else 0."""
        return 10 if self.findings else 11 if self.unchecked else 0


def check_guide(source: Source, rendered: Rendered, guide: Guide | None, today: date) -> Checked:
    """The guide held against what it is written from; a page beside it is the caller's."""
    findings = [*_text(source, rendered, guide), *_required(source, rendered, guide), *_dates(source, today)]
    return Checked(tuple(findings), tuple(_unchecked(source, guide)))


def _found(rule: str, message: str, remedy: str = "", line: int = 0) -> Finding:
    return Finding(rule, message, remedy or BY_ID[rule].remedy, line)


def _text(source: Source, rendered: Rendered, guide: Guide | None) -> Iterator[Finding]:
    if guide is None:
        yield _found("RG001", "there is no guide")
        return
    if guide.seal is None:
        yield _found("RG002", "it has no seal at its end, so it is not as reprobuild guide wrote it")
        return
    found = edits(guide, rendered.guide.generated)
    for edit in found:
        was = "not there" if edit.was == "" else repr(edit.was[:200]) if edit.was else "another line"
        now = "gone" if edit.now is None else repr(edit.now[:200])
        yield _found("RG002", f"edited outside the blocks: it was {was}, it is {now}", line=edit.line)
    if source.main and guide.seal.run != source.run:
        yield _found("RG003", _other_run(source, guide.seal.run))
    elif guide.seal.inputs != source.inputs:
        yield _found("RG006", "guide.toml or the template changed after the guide was written")
    elif source.main and not found and guide.generated != rendered.guide.generated:
        number, line = _first_difference(guide, rendered)
        yield _found("RG006", f"it says {line[:200]!r}, which is not what would be written now", line=number)


def _other_run(source: Source, run: tuple[str, str] | None) -> str:
    """Which run the guide tells of, which it should, and the metrics that differ between them."""
    assert source.main is not None
    newest = f"the newest that succeeded is run {source.main.number} ({short(source.main.sha256)})"
    if run is None:
        return f"it tells of no run; {newest}"
    told = next((item for item in source.runs if (item.number, item.sha256) == run), None)
    if told is None or told.record is None or source.main.record is None:
        return f"it tells of run {run[0]} ({short(run[1])}), whose record is not here; {newest}"
    before, now = told.record.metrics, source.main.record.metrics
    changed = [
        f"{name}: {before.get(name, 'none')!r}, now {now.get(name, 'none')!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    metrics = f"; {', '.join(changed[:5])}" if changed else "; its metrics are the same"
    return f"it tells of run {run[0]} ({short(run[1])}); {newest}{metrics}"


def _first_difference(guide: Guide, rendered: Rendered) -> tuple[int, str]:
    for (number, line), wanted in zip(guide.lines, rendered.guide.generated, strict=False):
        if line != wanted:
            return number, line
    return guide.lines[-1]


def _required(source: Source, rendered: Rendered, guide: Guide | None) -> Iterator[Finding]:
    for section in SECTIONS:
        if section.name not in rendered.sections:
            remedy = f'give {source.template[0]} {{{{ section("{section.name}") }}}}'
            yield _found("RG004", f"{section.name}: the template has no such section", remedy)
    for item in rendered.missing:
        if not _measured_elsewhere(source, guide) or item.key not in (RUN, "architecture", "data", "preprocessing"):
            yield _found("RG004", f"{item.section}: {item.message}", item.remedy)


def _measured_elsewhere(source: Source, guide: Guide | None) -> bool:
    """True for a guide that tells of a run, where no run is: in a fresh clone."""
    return source.main is None and guide is not None and guide.seal is not None and guide.seal.run is not None


def _unchecked(source: Source, guide: Guide | None) -> Iterator[str]:
    if _measured_elsewhere(source, guide):
        assert guide is not None
        assert guide.seal is not None
        assert guide.seal.run is not None
        number, sha256 = guide.seal.run
        yield f"RG003: no run that succeeded is recorded here to hold run {number} ({short(sha256)}) against"


def _dates(source: Source, today: date) -> Iterator[Finding]:
    for topic in type(source.file).model_fields:
        statement = getattr(source.file, topic)
        if isinstance(statement, Statement) and statement.review_by and statement.review_by < today:
            yield _found(
                "RG005",
                f"{topic}: declared by {statement.by} on {statement.on}, to be reviewed by {statement.review_by}",
                f"look at [{topic}] in guide.toml again and give it a new review_by",
            )
    deprecation = source.file.deprecation
    if deprecation and deprecation.after and deprecation.after < today:
        yield _found(
            "RG005",
            f"deprecation: the model's last day was {deprecation.after}",
            "take the model out of use, or give [deprecation] another day in after",
        )
