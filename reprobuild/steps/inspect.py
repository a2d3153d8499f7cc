"""`inspect`: what a bundle says of itself; reads its first kilobytes and executes nothing."""

from collections import Counter
from pathlib import Path

from reprobuild.bundle.read import HINT, read_document, read_front
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError, hinting
from reprobuild.ground.text import escaped
from reprobuild.hardware.render import machine_lines
from reprobuild.lock.index import LockIndex
from reprobuild.record.document import Record
from reprobuild.record.folder import GUIDE

TITLES = {"conda": "conda package"}


class BundleSummary(Document):
    """The front of a bundle; sizes in bytes."""

    bundle: str
    """Its digest."""
    image: str
    """The image ID."""
    layers: int
    image_size: int
    artifacts: dict[str, int]
    documents: dict[str, int]
    record: Record


def inspect_bundle(path: Path) -> BundleSummary:
    """The summary of a bundle; InputError when its front is not one. What lies behind is not read."""
    with hinting(HINT):
        front = read_front(path, path.name)
        record = Record.from_bytes(front.small["record.json"], f"{path.name}: record.json")
        index = LockIndex.from_bytes(front.small["reprobuild.lock"], f"{path.name}: reprobuild.lock")
    return BundleSummary(
        bundle=front.digest,
        image=front.image.image_id,
        layers=len(front.image.layers),
        image_size=sum(layer.size for layer in front.image.layers),
        artifacts=dict(Counter(artifact.kind for artifact in index.artifacts)),
        documents={name: item.size for name, item in front.documents.items()},
        record=record,
    )


def read_bundled_guide(path: Path) -> str:
    """The guide in a bundle, with what a terminal would obey as escapes; InputError where there is none."""
    data = read_document(path, path.name, GUIDE)
    if data is None:
        raise InputError(f"{path.name}: it has no guide", hint="reprobuild guide, then reprobuild bundle, puts one in")
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: {GUIDE}: not UTF-8") from error
    return "\n".join("\t".join(escaped(part) for part in line.split("\t")) for line in lines)


def render_summary(summary: BundleSummary) -> str:
    """The summary for people."""
    record = summary.record
    lines = [
        ("project", record.project),
        ("bundle", f"sha256:{summary.bundle}"),
        ("image", f"sha256:{summary.image}"),
        (
            "",
            f"{summary.layers} layers, {summary.image_size / 1e6:.1f} MB; "
            + ", ".join(f"{count} {TITLES.get(kind, kind)}s" for kind, count in sorted(summary.artifacts.items())),
        ),
        ("command", " ".join(record.asked.command)),
        ("seed", str(record.asked.seed)),
        ("threads", str(record.asked.threads)),
        ("hyperparameters", ", ".join(f"{k} = {v}" for k, v in sorted(record.asked.hyperparameters.items())) or "none"),
        ("machine", ", ".join(machine_lines(record.fingerprint))),
        (
            "software",
            f"Python {record.fingerprint.python}, {record.fingerprint.libc}, Linux {record.fingerprint.kernel}",
        ),
        ("took", f"{record.wall_seconds:.1f} s, {record.peak_memory_bytes / 1e6:.0f} MB"),
    ]
    lines += [
        ("data", f"{name}: {use.files} files, {use.size} bytes, {use.licence or 'no licence told'}")
        for name, use in sorted(record.data.items())
    ]
    lines += [
        ("output", f"{name}: {item.size} bytes, {item.sha256[:12]}") for name, item in sorted(record.outputs.items())
    ]
    lines += [("metric", f"{name} = {value!r}") for name, value in sorted(record.metrics.items())]
    lines += [("document", f"{name}: {size} bytes") for name, size in summary.documents.items()]
    return "\n".join(f"{title:16}{text}" for title, text in lines)
