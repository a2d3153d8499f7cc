"""What an image needs of a machine, as far as its files tell."""

from typing import Annotated

from pydantic import Field

from reprobuild.ground.documents import Document

Target = Annotated[int, Field(gt=0, lt=100_000)]
"""A compute capability without its dot, as the compiler names it: 80 for 8.0, 120 for 12.0."""


class Kernels(Document):
    """For which GPUs code is there: `cubin` is machine code, `ptx` is compiled by the driver."""

    cubin: tuple[Target, ...] = ()
    ptx: tuple[Target, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cubin or self.ptx)

    def run_on(self, capability: str, *, compiler: bool = True) -> bool:
        """True where one runs: machine code on its own major version from its minor one on, PTX from its own on.

        Without a `compiler`, machine code alone counts.
        https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/index.html#gpu-compilation. Code for one architecture
        only (`sm_90a`) is not told apart from other code.
        """
        major, _, minor = capability.partition(".")
        if not (major.isdecimal() and minor.isdecimal()):
            return True  # not known
        wanted = int(major[:4]) * 10 + int(minor[:1])
        machine_code = any(target // 10 == wanted // 10 and target <= wanted for target in self.cubin)
        return machine_code or (compiler and any(target <= wanted for target in self.ptx))

    def __str__(self) -> str:
        return " ".join([*(f"sm_{target}" for target in self.cubin), *(f"compute_{target}" for target in self.ptx)])


class Needs(Document):
    """Read once, while the image's layers are made."""

    kernels: Annotated[dict[str, Kernels], Field(max_length=2000)] = Field(default_factory=dict)
    """`name version` of an artifact to the GPUs that its libraries have code for; those without any are left out."""
    linux: Annotated[str, Field(pattern=r"^([0-9]{1,5}(\.[0-9]{1,5}){2})?$")] = ""
    """The least kernel that the C library asks for."""
    forward_compatible: bool = False
    """Whether the image has NVIDIA's forward-compatibility libraries (`cuda-compat`)."""
