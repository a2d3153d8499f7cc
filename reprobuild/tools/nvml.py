"""GPUs as the NVIDIA driver tells of them, through NVIDIA's own bindings (https://docs.nvidia.com/deploy/nvml-api/).

A machine without a driver has no GPUs, which is a fact. A driver that fails half way gives the facts that it told, and
the first problem by name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeVar

from reprobuild.ground.digests import sha256_bytes
from reprobuild.hardware.fingerprint import MAX_GPUS, Gpu, GpuState, Link, MigDevice

Value = TypeVar("Value")

CORES = {
    "3": 192,
    "5": 128,
    "6.0": 64,
    "6": 128,
    "7": 64,
    "8.0": 64,
    "8": 128,
    "9": 128,
    "10": 128,
    "11": 128,
    "12": 128,
}
"""FP32 cores of a multiprocessor by compute capability or its major number: NVML tells cores alone.

https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#compute-capabilities
"""
ARCHITECTURES = {
    "3": "Kepler",
    "5": "Maxwell",
    "6": "Pascal",
    "7": "Volta",
    "7.5": "Turing",
    "8": "Ampere",
    "8.9": "Ada",
    "9": "Hopper",
    "10": "Blackwell",
    "11": "Blackwell",
    "12": "Blackwell",
}
"""https://developer.nvidia.com/cuda-gpus"""
WAYS = {0: "internal", 10: "PIX", 20: "PXB", 30: "PHB", 40: "NODE", 50: "SYS"}
"""nvmlGpuTopologyLevel_t, in the words of `nvidia-smi topo`."""


@dataclass(frozen=True)
class Nvidia:
    """What the driver told; empty where there is none."""

    driver: str = ""
    cuda: str = ""
    gpus: tuple[Gpu, ...] = ()
    links: tuple[Link, ...] = ()
    problem: str = ""


