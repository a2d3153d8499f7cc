"""Machines as documents: the JSON files of `fingerprints/`, with the figures that their makers publish.

- A100 SXM4 40 GB: https://www.nvidia.com/en-us/data-center/a100/
- H100 and H200 SXM5: https://www.nvidia.com/en-us/data-center/h100/, https://www.nvidia.com/en-us/data-center/h200/
- GeForce RTX 4090: https://www.nvidia.com/en-us/geforce/graphics-cards/40-series/rtx-4090/
- T4: https://www.nvidia.com/en-us/data-center/tesla-t4/
"""

from pathlib import Path

from reprobuild.hardware.fingerprint import Fingerprint

FOLDER = Path(__file__).parent / "fingerprints"
NAMES = ("a100", "h100", "h200", "rtx4090", "t4", "cpu")


def machine(name: str) -> Fingerprint:
    """The fingerprint of one machine."""
    return Fingerprint.from_bytes((FOLDER / f"{name}.json").read_bytes(), name)
