from typing import Any

import pytest
import yaml

from reprobuild.ground.errors import InputError
from reprobuild.lock.conda.lockfile import CondaLockFile, Place

PLACES = [
    Place("team", "http://mirror.example/conda/team", "https://public.example/team"),
    Place("team/label/dev", "http://mirror.example/conda/team/label/dev", "https://public.example/team/label/dev"),
]


def package(**changes: Any) -> dict[str, Any]:
    return {
        "name": "one",
        "version": "1.0",
        "manager": "conda",
        "platform": "linux-64",
        "dependencies": {"two": ">=1"},
        "url": "http://mirror.example/conda/team/linux-64/one-1.0-h1_0.conda",
        "hash": {"md5": "0" * 32, "sha256": "1" * 64},
        "category": "main",
        "optional": False,
        **changes,
    }


def text(*packages: object, **changes: object) -> bytes:
    table = {"version": 1, "metadata": {"channels": []}, "package": list(packages), **changes}
    return b"# made by conda-lock\n# second line\n" + yaml.dump(table, sort_keys=False).encode()


def test_packages_are_located_in_their_channels() -> None:
    dev = "http://mirror.example/conda/team/label/dev/noarch/two-2-0.tar.bz2"
    lock = CondaLockFile(text(package(), package(name="two", url=dev)), "conda-lock.yml", PLACES)

    assert [(item.name, item.channel, item.path) for item in lock.packages] == [
        ("one", "team", "linux-64/one-1.0-h1_0.conda"),
        ("two", "team/label/dev", "noarch/two-2-0.tar.bz2"),
    ]


def test_the_file_is_written_with_public_places_and_a_sha256_for_everything() -> None:
    lock = CondaLockFile(text(package(hash={"md5": "0" * 32, "sha256": None})), "conda-lock.yml", PLACES)
    rendered = lock.render({"one": "2" * 64})
    expected = package(
        url="https://public.example/team/linux-64/one-1.0-h1_0.conda", hash={"md5": "0" * 32, "sha256": "2" * 64}
    )

    assert rendered.startswith("# made by conda-lock\n# second line\nversion: 1\n")
    assert yaml.safe_load(rendered)["package"] == [expected]
    assert "mirror" not in rendered
    assert lock.render({"one": "2" * 64}) == rendered


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (text(package(url="http://elsewhere.example/team/linux-64/one-1.0-h1_0.conda")), "none of the environment's"),
        (text(package(url="http://mirror.example/conda/team/osx-64/one-1.0-h1_0.conda")), "none of the environment's"),
        (text(package(url="http://mirror.example/conda/team/linux-64/../x.conda")), "none of the environment's"),
        (text(package(url="http://mirror.example/conda/team/linux-64/x.conda?y")), "none of the environment's"),
        (text(package(manager="pip")), "not a conda package for linux-64"),
        (text(package(platform="osx-64")), "not a conda package for linux-64"),
        (text(package(hash={"sha256": "zz"})), "is no sha256"),
        (text(package(version=1.0)), "no name, version or url"),
        (text(package(), package()), "one is in it twice"),
        (text("one"), "package: not a mapping"),
        (text(version=9), "not format 1"),
        (text(package=None), "not format 1"),
        (b"- a", "not a mapping"),
        (b"a: [", "not YAML"),
    ],
)
def test_a_file_that_is_not_conda_locks_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CondaLockFile(data, "conda-lock.yml", PLACES)
