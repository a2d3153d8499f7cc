"""A digest of many results in parts, so that two of them tell how much of the results differs."""

import ctypes
import hashlib
from typing import Any, List

COUNT, LENGTH = 32, 4
"""Parts of a digest, and hexadecimal digits of each."""


class Parts:
    """Collects what operations return; `count` numbers so far."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.count = torch, 0
        self.data: List[bytes] = []

    def add(self, value: Any) -> None:
        """Take in tensors, numbers and lists of them."""
        if isinstance(value, (tuple, list)):
            for item in value:
                self.add(item)
        elif isinstance(value, self.torch.Tensor):
            self.count += value.numel()
            self.data.append(self._bytes(value))
        else:
            self.data.append(repr(value).encode())

    def digest(self) -> str:
        """The first digits of the SHA-256 of each part, in the order in which the numbers came."""
        data = b"".join(self.data)
        size = max(1, -(-len(data) // COUNT))
        return "".join(
            hashlib.sha256(data[place * size : (place + 1) * size]).hexdigest()[:LENGTH] for place in range(COUNT)
        )

    def _bytes(self, tensor: Any) -> bytes:
        """In the order of its indices; every NaN is the same one (IEEE 754-2019, 6.2 leaves its bits open)."""
        plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
        if plain.is_complex():
            plain = self.torch.view_as_real(plain)
        if plain.is_floating_point():
            plain = plain.masked_fill(plain != plain, float("nan"))
        size = plain.numel() * plain.element_size()
        return ctypes.string_at(plain.data_ptr(), size) if size else b""
