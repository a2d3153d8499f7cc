"""The fingerprint: facts about a machine, and about the software that a run found, that can change or forbid a result.

No name of a host or a user is in it. What identifies one device is there only as a SHA-256.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document

Fact = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=1000)]
"""A short text as the machine told it."""
EngineName = Literal["sandbox", "docker", "podman"]
MAX_GPUS = 64
"""In one machine."""
Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class Cpu(Document):
    """The processor; "" and 0 where the machine does not tell."""

    architecture: Fact = ""
    """As uname(2) has it, e.g. `x86_64`."""
    vendor: Fact = ""
    name: Fact = ""
    family: Fact = ""
    model: Fact = ""
    stepping: Fact = ""
    microcode: Fact = ""
    flags: Annotated[tuple[Fact, ...], Field(max_length=2000)] = ()
    """Sorted, as /proc/cpuinfo names them."""
    cores: Count = 0
    """Logical processors that a process may use: its affinity (sched_getaffinity(2))."""
    logical: Count = 0
    """Logical processors of the machine."""
    physical: Count = 0
    threads_per_core: Count = 0
    numa_nodes: Count = 0
    caches: Annotated[dict[Fact, Count], Field(max_length=50)] = Field(default_factory=dict)
    """Bytes of each cache of the first processor, e.g. `L1d`, `L2`."""
    quota: float | None = Field(default=None, gt=0)
    """Processors' worth of time that control groups grant (cgroups(7)); None for no limit."""


class GpuState(Document):
    """What differs from one minute to the next: recorded, never compared."""

    sm_clock_mhz: Count | None = None
    memory_clock_mhz: Count | None = None
    power_watts: float | None = None
    temperature_celsius: int | None = None


class MigDevice(Document):
    """One part of a GPU that is split (NVIDIA Multi-Instance GPU)."""

    name: Fact = ""
    multiprocessors: Count | None = None
    memory_bytes: Count | None = None


class Gpu(Document):
    """One GPU; None where the driver does not tell, or the GPU has no such thing."""

    name: Fact = ""
    architecture: Fact = ""
    compute_capability: Fact = ""
    """e.g. `8.0`."""
    multiprocessors: Count | None = None
    memory_bytes: Count | None = None
    ecc: bool | None = None
    mig: bool | None = None
    mig_devices: Annotated[tuple[MigDevice, ...], Field(max_length=100)] = ()
    uuid: Sha256 | None = None
    """SHA-256 of its UUID: two runs on one card can be matched, and the card is not named."""
    serial: Sha256 | None = None
    """SHA-256 of UUID and serial number; a short number alone could be guessed from its digest."""
    state: GpuState = GpuState()


class Link(Document):
    """The shortest way between two GPUs, given by their places in the list: `NVLink`, or `PIX` to `SYS` over PCIe."""

    first: Count
    second: Count
    way: Fact


class EngineFacts(Document):
    """What ran the image; `version` is "" where it did not tell."""

    name: EngineName
    version: Annotated[str, Field(max_length=100)]


class Fingerprint(Document):
    """Facts; what a machine does not have is empty, and `gpu_problem` says what the driver could not tell."""

    format: Literal["reprobuild.fingerprint/1"] = "reprobuild.fingerprint/1"
    cpu: Cpu
    memory_bytes: Count
    memory_limit_bytes: Count | None = None
    """What control groups grant; None for no limit."""
    swap_bytes: Count = 0
    disk_free_bytes: Count | None = None
    """Where the store is."""
    kernel: Fact
    system_libc: Fact = ""
    """The C library of the machine; programs in an image use the image's own, see `libc`."""
    engines: Annotated[dict[Fact, Fact], Field(max_length=50)] = Field(default_factory=dict)
    """Programs that run images, by name, with their versions."""
    container_toolkit: Fact = ""
    """Version of the NVIDIA container toolkit."""
    driver: Fact = ""
    """Version of the NVIDIA driver."""
    cuda: Fact = ""
    """The newest CUDA version that the driver knows."""
    driver_glibc: Fact = ""
    """The newest glibc version that the driver's libcuda asks for."""
    gpus: Annotated[tuple[Gpu, ...], Field(max_length=MAX_GPUS)] = ()
    links: Annotated[tuple[Link, ...], Field(max_length=MAX_GPUS**2)] = ()
    gpu_problem: Fact = ""

    libc: Fact = ""
    """The C library that a run found in its image. This fact and those below belong to a run, not to a machine."""
    python: Fact = ""
    engine: EngineFacts | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    """Distribution name to version, as `importlib.metadata` sees them in the image."""
    libraries: list[dict[str, JsonValue]] = Field(default_factory=list)
    """BLAS and OpenMP libraries mapped into the training process: `name`, `file`, `version`, `config`, `threads`."""
