"""Libraries that compute where no dispatch is seen: in compiled code of their own."""

import os
import sys
import sysconfig
from typing import Any, Iterator, Set

SEEN = frozenset(("torch", "torchgen", "functorch"))
"""Their operations go through PyTorch's dispatch."""
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


def hidden() -> Set[str]:
    """Top-level names of imported packages whose arithmetic cannot be seen; NumPy only where somebody uses it."""
    modules = [(name, module) for name, module in list(sys.modules.items()) if module is not None]
    found = {name.partition(".")[0] for name, module in modules if _is_compiled(module)}
    found -= SEEN | NO_ARITHMETIC | {"numpy"}
    if "numpy" in sys.modules and any(_uses_numpy(name, module) for name, module in modules):
        found.add("numpy")
    return found


def _is_compiled(module: Any) -> bool:
    path = getattr(module, "__file__", None)
    return isinstance(path, str) and ".so" in os.path.basename(path) and not _below(path, _standard())


def _standard() -> Iterator[str]:
    """Folders of Python's own modules."""
    paths = sysconfig.get_paths()
    return (os.path.join(paths[name], "lib-dynload") for name in ("stdlib", "platstdlib"))


def _below(path: str, folders: Iterator[str]) -> bool:
    return any(path.startswith(os.path.join(folder, "")) for folder in folders)


def _uses_numpy(name: str, module: Any) -> bool:
    """A package that has it under one of its usual names, or a script of the training whose text speaks of it."""
    if name.partition(".")[0] in SEEN | {"numpy"} or name.startswith("reprobuild_"):
        return False
    numpy, values = sys.modules["numpy"], getattr(module, "__dict__", {})
    if values.get("np") is numpy or values.get("numpy") is numpy:
        return True
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or "site-packages" in path or "dist-packages" in path or not path.endswith(".py"):
        return False
    if _below(path, iter((sysconfig.get_paths()["stdlib"],))):
        return False
    try:
        with open(path, "rb") as stream:
            return b"numpy" in stream.read()
    except OSError:
        return True
