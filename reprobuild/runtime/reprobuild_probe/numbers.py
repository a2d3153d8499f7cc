"""Numbers for inputs in the ranges that signatures tell, made once for each range and then cut."""

from typing import Any, Dict, Tuple

from reprobuild_probe.inputs import Inputs

POOL = 8192
"""Numbers that are made of a range; a tensor of more than half of them gets its own."""
STEP = 61
"""How far two cuts lie apart: it divides no power of two."""


class Numbers:
    """Flat tensors on the CPU that nobody else has, so that an operation may write into them."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.make = torch, Inputs(torch).make
        self.pools: Dict[Tuple[Any, ...], Any] = {}

    def take(self, told: Dict[str, Any], count: int, salt: int) -> Any:
        """So many numbers of the type and range that a signature tells; another salt gives others."""
        if 2 * count > POOL:
            return self._made(told, count, salt)
        key = tuple(told.get(name) for name in ("tensor", "low", "high", "exponent", "positive"))
        if key not in self.pools:
            self.pools[key] = self._made(told, POOL, 1)
        start = salt * STEP % (POOL - count)
        return self.pools[key][start : start + count].clone()

    def _made(self, told: Dict[str, Any], count: int, salt: int) -> Any:
        name, low, high = told["tensor"], told.get("low", 0), told.get("high", 99)
        if "low" in told and not name.startswith(("int", "uint", "bool")):  # whole numbers, kept as others
            whole = self.make("int64", (count,), salt=salt, low=low, high=high + 1)
            return whole.to(getattr(self.torch, name))
        exponent = max(-100, min(100, told.get("exponent", 0)))
        positive = bool(told.get("positive", False))
        return self.make(
            name, (count,), salt=salt, exponent=exponent, positive=positive, low=low, high=min(high + 1, 1 << 31)
        )
