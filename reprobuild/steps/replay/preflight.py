"""`preflight`: can a bundle run on a machine, and will it give the same bits? Only its front is read, nothing runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from reprobuild.bundle.read import HINT, Front, read_front
from reprobuild.engines.engine import Engine
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError, ToolError, hinting
from reprobuild.ground.text import shown
from reprobuild.ground.tree import open_given
from reprobuild.hardware.compare import compare_machines
from reprobuild.hardware.findings import Effect, Finding
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.obstacles import Demand, find_obstacles
from reprobuild.hardware.render import machine_lines, render_findings
from reprobuild.hardware.rules import rank
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.profiles import missing_flags
from reprobuild.record.document import Record
from reprobuild.steps.replay.receive import parse_small
from reprobuild.tools.gpu import find_gpu
from reprobuild.tools.process import run_process
from reprobuild.tools.store import Store

MAX_FINGERPRINT = 4 << 20
STATUS = {Effect.CANNOT: ToolError.status, Effect.WILL: 10, Effect.MAY: 10, Effect.NONE: 0}


class Preflight(Document):
    """What stands between a bundle and a machine, the worst first."""

    format: Literal["reprobuild.preflight/1"] = "reprobuild.preflight/1"
    bundle: Sha256
    """Digest of the bundle manifest."""
    project: str
    image: Sha256
    """The image ID."""
    recorded: Fingerprint
    machine: Fingerprint
    findings: tuple[Finding, ...]
    exit_status: int

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """Why it cannot run."""
        return tuple(finding for finding in self.findings if finding.effect is Effect.CANNOT)


def preflight_bundle(
    bundle: Path, machine: Fingerprint, store: Store | None, *, gpu: bool = False, numerics: Profile | None = None
) -> Preflight:
    """The findings for a bundle; `store` is the machine's own, or None for a machine that is not at hand.

    `gpu` asks for one even where the record does not; `numerics` stands in for the recorded profile.
    """
    subject = bundle.name
    with hinting(HINT):
        front = read_front(bundle, subject)
        record, index = parse_small(front, subject)
    gpu = gpu or record.asked.gpu
    demand = _demand(record, index, _disk(front, store), gpu, numerics or record.asked.numerics)
    differences = compare_machines(record.fingerprint, machine, gpu=gpu)
    findings = tuple(sorted((*find_obstacles(demand, machine), *differences), key=rank))
    return Preflight(
        bundle=front.digest,
        project=record.project,
        image=front.image.image_id,
        recorded=record.fingerprint,
        machine=machine,
        findings=findings,
        exit_status=STATUS[findings[0].effect] if findings else 0,
    )


def _demand(record: Record, index: LockIndex, disk: int, gpu: bool, numerics: Profile) -> Demand:
    cuda = index.cuda
    return Demand(
        architecture=index.base.architecture,
        needs=record.needs,
        gpu=gpu,
        cuda=cuda.version if cuda else "",
        least_driver=(cuda.driver if cuda else None) or "",
        toolkit_driver=(cuda.toolkit_driver if cuda else None) or "",
        libc=record.fingerprint.libc,
        memory=record.peak_memory_bytes,
        disk=disk,
        numerics=numerics,
    )


def _disk(front: Front, store: Store | None) -> int:
    """Bytes that the blobs and the unpacked image will take, beyond what the store has."""
    layers = front.image.layers
    sizes = {layer.sha256: layer.size for layer in layers}  # an image may have a layer twice
    blobs = sum(size for sha256, size in sizes.items() if store is None or not store.has(sha256))
    there = store is not None and store.path("roots", front.image.image_id).is_dir()
    return blobs + (0 if there else sum(layer.unpacked_size for layer in layers))


def require_gpu(engine: Engine) -> None:
    """ToolError in one line where the sandbox has no GPU to pass; a daemon finds its own when it starts a container."""
    if isinstance(engine, Sandbox):
        find_gpu(engine.host, run_process)


def require_flags(profile: Profile, flags: Sequence[str]) -> None:
    """ToolError in one line for a CPU that cannot compute under the profile."""
    if missing := missing_flags(profile, flags):
        raise ToolError(
            f"numerics {profile}: this CPU has no {', '.join(missing)}",
            hint="--numerics native computes with what it has, and gives other bits than other CPUs",
        )


def refuse_obstacles(report: Preflight, subject: str, hint: str) -> None:
    """ToolError for a machine that cannot run the bundle."""
    obstacles = report.obstacles
    if obstacles:
        first = obstacles[0]
        more = f", and {len(obstacles) - 1} more" if obstacles[1:] else ""
        wanted = f"{first.subject}: wanted {first.recorded}, found {first.seen}"
        raise ToolError(f"{subject}: this machine cannot run it: {wanted}{more}", hint=hint)


def read_fingerprint(path: Path) -> Fingerprint:
    """A machine's fingerprint from a file that anyone may have written."""
    with hinting("write one on that machine: reprobuild fingerprint --json > machine.json"):
        with open_given(path, path.name) as stream:
            data = stream.read(MAX_FINGERPRINT + 1)
        if len(data) > MAX_FINGERPRINT:
            raise InputError(f"{path.name}: larger than {MAX_FINGERPRINT} bytes: no fingerprint")
        return Fingerprint.from_bytes(data, path.name)


def render_preflight(report: Preflight) -> str:
    """The findings for people."""
    lines = [
        f"preflight of {shown(report.project)}  bundle {report.bundle[:12]}  image {report.image[:12]}",
        f"recorded on  {', '.join(machine_lines(report.recorded))}",
        f"asked for    {', '.join(machine_lines(report.machine))}",
        "",
        *render_findings(report.findings),
    ]
    if report.obstacles:
        return "\n".join([*lines, "", "it cannot run there"])
    words = "it can run there, and its bits may differ" if report.exit_status else "nothing stands in the way"
    return "\n".join([*lines, *([""] if report.findings else []), words])
