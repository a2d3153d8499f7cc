import pytest
from packaging.version import Version

from reprobuild.lock.python.requirements import Pin
from reprobuild.lock.python.target import Target
from reprobuild.lock.python.wheels import NoWheelError, Offer, choose_wheel

TARGET = Target("3.11.2", (2, 36))
PIN = Pin("demo", Version("1.0"), frozenset({"a" * 64, "b" * 64}))


def offer(filename: str, sha256: str = "a" * 64) -> Offer:
    return Offer(filename, f"https://index.example/{filename}", sha256)


def chosen(*filenames: str) -> str:
    return choose_wheel(PIN, [offer(name) for name in filenames], TARGET)[0].filename


def test_the_best_fitting_wheel_is_chosen_whatever_the_order() -> None:
    names = [
        "demo-1.0-py3-none-any.whl",
        "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "demo-1.0-cp311-cp311-manylinux_2_37_x86_64.whl",
        "demo-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
        "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
        "demo-1.0.tar.gz",
    ]

    assert chosen(*names) == chosen(*reversed(names)) == names[1]


def test_the_higher_build_number_wins_between_equal_tags() -> None:
    assert chosen("demo-1.0-2-py3-none-any.whl", "demo-1.0-10-py3-none-any.whl") == "demo-1.0-10-py3-none-any.whl"


def test_a_file_that_the_pin_does_not_allow_is_never_chosen() -> None:
    better = offer("demo-1.0-cp311-cp311-linux_x86_64.whl", "c" * 64)

    assert choose_wheel(PIN, [better, offer("demo-1.0-py3-none-any.whl")], TARGET)[0].filename.endswith("any.whl")


def test_a_file_of_another_version_or_project_is_never_chosen() -> None:
    with pytest.raises(NoWheelError):
        chosen("demo-1.0.1-py3-none-any.whl", "demo_more-1.0-py3-none-any.whl", "broken.whl")


def test_no_wheel_names_the_pin_the_image_and_what_exists() -> None:
    with pytest.raises(NoWheelError) as caught:
        chosen("demo-1.0-cp311-cp311-win_amd64.whl", "demo-1.0.tar.gz")

    assert str(caught.value) == (
        "demo 1.0: no wheel for CPython 3.11.2 on x86_64 with glibc 2.36: "
        "there are demo-1.0-cp311-cp311-win_amd64.whl, demo-1.0.tar.gz"
    )
    assert caught.value.hint


def test_a_release_without_any_file_says_so() -> None:
    with pytest.raises(NoWheelError, match="there is no wheel"):
        chosen()
