import sys
from pathlib import Path

from builders.images import image_base, wheel_artifact
from builders.wheels import make_wheel

from reprobuild.tools.store import Store

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.layers import measure_layers


def test_the_same_files_are_measured_as_wheels_and_as_conda_packages(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    wheel = wheel_artifact(store, "pkg", make_wheel("pkg", "1.0", {"pkg/__init__.py": "x = 1\n" * 1000}))
    found = measure_layers([(wheel, store.blob(wheel.sha256))], image_base(), 2, tmp_path / "conda")

    assert len(found.conda) == len(found.wheels) == 2
    assert all(speed > 0 for speed in (*found.conda, *found.wheels))
    assert str(found).startswith("conda packages ")
    assert (tmp_path / "conda" / "pkg-1.0-0.conda").is_file()
