"""Everything of one run, as text for people."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from reprobuild.ground.digests import short
from reprobuild.ground.text import escaped, escaped_lines, shown
from reprobuild.hardware.facts import size_text
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.render import machine_lines
from reprobuild.ledger.row import short_hyperparameters
from reprobuild.ledger.select import spell
from reprobuild.record.document import Record
from reprobuild.record.folder import LOG

Line = tuple[str, str]


def render_run(folder: Path, record: Record, note: str) -> str:
    """One line a fact; a name is repeated only where it changes."""
    lines: list[str] = []
    before = ""
    for title, text in _lines(folder, record):
        lines.append(f"{'' if title == before else title:16}{escaped(text)}")
        before = title
    if note:
        lines += ["", "note:", *(f"  {line}" for line in escaped_lines(note).rstrip("\n").split("\n"))]
    return "\n".join(lines)


def _lines(folder: Path, record: Record) -> Iterator[Line]:
    yield "run", f"{folder.name} of {record.project}, by reprobuild {record.reprobuild}"
    yield "ended", "well" if record.good else record.ending.message.removeprefix("it ")
    yield (
        "took",
        f"{record.wall_seconds:.1f} s"
        + (f", {record.peak_memory_bytes / 1e6:.0f} MB" if record.peak_memory_bytes else ""),
    )
    yield from _request(record)
    yield "image", f"sha256:{record.image}"
    yield "lock", f"sha256:{record.lock}"
    yield "source", f"{record.source.files} files, sha256:{record.source.sha256}"
    for name, use in sorted(record.data.items()):
        yield "data", f"{name}: {use.files} files, {use.size} bytes, sha256:{short(use.sha256)}, {use.path}"
    yield from _machine(record.fingerprint)
    for problem in _texts(record.found.get("problems")):
        yield "problem", shown(problem, 400)
    for name, item in sorted(record.outputs.items()):
        yield "output", f"{name}: {item.size} bytes, sha256:{short(item.sha256)}"
    for name, value in sorted(record.metrics.items()):
        yield "metric", f"{name} = {value!r}"
    log = record.log
    yield "log", f"{folder / LOG}: {log.size} bytes{', without its middle' if log.truncated else ''}"


def _request(record: Record) -> Iterator[Line]:
    asked = record.asked
    yield "command", " ".join(asked.command)
    yield "seed", str(asked.seed)
    yield "threads", str(asked.threads)
    for name, value in short_hyperparameters(asked).items():
        yield "hyperparameter", f"{name} = {spell(value)}"
    for name, state in sorted(_table(record.found.get("environment")).items()):
        yield "variable", f"{name}: {state}"


def _machine(fingerprint: Fingerprint) -> Iterator[Line]:
    for line in machine_lines(fingerprint):
        yield "machine", line
    yield "machine", f"{size_text(fingerprint.memory_bytes)} of memory"
    if fingerprint.driver:
        yield "machine", f"NVIDIA driver {fingerprint.driver}, CUDA up to {fingerprint.cuda or 'unknown'}"
    if fingerprint.engine:
        yield "engine", f"{fingerprint.engine.name} {fingerprint.engine.version}".rstrip()
    yield "software", f"Python {fingerprint.python}, {fingerprint.libc}, Linux {fingerprint.kernel}"
    for library in fingerprint.libraries:
        told = [str(library[key]) for key in ("name", "version", "core") if library.get(key)]
        yield "library", f"{' '.join(told)}, {library.get('threads', '?')} threads"


def _table(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _texts(value: JsonValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
