"""What a training process looks like from inside at its end: versions, threads, libraries. Standard library only."""

import ctypes
import os
import platform
import resource
import sys
from typing import Any, Dict, List

FRAMEWORKS = ("numpy", "scipy", "sklearn", "torch", "tensorflow", "jax", "pandas", "xgboost", "lightgbm")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Library file name, then kind; the first that fits (names as wheels and Debian have them, hashes of auditwheel aside).
LIBRARIES = (
    ("libscipy_openblas", "openblas"),
    ("libopenblas", "openblas"),
    ("libmkl_rt", "mkl"),
    ("libmkl_core", "mkl"),
    ("libtorch_cpu", "torch"),
    ("libblis", "blis"),
    ("libblas", "blas"),
    ("libgomp", "openmp"),
    ("libiomp", "openmp"),
    ("libomp", "openmp"),
)


def survey() -> Dict[str, Any]:
    """A dictionary of JSON values: python, libc, packages, frameworks, threads, libraries."""
    return {
        "python": platform.python_version(),
        "libc": " ".join(platform.libc_ver()),
        "packages": _packages(),
        "frameworks": sorted(name for name in FRAMEWORKS if name in sys.modules),
        "threads": _threads(),
        "libraries": _libraries(),
        "peak_memory_bytes": _peak_memory(),
    }


def _peak_memory() -> int:
    """Of the largest process, this one or one that it started and waited for (getrusage(2): kibibytes on Linux)."""
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _packages() -> Dict[str, str]:
    from importlib.metadata import distributions

    found: Dict[str, str] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(name.lower().replace("_", "-"), distribution.version)
    return found


def _threads() -> Dict[str, Any]:
    found: Dict[str, Any] = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = torch.get_num_threads()
        found["torch.interop"] = torch.get_num_interop_threads()
    return found


def _libraries() -> List[Dict[str, Any]]:
    found: Dict[str, Dict[str, Any]] = {}
    with open("/proc/self/maps") as stream:
        for line in stream:
            path = line.split(None, 5)[5].strip() if len(line.split(None, 5)) == 6 else ""
            name = os.path.basename(path)
            kind = next((kind for prefix, kind in LIBRARIES if name.startswith(prefix) and ".so" in name), None)
            if kind and path not in found:
                found[path] = dict(_facts(path, kind), file=path, name=kind)
    return [found[path] for path in sorted(found)]


def _facts(path: str, kind: str) -> Dict[str, Any]:
    library = ctypes.CDLL(path)  # it is mapped already: this only finds it again
    if kind == "openblas":
        return _openblas(library)
    if kind == "openmp" and hasattr(library, "omp_get_max_threads"):
        return {"threads": library.omp_get_max_threads()}
    if kind == "mkl" and hasattr(library, "MKL_Get_Max_Threads"):
        return {"threads": library.MKL_Get_Max_Threads()}
    return {}


def _openblas(library: ctypes.CDLL) -> Dict[str, Any]:
    facts: Dict[str, Any] = {}
    for prefix in ("", "scipy_"):
        for suffix in ("", "64_", "_64"):
            for key, function in (("config", "openblas_get_config"), ("core", "openblas_get_corename")):
                symbol = getattr(library, prefix + function + suffix, None)
                if symbol is not None and key not in facts:
                    symbol.restype = ctypes.c_char_p
                    facts[key] = (symbol() or b"").decode(errors="replace").strip()
            symbol = getattr(library, prefix + "openblas_get_num_threads" + suffix, None)
            if symbol is not None and "threads" not in facts:
                facts["threads"] = symbol()
    return facts
