"""NVIDIA's libraries, which read their variables when they are first used: set is all that can be seen of them here."""

from typing import Optional, Tuple

from reprobuild_inside.pins import loaded_files


def variables(_: str) -> Optional[Tuple[bool, str]]:
    """The variables are set where CUDA's runtime is loaded at all."""
    return (True, "set; not seen to be obeyed") if list(loaded_files("libcudart", "libcuda.so")) else None
