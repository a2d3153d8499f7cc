from packaging.tags import Tag

from reprobuild.lock.python.target import Target

BOOKWORM = Target("3.11.2", (2, 36))


def rank(tag: str) -> int:
    interpreter, abi, platform = tag.split("-")
    return BOOKWORM.ranks[Tag(interpreter, abi, platform)]


def test_the_image_prefers_its_own_interpreter_and_the_newest_glibc() -> None:
    order = [
        "cp311-cp311-manylinux_2_36_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux2014_x86_64",
        "cp311-cp311-manylinux1_x86_64",
        "cp311-cp311-linux_x86_64",
        "cp311-abi3-manylinux_2_28_x86_64",
        "cp311-none-manylinux_2_28_x86_64",
        "cp38-abi3-manylinux_2_28_x86_64",
        "py3-none-manylinux_2_28_x86_64",
        "py3-none-any",
    ]

    assert [rank(tag) for tag in order] == sorted(rank(tag) for tag in order)


def test_what_the_image_cannot_load_has_no_rank() -> None:
    for tag in ("cp311-cp311-manylinux_2_37_x86_64", "cp312-cp312-linux_x86_64", "cp311-cp311-musllinux_1_2_x86_64"):
        interpreter, abi, platform = tag.split("-")
        assert Tag(interpreter, abi, platform) not in BOOKWORM.ranks


def test_markers_are_those_of_the_image_and_say_nothing_of_the_kernel() -> None:
    markers = BOOKWORM.markers("fast")

    assert (markers["python_full_version"], markers["python_version"]) == ("3.11.2", "3.11")
    assert (markers["platform_machine"], markers["platform_release"], markers["extra"]) == ("x86_64", "", "fast")


def test_another_architecture_has_its_own_tags() -> None:
    target = Target("3.13.5", (2, 41), "arm64")

    assert Tag("cp313", "cp313", "manylinux_2_41_aarch64") in target.ranks
    assert target.markers()["platform_machine"] == "aarch64"
