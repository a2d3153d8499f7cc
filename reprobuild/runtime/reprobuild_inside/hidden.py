"""Libraries that compute where no dispatch is seen: in compiled code of their own."""

import os
import re
import sys
import sysconfig
import types
from typing import Any, Iterator, Set

SEEN = frozenset(("torch", "torchgen", "functorch", "nvidia"))
"""Their operations go through PyTorch's dispatch, or are what it calls."""
NO_ARITHMETIC = frozenset(
    (
        *("_cffi_backend", "_yaml", "bcrypt", "certifi", "charset_normalizer", "cryptography", "frozenlist", "google"),
        *("greenlet", "grpc", "httptools", "jiter", "lxml", "lz4", "markupsafe", "msgpack", "multidict", "orjson"),
        *("propcache", "psutil", "pydantic_core", "regex", "rpds", "safetensors", "sentencepiece", "setproctitle"),
        *("simplejson", "tokenizers", "ujson", "uvloop", "wandb", "watchfiles", "wrapt", "xxhash", "yaml", "yarl"),
        *("zmq", "zstandard", "tiktoken", "hf_xet", "psycopg2", "mypyc", "tornado", "pvectorc", "kiwisolver"),
    )
)
"""Packages whose compiled code reads, packs or sends; none of it rounds a number that a training could use."""
NUMERIC = re.compile(r"(blas|lapack|mkl_|fftw|libgsl|libflint|cublas|cudnn|cusolver|cufft|libxla)", re.IGNORECASE)
"""Libraries of the system that compute, by their names."""
SYSTEM = ("/lib", "/usr/lib")
CACHE, COMPILED = "TORCHINDUCTOR_CACHE_DIR", "torch.compile"
"""Where PyTorch's compiler leaves what it makes, a library for each kernel; it sets the variable where nobody did.

https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_inductor/runtime/cache_dir_utils.py
"""
BUILTINS = (types.FunctionType, types.BuiltinFunctionType, type)


def hidden() -> Set[str]:
    """Top-level names of imported packages whose arithmetic cannot be seen; NumPy only where somebody uses it."""
    modules = [(name, module) for name, module in list(sys.modules.items()) if module is not None]
    found = {_name(name, module) for name, module in modules if _is_compiled(module)} | set(_loaded())
    found -= SEEN | NO_ARITHMETIC | {"numpy"}
    if "numpy" in sys.modules and any(_uses_numpy(name, module) for name, module in modules):
        found.add("numpy")
    return found


def _is_compiled(module: Any) -> bool:
    path = getattr(module, "__file__", None)
    return isinstance(path, str) and ".so" in os.path.basename(path) and not _below(path, _standard())


def _name(name: str, module: Any) -> str:
    return COMPILED if _of_compiler(module.__file__) else name.partition(".")[0]


def _of_compiler(path: str) -> bool:
    folder = os.environ.get(CACHE)
    return bool(folder) and _below(path, iter((str(folder),)))


def _standard() -> Iterator[str]:
    """Folders of Python's own modules."""
    paths = sysconfig.get_paths()
    return (os.path.join(paths[name], "lib-dynload") for name in ("stdlib", "platstdlib"))


def _below(path: str, folders: Iterator[str]) -> bool:
    return any(path.startswith(os.path.join(folder, "")) for folder in folders)


def _loaded() -> Iterator[str]:
    """Packages and libraries of which this process has code, however it was loaded (ctypes, cffi)."""
    with open("/proc/self/maps") as stream:
        paths = {line.split(None, 5)[5].rstrip("\n") for line in stream if ".so" in line and "/" in line}
    sites = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    prefixes = (*SYSTEM, os.path.join(sys.base_prefix, "lib"))
    for path in paths:
        if _of_compiler(path):
            yield COMPILED
            continue
        site = next((site for site in sites if _below(path, iter((site,)))), None)
        if site is not None:
            yield os.path.relpath(path, site).split(os.sep)[0].split(".")[0]
        elif not path.startswith(prefixes) or (NUMERIC.search(os.path.basename(path)) and path.startswith(SYSTEM)):
            yield os.path.basename(path).split(".")[0]


def _uses_numpy(name: str, module: Any) -> bool:
    """A package that has it under one of its usual names, or a script of the training whose text speaks of it."""
    if name.partition(".")[0] in SEEN | {"numpy"} or name.startswith("reprobuild_"):
        return False
    numpy, values = sys.modules["numpy"], getattr(module, "__dict__", {})
    if values.get("np") is numpy or values.get("numpy") is numpy or any(map(_of_numpy, list(values.values()))):
        return True
    path = getattr(module, "__file__", None)
    if name == "__main__":  # which has lost its __file__ when Python ends
        return _speaks_of_numpy(path or getattr(getattr(module, "__loader__", None), "path", None))
    if not isinstance(path, str) or "site-packages" in path or "dist-packages" in path or not path.endswith(".py"):
        return False
    if _below(path, iter((sysconfig.get_paths()["stdlib"],))):
        return False
    return _speaks_of_numpy(path)


def _of_numpy(value: Any) -> bool:
    """One of its functions, types or arrays; only of plain things is asked what module they are of."""
    kind = type(value)
    owner = value if kind in BUILTINS else kind
    return str(getattr(owner, "__module__", "")).partition(".")[0] == "numpy"


def _speaks_of_numpy(path: Any) -> bool:
    if not isinstance(path, str):  # python -c
        return any("numpy" in word for word in getattr(sys, "orig_argv", ["numpy"]))
    try:
        with open(path, "rb") as stream:
            return b"numpy" in stream.read()
    except OSError:
        return True
