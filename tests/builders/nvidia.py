"""Wheels laid out as NVIDIA's are, with libraries that hold nothing."""

from collections.abc import Mapping, Sequence

from builders.images import image_base, image_lock, wheel_artifact
from builders.index import Index
from builders.wheels import make_wheel, wheel_name

from reprobuild.lock.base import CudaOf
from reprobuild.lock.cuda import find_cuda, settle_base
from reprobuild.lock.index import LockIndex
from reprobuild.tools.store import Store

TAG = "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64"


def runtime_files(major: int, library: bytes = b"") -> dict[str, bytes | str]:
    """What the wheel of the runtime holds: up to CUDA 12 each component has a folder, from 13 on all share one."""
    folder = "nvidia/cuda_runtime" if major < 13 else f"nvidia/cu{major}"
    packages = {"nvidia/__init__.py": "", f"{folder}/__init__.py": "", f"{folder}/lib/__init__.py": ""}
    return {
        **(packages if major < 13 else {}),
        f"{folder}/include/cuda_runtime.h": f"#define CUDART_VERSION {major}000\n",
        f"{folder}/include/cooperative_groups/scan.h": "\n",
        f"{folder}/lib/libcudart.so.{major}": library,
        f"{folder}/lib/libcudart_static.a": b"!<arch>\n",
    }


def runtime_name(major: int) -> str:
    """The project that has the runtime of a major version."""
    return "nvidia-cuda-runtime" + (f"-cu{major}" if major < 13 else "")


def blas_name(major: int) -> str:
    """The project that has cuBLAS of a major version."""
    return "nvidia-cublas" + (f"-cu{major}" if major < 13 else "")


def blas_files(major: int, library: bytes = b"", light: bytes = b"") -> dict[str, bytes | str]:
    """What the wheel of cuBLAS holds."""
    folder = "nvidia/cublas" if major < 13 else f"nvidia/cu{major}"
    return {
        f"{folder}/include/cublas.h": "\n",
        f"{folder}/lib/libcublas.so.{major}": library,
        f"{folder}/lib/libcublasLt.so.{major}": light,
    }


def offer(
    index: Index, name: str, version: str, files: Mapping[str, bytes | str], needs: Sequence[str] = (), extra: str = ""
) -> bytes:
    """Add a wheel to an index; `extra` names one that it provides."""
    wheel = make_wheel(name, version, files, needs, TAG, extras=[extra] if extra else [])
    index.add(wheel_name(name, version, TAG), wheel)
    return wheel


def cuda_of(major: int) -> CudaOf:
    """A small CUDA of a base."""
    names = (runtime_name(major), blas_name(major))
    return CudaOf(major=major, requirements=tuple(f"{name}>={major},<{major + 1}" for name in names))


def toolkit_lock(store: Store) -> LockIndex:
    """A lock of a base with CUDA 12, its wheels in the store; the libraries in them are none."""
    base = image_base(cuda=cuda_of(12))
    wheels = {runtime_name(12): ("12.9.79", runtime_files(12)), blas_name(12): ("12.9.1.4", blas_files(12))}
    artifacts = [
        wheel_artifact(store, name, make_wheel(name, version, files), version)
        for name, (version, files) in wheels.items()
    ]
    return image_lock(artifacts, settle_base(base, artifacts)).model_copy(update={"cuda": find_cuda(artifacts)})
