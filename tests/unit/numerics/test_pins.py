"""The published pins: a strict table, in which every pin has its reason and its source."""

import os
from importlib.resources import files
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.numerics.pins import PROFILES, parse_pins, published_pins, render_pins

PIN = """
[[pin]]
id = "one"
library = "numpy"
versions = ">=1.20,<3"
environment = { ONE = "{threads}" }
check = "pins.variables"
why = "it chooses between the kernels of two CPUs"
source = "https://numpy.org/"
tested = true
profiles = ["portable"]
"""


def test_every_pin_says_why_and_by_which_source() -> None:
    pins = published_pins()

    assert pins
    assert all(pin.why and pin.source and set(pin.profiles) <= set(PROFILES) for pin in pins)


def test_a_pin_is_read() -> None:
    (pin,) = parse_pins(PIN.encode(), "pins.toml")

    assert (pin.id, pin.environment, pin.after, pin.call) == ("one", {"ONE": "{threads}"}, (), None)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "one"', 'id = "One"', "pin.0.id"),
        ('versions = ">=1.20,<3"', 'versions = "~=1.20"', "a specifier of plain releases"),
        ('versions = ">=1.20,<3"', 'versions = ">=1.20rc1"', "a specifier of plain releases"),
        ('versions = ">=1.20,<3"', 'versions = "later"', "not a version specifier: later"),
        ('"{threads}"', '"{cores}"', "only {threads} can stand in a value: {cores}"),
        ('"{threads}"', '"{threads"', "only {threads} can stand in a value: {threads"),
        ("{ ONE =", '{ "A B" =', "pin.0.environment"),
        ('check = "pins.variables"', "", "pin.0.check"),
        ('check = "pins.variables"', 'check = "variables"', "pin.0.check"),
        ("why =", "because =", "pin.0.why"),
        ('"https://numpy.org/"', '"numpy.org"', "pin.0.source"),
        ('"portable"', '"quick"', "pin.0.profiles.0"),
        ('["portable"]', "[]", "pin.0.profiles"),
        ("tested = true", "tested = 1", "pin.0.tested"),
        ("[[pin]]", "[[pin", "not TOML"),
    ],
)
def test_a_wrong_pin_is_refused(old: str, new: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_pins(PIN.replace(old, new).encode(), "pins.toml")

    assert str(caught.value).startswith("pins.toml: ")
    assert complaint in str(caught.value)


def test_an_id_stands_for_one_pin() -> None:
    with pytest.raises(InputError, match="named twice: one"):
        parse_pins((PIN + PIN).encode(), "pins.toml")


def test_two_pins_of_a_profile_agree_on_a_variable() -> None:
    other = PIN.replace('"one"', '"two"')

    assert len(parse_pins((PIN + other).encode(), "pins.toml")) == 2
    with pytest.raises(InputError, match="ONE: two pins of the profile portable set it to two values"):
        parse_pins((PIN + other.replace("{threads}", "7")).encode(), "pins.toml")


DOCUMENT = Path(__file__).parents[3] / "docs" / "numerics.md"


def test_the_golden_table_in_the_documentation_is_that_of_the_pins() -> None:
    before, _, rest = DOCUMENT.read_text().partition("<!-- pins -->\n")
    shown, mark, after = rest.partition("<!-- end of pins -->")
    if os.environ.get("REPROBUILD_GOLDEN") == "write":
        DOCUMENT.write_text(f"{before}<!-- pins -->\n{render_pins()}{mark}{after}")
        return

    assert shown == render_pins()


def test_every_function_of_a_pin_is_in_the_runtime() -> None:
    runtime = Path(str(files("reprobuild") / "runtime" / "reprobuild_inside"))
    named = {name for pin in published_pins() for name in (pin.call, pin.check) if name}

    for name in sorted(named):
        module, _, function = name.rpartition(".")
        text = (runtime / (module.replace(".", "/") + ".py")).read_text()
        assert f"def {function}(" in text, name


def test_experiments_that_pins_name_are_in_the_repository() -> None:
    places = [pin.source for pin in published_pins() if not pin.source.startswith("https://")]

    assert all((DOCUMENT.parents[1] / place).exists() for place in places)
