from pathlib import Path

import pytest
from builders.conda import conda_artifact, make_conda
from builders.images import image_base, image_lock, wheel_artifact
from builders.wheels import make_wheel

from reprobuild.ground.errors import InputError
from reprobuild.image.layers import plan_layers
from reprobuild.image.model import MAX_LAYERS
from reprobuild.image.note import Note
from reprobuild.image.owners import require_one_owner
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.conda.target import with_conda
from reprobuild.steps.image.image import build_image
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store


def artifact_of(kind: str, name: str, size: int = 1) -> Artifact:
    """Enough of an artifact; its digest is its name."""
    about = {"version": "1.0", "filename": name, "source": "", "path": "", "sha256": name}
    return Artifact.model_construct(None, **{"kind": kind, "name": name, "size": size, **about})  # type: ignore[arg-type]


def owner(name: str, *paths: str, kind: str = "conda") -> tuple[Artifact, Note]:
    return artifact_of(kind, name), Note(paths=dict.fromkeys(paths, "file"), sonames={}, texts={}, scripts={})


def test_both_owners_of_a_path_are_named() -> None:
    one, other = owner("one", "opt/conda/lib/x", "opt/conda/lib/y"), owner("other", "opt/conda/lib/x")

    with pytest.raises(InputError) as caught:
        require_one_owner([one, other])
    assert str(caught.value) == "/opt/conda/lib/x: it belongs to two packages: one 1.0 (conda) and other 1.0 (conda)"
    assert "environment.yml" in caught.value.hint


def test_a_file_where_another_package_has_a_folder_is_a_conflict_too() -> None:
    with pytest.raises(InputError, match=r"^/opt/conda/lib/x: .* one 1\.0 \(conda\) and other 1\.0 \(wheel\)$"):
        require_one_owner([owner("one", "opt/conda/lib/x"), owner("other", "opt/conda/lib/x/y", kind="wheel")])


def test_folders_are_shared_and_wheels_alone_may_share_files() -> None:
    require_one_owner([owner("one", "opt/conda/lib/x"), owner("other", "opt/conda/lib/y")])
    wheels = [owner(name, "opt/conda/lib/python3.11/site-packages/a.py", kind="wheel") for name in ("one", "other")]
    require_one_owner(wheels)
    require_one_owner([owner("one", "usr/lib/x", kind="deb"), owner("other", "usr/lib/x", kind="deb")])


def test_a_wheel_over_a_conda_package_makes_no_image(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    base = with_conda(image_base(), "3.11.2")
    site = "lib/python3.11/site-packages"
    artifacts = [
        conda_artifact(store, make_conda("numpy", "2.0", {f"{site}/numpy/__init__.py": "conda = 1\n"})),
        wheel_artifact(store, "numpy", make_wheel("numpy", "1.0", {"numpy/__init__.py": "wheel = 1\n"})),
    ]

    with pytest.raises(InputError, match=r"numpy 2\.0 \(conda\) and numpy 1\.0 \(wheel\)$"):
        build_image(image_lock(artifacts, base), store, Silent())
    assert not (store.root / "images").exists()


def test_layers_of_conda_packages_lie_between_debian_s_and_wheels(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    conda = [conda_artifact(store, make_conda(f"p{number}")) for number in range(3)]
    wheel = wheel_artifact(store, "w", make_wheel("w", "1.0"))
    layers = plan_layers([wheel, conda[2], conda[0].model_copy(update={"size": 3_000_000}), conda[1]])

    assert [[item.name for item in layer] for layer in layers] == [["p1", "p2"], ["p0"], ["w"]]


def test_many_large_packages_of_three_kinds_fit_into_a_hundred_layers() -> None:
    kinds = ("deb", "conda", "wheel")
    small = [artifact_of(kind, f"small-{kind}") for kind in kinds]
    large = [artifact_of(kind, f"{kind}{number}", 2_000_000 + number) for number in range(50) for kind in kinds]

    assert len(plan_layers([*small, *large])) + 1 <= MAX_LAYERS
