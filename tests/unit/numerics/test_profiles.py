"""What a profile sets in a run."""

import json

from reprobuild.numerics.pins import published_pins
from reprobuild.numerics.profiles import environment, inside


def test_native_sets_nothing() -> None:
    assert environment("native", 2) == {}
    assert json.loads(inside("native", 2)) == {"profile": "native", "threads": 2, "pins": []}


def test_portable_fills_in_the_number_of_threads() -> None:
    assert all("{" not in value for value in environment("portable", 3).values())
    pins = {pin["id"]: pin for pin in json.loads(inside("portable", 3))["pins"]}
    assert pins["openblas-threads"]["value"] == "3"


def test_the_runtime_is_told_of_every_pin_in_order() -> None:
    told = json.loads(inside("portable", 1))["pins"]

    assert [pin["id"] for pin in told] == [pin.id for pin in published_pins() if "portable" in pin.profiles]
    assert all(pin["environment"].items() <= environment("portable", 1).items() for pin in told)


def test_the_same_profile_gives_the_same_bytes() -> None:
    assert inside("portable", 2) == inside("portable", 2)
    assert inside("portable", 2) != inside("portable", 3)
