from packaging.requirements import Requirement
from packaging.version import Version

from reprobuild.lock.python.closure import find_gaps, find_reached, parse_metadata
from reprobuild.lock.python.target import Target

TARGET = Target("3.11.2", (2, 36))


def gaps(roots: list[str], locked: dict[str, str]) -> list[str]:
    """`locked` maps `name==version` to the lines of its METADATA, split by `|`."""
    pins: dict[str, Version] = {}
    metadata: dict[str, tuple[list[Requirement], str]] = {}
    for pin, lines in locked.items():
        name, version = pin.split("==")
        pins[name] = Version(version)
        metadata[name] = parse_metadata("\n".join(lines.split("|")).encode(), name)
    return find_gaps([Requirement(root) for root in roots], pins, metadata, TARGET)


def test_a_complete_lock_has_no_gap() -> None:
    assert gaps(["a"], {"a==1": "Requires-Dist: B>=2", "b==2.1": ""}) == []


def test_a_requirement_for_the_images_patch_version_is_missed() -> None:
    needs = 'Requires-Dist: async-timeout>=4.0.3; python_full_version < "3.11.3"'

    assert gaps(["redis"], {"redis==5.0.1": needs}) == ["redis needs async-timeout, which is not locked"]


def test_what_only_another_machine_needs_is_no_gap() -> None:
    needs = 'Requires-Dist: colorama; sys_platform == "win32"|Requires-Dist: tomli; python_version < "3.11"'

    assert gaps(["a"], {"a==1": needs}) == []


def test_a_pin_that_nothing_needs_is_surplus() -> None:
    assert gaps(["a"], {"a==1": "", "b==1": ""}) == ["b is locked and nothing needs it"]


def test_a_version_that_does_not_fit_is_told() -> None:
    assert gaps(["a"], {"a==1": "Requires-Dist: b<2", "b==2": ""}) == ["a needs b<2, locked is 2"]


def test_a_pinned_prerelease_may_satisfy() -> None:
    assert gaps(["a>=1"], {"a==2.0rc1": ""}) == []


def test_extras_count_only_where_they_are_asked_for() -> None:
    locked = {"a==1": 'Requires-Dist: b; extra == "fast"', "b==1": ""}

    assert gaps(["a[fast]"], locked) == []
    assert gaps(["a"], locked) == ["b is locked and nothing needs it"]


def test_an_extra_of_an_extra_and_a_circle_are_followed() -> None:
    needs = 'Requires-Dist: a[One_Two]; extra == "all"|Requires-Dist: b; extra == "one-two"'

    assert gaps(["a[all]"], {"a==1": needs, "b==1": "Requires-Dist: a"}) == []


def test_a_wheel_for_another_python_is_told() -> None:
    assert gaps(["a"], {"a==1": "Requires-Python: >=3.11.5"}) == ["a needs Python >=3.11.5, the image has 3.11.2"]


def test_what_some_requirements_alone_lead_to() -> None:
    lines = {"torch": "Requires-Dist: blas", "cuda": 'Requires-Dist: blas; extra == "all"', "blas": "", "other": ""}
    metadata = {name: parse_metadata(line.encode(), name) for name, line in lines.items()}

    assert find_reached([Requirement("torch>=1"), Requirement("gone")], metadata, TARGET) == {"torch", "blas"}
    assert find_reached([Requirement("Cuda[all]")], metadata, TARGET) == {"cuda", "blas"}
    assert find_reached([Requirement('other; sys_platform == "win32"')], metadata, TARGET) == set()
