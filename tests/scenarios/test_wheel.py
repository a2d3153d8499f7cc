"""Our own wheel, installed elsewhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_works_elsewhere_and_brings_its_bases(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    site = tmp_path / "site"
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True, capture_output=True)
    code = (
        "from reprobuild.guide.template import own_template; from reprobuild.guide.page import render_page\n"
        "assert own_template() and render_page('# Guide', 'guide')\n"
        "import reprobuild, sys; from pathlib import Path; from reprobuild.lock.bases import read_base\n"
        "for name in ('cuda12-debian12-python311', 'debian13-python313'): read_base(name, Path())\n"
        "print(reprobuild.__file__)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    help_text = subprocess.run(
        [str(site / "bin" / "reprobuild"), "--help"], env=environment, check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == str(site / "reprobuild" / "__init__.py")
    assert "lock → image → run" in help_text.stdout
    assert {"reprobuild/images/debian12-python311.toml", "reprobuild/lock/cuda_drivers.toml"} <= set(names)
    assert "reprobuild/hardware/rules.toml" in names
    assert "reprobuild/kb/templates/ml/training_reproducibility.md.tmpl" in names
    assert "reprobuild/kb/templates/ml/training_reproducibility.html.tmpl" in names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
