"""Pins in the image of frameworks: each takes there, on fewer cores and on emulated CPUs; without them bits change."""

from typing import Any

import pytest
from builders.frameworks import Frameworks, Training

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]
TRAIN = """
import math, os
import numpy as np
import scipy.linalg, scipy.special
from sklearn.cluster import KMeans

def numbers(*shape, salt=1):  # from integers, so that they are the same everywhere
    return (np.arange(math.prod(shape)) * 7919 * salt % 10007 / 5003.5 - 1).reshape(shape)

single = numbers(256, 256).astype("f4")
double = numbers(150, 150, salt=3)
found = {
    "exp": [math.exp(x) for x in numbers(999) * 9],
    "sin": np.sin(numbers(9999) * 9),
    "power": np.abs(numbers(9999)) ** numbers(9999, salt=7),
    "product": single @ single,
    "dot": np.dot(numbers(30003), numbers(30003, salt=2)),
    "solve": scipy.linalg.solve(double + 9 * np.eye(150), double),
    "gamma": scipy.special.gamma(numbers(999) * 3),
    "means": KMeans(5, n_init=1, random_state=0).fit(numbers(400, 5)).cluster_centers_,
}
os.mkdir("out")
for name, values in found.items():
    np.save(f"out/{name}.npy", values)
"""
IN_IMAGE = {
    "numpy-simd",
    "openblas-core",
    "openblas-threads",
    "glibc-libm",
    "python-processors",
    "scikit-learn-threads",
}


@pytest.fixture(scope="module")
def portable(frameworks: Frameworks, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training that ran under `portable`."""
    training = frameworks.training(
        tmp_path_factory.mktemp("pins") / "p", {"train.py": TRAIN}, threads=2, numerics="portable"
    )
    training.run()
    return training


def missed(found: dict[str, Any]) -> list[str]:
    assert found["pins"].keys() >= IN_IMAGE
    return [name for name, pin in found["pins"].items() if not pin["took"]]


def differing(report: dict[str, Any]) -> set[str]:
    return {item["name"] for item in report["comparisons"] if item["outcome"] != "same bytes"}


def test_every_pin_takes_on_one_core_and_the_bits_are_the_same(portable: Training) -> None:
    report = portable.replay(cores="0")

    assert missed(report["seen"]["found"]) == []
    assert report["verdict"] == "identical"
    assert report["seen"]["asked"]["numerics"] == "portable"


@pytest.mark.emulation
@pytest.mark.parametrize("cpu", ["Haswell", "EPYC"])
def test_every_pin_takes_on_another_cpu_and_the_bits_are_the_same(portable: Training, cpu: str) -> None:
    report = portable.replay("--emulate", cpu)

    assert missed(report["seen"]["found"]) == []
    assert report["verdict"] == "identical"


def test_without_the_pins_fewer_cores_give_other_bits_and_the_profile_is_the_cause(portable: Training) -> None:
    report = portable.replay("--numerics", "native", cores="0")

    assert report["verdict"] == "different"
    assert {"out/product.npy", "out/dot.npy"} <= differing(report)
    assert report["findings"][0]["subject"] == "numerics profile"


@pytest.mark.emulation
def test_without_the_pins_another_cpu_gives_other_bits(portable: Training) -> None:
    report = portable.replay("--numerics", "native", "--emulate", "SandyBridge")

    assert report["verdict"] == "different"
    assert {"out/sin.npy", "out/power.npy", "out/product.npy", "out/solve.npy"} <= differing(report)


@pytest.mark.emulation
def test_a_cpu_without_the_kernels_is_refused_in_one_line(portable: Training) -> None:
    words = portable.command("replay", "bundle.tar", "--emulate", "SandyBridge", statuses=(4,))

    assert words == ""
