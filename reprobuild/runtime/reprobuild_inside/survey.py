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


def survey(problems: List[str]) -> Dict[str, Any]:
    """A dictionary of JSON values; what could not be found out is left out and told in `problems`."""
    found: Dict[str, Any] = {"python": platform.python_version(), "libc": " ".join(platform.libc_ver())}
    for name, collect in (
        ("packages", _packages),
        ("frameworks", _frameworks),
        ("threads", _threads),
        ("libraries", _libraries),
        ("peak_memory_bytes", _peak_memory),
    ):
        try:
            found[name] = collect()
        except Exception as error:  # any package, any version: told in the record
            problems.append("%s: %s: %s" % (name, type(error).__name__, error))
    return found


def seeds() -> Dict[str, Any]:
    """Seeds that can be read back at the end: a script may have set its own."""
    torch = sys.modules.get("torch")
    return {} if torch is None else {"torch": torch.initial_seed()}


def switches() -> Dict[str, Any]:
    """Deterministic switches as they are at the end."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    return {
        "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch.use_deterministic_algorithms.warn_only": warn_only,
        "torch.backends.cudnn.benchmark": torch.backends.cudnn.benchmark,
        "torch.backends.cudnn.deterministic": torch.backends.cudnn.deterministic,
    }


def _frameworks() -> List[str]:
    return sorted(name for name in FRAMEWORKS if name in sys.modules)


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
        version = ctypes.create_string_buffer(200)
        library.MKL_Get_Version_String(version, len(version))
        text = version.value.decode(errors="replace").strip()
        return {"threads": library.MKL_Get_Max_Threads(), "version": text}
    return _torch() if kind == "torch" else {}


def _torch() -> Dict[str, Any]:
    """PyTorch's wheels have MKL and oneDNN linked in, so that only PyTorch can tell of them."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    cpu = getattr(torch.backends, "cpu", None)
    return {
        "version": str(torch.__version__),
        "config": torch.__config__.show(),
        "core": cpu.get_cpu_capability() if cpu is not None else "",
        "threads": torch.get_num_threads(),
    }


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
