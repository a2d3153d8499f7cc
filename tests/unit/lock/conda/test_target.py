import pytest
from builders.images import image_base

from reprobuild.ground.errors import InputError
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.conda.target import has_conda_python, virtual_packages, with_conda


def test_virtual_packages_are_those_of_the_image() -> None:
    packages = virtual_packages("amd64", (2, 36))

    assert packages == {"__archspec": "1 x86_64", "__glibc": "2.36", "__linux": "5.10", "__unix": "0"}
    assert virtual_packages("amd64", (2, 36), "12.0") == {**packages, "__cuda": "12.0"}


def test_python_is_condas_when_the_environment_has_one() -> None:
    base = with_conda(image_base(), "3.12.4")

    assert has_conda_python(base.python)
    assert base.python.executable == "/opt/conda/bin/python3.12"
    assert base.python.site == "/opt/conda/lib/python3.12/site-packages"
    assert base.environment["PATH"] == "/opt/conda/bin:/usr/local/bin:/usr/bin:/bin"
    assert base.environment["CONDA_PREFIX"] == "/opt/conda"


def test_a_free_threaded_python_has_its_own_site_folder() -> None:
    assert with_conda(image_base(), "3.13.1", "lib/python3.13t/site-packages").python.site.endswith(
        "/lib/python3.13t/site-packages"
    )


def test_an_environment_without_python_leaves_the_distributions() -> None:
    base = with_conda(image_base(), "")

    assert base.python == image_base().python
    assert base.environment["PATH"].startswith("/opt/conda/bin:")


@pytest.mark.parametrize(("version", "site"), [("2.7.18", ""), ("3", ""), ("3.11.2", "../../etc"), ("x\n3.1.1", "")])
def test_what_is_no_python_is_refused(version: str, site: str) -> None:
    with pytest.raises(InputError, match=r"^python "):
        with_conda(image_base(), version, site)


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "../x-1-0.conda"},
        {"path": "osx-64/x-1-0.conda"},
        {"path": "noarch/y-1-0.conda"},
        {"path": "noarch/x-1-0.exe", "filename": "x-1-0.exe"},
        {"source": "../elsewhere"},
        {"source": "http://channel.example"},
        {"source": ""},
    ],
)
def test_a_strangers_lock_names_no_strange_places(changes: dict[str, str]) -> None:
    good = {
        "kind": "conda",
        "name": "x",
        "version": "1",
        "filename": "x-1-0.conda",
        "size": 1,
        "sha256": "0" * 64,
        "source": "conda-forge",
        "path": "noarch/x-1-0.conda",
    }

    assert Artifact.model_validate(good)
    with pytest.raises(ValueError, match="not a package of a conda channel"):
        Artifact.model_validate(good | changes)