def collect_nvidia() -> Nvidia:
    """Everything that this machine's NVML tells."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        return Nvidia()
    except pynvml.NVMLError as error:
        return Nvidia(problem=_said("starting", error))
    try:
        return _Asking(pynvml).collect()
    finally:
        _end(pynvml)


def _end(nvml: Any) -> None:
    try:
        nvml.nvmlShutdown()
    except nvml.NVMLError:  # nothing is asked any more
        return


def _sane(size: int) -> int | None:
    """Bytes, unless no machine has so many."""
    return size if size < 1 << 60 else None


def _said(what: str, error: Exception) -> str:
    return f"NVML: {what}: {error}"


class _Asking:
    """One conversation with NVML: what it does not support is None, and of what fails the first is kept."""

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._absent = (
            nvml.NVML_ERROR_NOT_SUPPORTED,
            nvml.NVML_ERROR_NO_PERMISSION,
            nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
            nvml.NVML_ERROR_NOT_FOUND,
            nvml.NVML_ERROR_DEPRECATED,
        )
        self.problem = ""

    def ask(self, what: str, question: Callable[..., Value], *arguments: Any) -> Value | None:
        """The answer, or None."""
        try:
            return question(*arguments)
        except self._nvml.NVMLError as error:
            if error.value not in self._absent:
                self.problem = self.problem or _said(what, error)
        except UnicodeDecodeError:
            self.problem = self.problem or f"NVML: {what}: no text"
        return None

    def collect(self) -> Nvidia:
        """Driver, GPUs, and the ways between them."""
        nvml = self._nvml
        driver = self.ask("driver", nvml.nvmlSystemGetDriverVersion) or ""
        cuda = self.ask("CUDA version", nvml.nvmlSystemGetCudaDriverVersion_v2)
        count = self.ask("number of GPUs", nvml.nvmlDeviceGetCount) or 0
        handles = [
            (index, handle)
            for index in range(min(count, MAX_GPUS))
            if (handle := self.ask(f"GPU {index}", nvml.nvmlDeviceGetHandleByIndex, index)) is not None
        ]
        gpus = tuple(self._gpu(f"GPU {index}", handle) for index, handle in handles)
        links = tuple(self._links([handle for _, handle in handles]))
        version = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda and cuda > 0 else ""
        return Nvidia(driver, version, gpus, links, self.problem)

    def _gpu(self, name: str, handle: Any) -> Gpu:
        nvml = self._nvml
        capability = self.ask(f"{name}: compute capability", nvml.nvmlDeviceGetCudaComputeCapability, handle)
        major, text = (str(capability[0]), f"{capability[0]}.{capability[1]}") if capability else ("", "")
        cores = self.ask(f"{name}: cores", nvml.nvmlDeviceGetNumGpuCores, handle)
        each = CORES.get(text, CORES.get(major))
        memory = self.ask(f"{name}: memory", nvml.nvmlDeviceGetMemoryInfo, handle)
        ecc = self.ask(f"{name}: ECC", nvml.nvmlDeviceGetCurrentEccMode, handle)
        mig = self.ask(f"{name}: MIG", nvml.nvmlDeviceGetMigMode, handle)
        uuid = self.ask(f"{name}: UUID", nvml.nvmlDeviceGetUUID, handle)
        serial = self.ask(f"{name}: serial", nvml.nvmlDeviceGetSerial, handle)
        return Gpu(
            name=self.ask(f"{name}: name", nvml.nvmlDeviceGetName, handle) or "",
            architecture=ARCHITECTURES.get(text, ARCHITECTURES.get(major, "")),
            compute_capability=text,
            multiprocessors=cores // each if cores and each else None,
            memory_bytes=_sane(memory.total) if memory else None,
            ecc=None if ecc is None else ecc == nvml.NVML_FEATURE_ENABLED,
            mig=None if mig is None else mig[0] == nvml.NVML_DEVICE_MIG_ENABLE,
            mig_devices=tuple(self._mig_devices(name, handle)) if mig and mig[0] else (),
            uuid=sha256_bytes(uuid.encode()) if uuid else None,
            serial=sha256_bytes(f"{uuid} {serial}".encode()) if uuid and serial else None,
            state=self._state(name, handle),
        )

    def _state(self, name: str, handle: Any) -> GpuState:
        nvml = self._nvml
        power = self.ask(f"{name}: power", nvml.nvmlDeviceGetPowerUsage, handle)
        return GpuState(
            sm_clock_mhz=self.ask(f"{name}: clock", nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
            memory_clock_mhz=self.ask(f"{name}: clock", nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM),
            power_watts=None if power is None else power / 1000,
            temperature_celsius=self.ask(
                f"{name}: temperature", nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU
            ),
        )

    def _mig_devices(self, name: str, handle: Any) -> Iterator[MigDevice]:
        nvml = self._nvml
        for index in range(min(self.ask(f"{name}: MIG", nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0, MAX_GPUS)):
            part = self.ask(f"{name}: MIG {index}", nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
            if part is None:  # fewer parts than there may be
                continue
            told = self.ask(f"{name}: MIG {index}: attributes", nvml.nvmlDeviceGetAttributes, part)
            yield MigDevice(
                name=self.ask(f"{name}: MIG {index}: name", nvml.nvmlDeviceGetName, part) or "",
                multiprocessors=told.multiprocessorCount if told else None,
                memory_bytes=_sane(told.memorySizeMB << 20) if told else None,
            )

    def _links(self, handles: list[Any]) -> Iterator[Link]:
        nvml = self._nvml
        for (first, one), (second, other) in combinations(enumerate(handles), 2):
            name = f"GPU {first} to {second}"
            direct = self.ask(name, nvml.nvmlDeviceGetP2PStatus, one, other, nvml.NVML_P2P_CAPS_INDEX_NVLINK)
            if direct == nvml.NVML_P2P_STATUS_OK:
                yield Link(first=first, second=second, way="NVLink")
            elif (level := self.ask(name, nvml.nvmlDeviceGetTopologyCommonAncestor, one, other)) is not None:
                yield Link(first=first, second=second, way=WAYS.get(level, str(level)))
