"""Python's own numbers: `math`, `cmath`, `statistics`, `random`, sums and conversions."""

import cmath
import math
import random
import statistics
from fractions import Fraction
from typing import Any, Callable, Dict, List, Tuple

from .battery import Row, shapes
from .inputs import floats
from .of_libm import ONE

WANTED = {**ONE, "exp": (3, False), "gamma": ONE["tgamma"], "degrees": (4, False), "radians": (8, False),
          "frexp": (6, False), "modf": (6, False), "ulp": (6, False)}  # fmt: skip


def _pointwise(name: str) -> Callable[..., Any]:
    function = getattr(math, name)
    exponent, positive = WANTED[name]

    def run(_: Any, dtype: str, shape: Tuple[int, ...]) -> List[Any]:
        return [_tried(function, value) for value in floats(shape[0], 4, exponent, positive)]

    return run


def _tried(function: Callable[..., Any], *values: float) -> Any:
    """A value, or the name of the error that Python raises where C returns an infinity or no number."""
    try:
        return function(*values)
    except (ValueError, OverflowError) as error:
        return type(error).__name__


def _pairs(function: Callable[[float, float], Any], exponent: int = 2, positive: bool = False) -> Callable[..., Any]:
    def run(_: Any, dtype: str, shape: Tuple[int, ...]) -> List[Any]:
        columns = (floats(shape[0], salt, exponent, positive) for salt in (5, 6))
        return [_tried(function, one, other) for one, other in zip(*columns)]

    return run


def _whole(function: Callable[[List[float]], Any]) -> Callable[..., Any]:
    return lambda _, dtype, shape: function(floats(shape[0], 7, 4))


def _complex(name: str) -> Callable[..., Any]:
    function = getattr(cmath, name)

    def run(_: Any, dtype: str, shape: Tuple[int, ...]) -> List[float]:
        parts = zip(floats(shape[0], 8, 1), floats(shape[0], 9, 1))
        results = [function(complex(real, imaginary)) for real, imaginary in parts]
        return [part for result in results for part in (result.real, result.imag)]

    return run


def _drawn(function: Callable[[random.Random], Any]) -> Callable[..., Any]:
    def run(_: Any, dtype: str, shape: Tuple[int, ...]) -> List[Any]:
        generator = random.Random(20260101)
        return [function(generator) for _ in range(shape[0])]

    return run


def _shuffled(_: Any, dtype: str, shape: Tuple[int, ...]) -> List[int]:
    items = list(range(shape[0]))
    random.Random(7).shuffle(items)
    return items


GENERATORS: Dict[str, Callable[[random.Random], Any]] = {
    "random.betavariate": lambda generator: generator.betavariate(2.0, 3.0),
    "random.expovariate": lambda generator: generator.expovariate(1.5),
    "random.gammavariate": lambda generator: generator.gammavariate(2.0, 1.0),
    "random.gauss": lambda generator: generator.gauss(0.0, 1.0),
    "random.lognormvariate": lambda generator: generator.lognormvariate(0.0, 1.0),
    "random.normalvariate": lambda generator: generator.normalvariate(0.0, 1.0),
    "random.randint": lambda generator: generator.randint(0, 10**6),
    "random.random": lambda generator: generator.random(),
    "random.triangular": lambda generator: generator.triangular(0.0, 1.0, 0.25),
    "random.vonmisesvariate": lambda generator: generator.vonmisesvariate(0.0, 4.0),
}
ROWS = [
    *(Row(name, _pointwise(name), ("f64",), shapes(9, 64)) for name in WANTED if hasattr(math, name)),
    Row("atan2", _pairs(math.atan2), ("f64",), shapes(9, 64)),
    Row("fmod", _pairs(math.fmod), ("f64",), shapes(9, 64)),
    Row("hypot", _pairs(math.hypot), ("f64",), shapes(9, 64)),
    Row("pow", _pairs(math.pow, 3, True), ("f64",), shapes(9, 64)),
    Row("remainder", _pairs(math.remainder), ("f64",), shapes(9, 64)),
    Row("operator.pow", _pairs(lambda one, other: one**other, 2, True), ("f64",), shapes(9, 64)),
    Row("operator.mod", _pairs(lambda one, other: one % other), ("f64",), shapes(9, 64)),
    Row("operator.truediv", _pairs(lambda one, other: one / other), ("f64",), shapes(9, 64)),
    Row("dist", _whole(lambda row: math.dist(row[::2], row[1::2])), ("f64",), shapes(32, 256)),
    Row("fsum", _whole(math.fsum), ("f64",), shapes(31, 1000)),
    Row("sum", _whole(sum), ("f64",), shapes(31, 1000)),
    Row("prod", _whole(math.prod), ("f64",), shapes(31, 100)),
    Row("statistics.fmean", _whole(statistics.fmean), ("f64",), shapes(31, 1000)),
    Row("statistics.stdev", _whole(statistics.stdev), ("f64",), shapes(31, 100)),
    Row("repr", _whole(lambda row: [repr(value / 3) for value in row]), ("f64",), shapes(9, 64)),
    Row("float", _whole(lambda row: [float("%.9e" % value) for value in row]), ("f64",), shapes(9, 64)),
    Row("fraction", _whole(lambda row: [float(Fraction(value) / 3) for value in row]), ("f64",), shapes(31, 64)),
    Row("round", _whole(lambda row: [round(value, 3) for value in row]), ("f64",), shapes(9, 64)),
    *(
        Row("cmath." + name, _complex(name), ("c128",), shapes(31, 64))
        for name in ("exp", "log", "sqrt", "sin", "tanh")
    ),
    *(Row(name, _drawn(function), ("f64",), shapes(32, 128)) for name, function in GENERATORS.items()),
    Row("random.shuffle", _shuffled, ("i64",), shapes(32, 256)),
]
