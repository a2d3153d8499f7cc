"""XLA's flags, which JAX reads when it computes for the first time; unknown ones would end the process."""

import os
from typing import Tuple


def set_flags(value: str) -> None:
    """Put them behind those that are there; the last of two counts."""
    os.environ["XLA_FLAGS"] = " ".join(filter(None, [os.environ.get("XLA_FLAGS", ""), value]))


def flags(value: str) -> Tuple[bool, str]:
    """Whether they still stand last."""
    return os.environ.get("XLA_FLAGS", "").endswith(value), "set; not seen to be obeyed"
