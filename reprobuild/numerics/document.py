"""`numerics.json`: what the numeric probe computed on one machine, in one image, under one profile.

An image's own Python prints what becomes of it, so it is a stranger's word: bounded and read strictly.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError
from reprobuild.hardware.fingerprint import Fact
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.signatures import Signatures
from reprobuild.record.processes import parse_cpu

MAX_SIZE = 4 << 20
MAX_OPERATIONS = 20_000
MAX_PROBLEMS = 100
MAX_LIBRARIES = 100
Operation = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:+-]{1,80}(/[A-Za-z0-9_.:+-]{1,80}){3}$")]
"""`library/operation/type/shape`."""
Library = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:+-]{1,80}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""The first digits of the SHA-256 of a result."""
Line = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=1000)]
Seconds = Annotated[float, Field(ge=0, le=1e6)]


class ProcessCpu(Document):
    """The processor as CPUID tells of it in the probe's process; "" where it could not be asked."""

    vendor: Fact = ""
    name: Fact = ""
    family: Fact = ""
    model: Fact = ""
    stepping: Fact = ""
    hypervisor: Fact = ""
    """What a hypervisor or an emulator calls itself."""
    features: Annotated[tuple[Fact, ...], Field(max_length=2000)] = ()


class Numerics(Document):
    """What was computed, operation by operation."""

    format: Literal["reprobuild.numerics/1"] = "reprobuild.numerics/1"
    probe: Annotated[int, Field(ge=0, le=1 << 31)]
    """Version of the battery."""
    profile: Profile
    threads: Annotated[int, Field(ge=1)]
    emulated: Fact = ""
    """The CPU's name, as qemu knows it; "" on the machine's own."""
    python: Fact
    cpu: ProcessCpu
    libraries: Annotated[dict[Library, Fact], Field(max_length=MAX_LIBRARIES)]
    """Name to version."""
    operations: Annotated[dict[Operation, Digest], Field(max_length=MAX_OPERATIONS)]
    failed: Annotated[dict[Operation, Line], Field(max_length=MAX_OPERATIONS)]
    """Operations that could not be computed, with their errors."""
    problems: Annotated[tuple[Line, ...], Field(max_length=MAX_PROBLEMS)]
    seconds: Annotated[dict[Library, Seconds], Field(max_length=MAX_LIBRARIES)]
    """Wall-clock time of each library, and of the imports before it (`torch.import`)."""
    signatures: Signatures | None = None
    """The operations that a run asked for; a probe alone has none."""


def parse_probe(data: bytes, subject: str, profile: Profile, threads: int, emulated: str = "") -> Numerics:
    """What `python -m reprobuild_probe` printed; InputError in one line for anything else."""
    told = parse_json(data, subject, max_size=MAX_SIZE)
    if not isinstance(told, dict):
        raise InputError(f"{subject}: not a JSON object")
    results = told.pop("operations", None)
    results = results if isinstance(results, dict) else {}
    cpu = parse_cpu(told.pop("cpu", None))
    told |= {
        "format": "reprobuild.numerics/1",
        "profile": profile,
        "threads": threads,
        "emulated": emulated,
        "cpu": {name: cpu[name] for name in ProcessCpu.model_fields if name in cpu},
        "operations": {name: value for name, value in results.items() if isinstance(value, str)},
        "failed": {name: _error(value) for name, value in results.items() if not isinstance(value, str)},
    }
    return Numerics.from_bytes(_spelt(told, subject), subject)


def _spelt(told: dict[str, JsonValue], subject: str) -> bytes:
    try:
        return canonical_json(told)
    except ValueError as error:  # a number that no JSON has, made of one that it has
        raise InputError(f"{subject}: {error}") from error


def _error(value: JsonValue) -> JsonValue:
    return value.get("error") if isinstance(value, dict) and len(value) == 1 else value
