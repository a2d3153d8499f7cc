"""Bundles in other people's tools: each reads the image, and finds the ID that ours has."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders.bundles import ScriptedEngine, make_test_bundle
from builders.dockerd import running_dockerd

from reprobuild.bundle.read import read_front, verify_bundle
from reprobuild.steps.bundle import make_bundle
from reprobuild.tools.store import Store

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def zstd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def train(_work: Path, _environment: Mapping[str, str]) -> int:
        return 0

    return make_test_bundle(tmp_path_factory.mktemp("bundle"), ScriptedEngine(train))


@pytest.fixture(scope="module")
def gzip(zstd: Path) -> Path:
    target = zstd.with_name("gzip.tar")
    run = zstd.parent / "project" / ".reprobuild" / "runs" / "0001"
    make_bundle(run, Store(zstd.parent / "store"), target, "gzip")
    return target


def image_id(bundle: Path) -> str:
    return read_front(bundle, bundle.name).image.image_id


def run(folder: Path, *argv: str) -> str:
    """What a tool prints; its state and its settings are below `folder`."""
    environment = {
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "TMPDIR": str(folder),
    }
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


def podman(folder: Path) -> list[str]:
    """podman with a store of its own and no need of cgroups; its `--runroot` may have fifty characters at most."""
    places = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--tmpdir", str(folder / "tmp")]
    return ["podman", *places, "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_skopeo_inspects_a_bundle(request: pytest.FixtureRequest, tmp_path: Path, compression: str) -> None:
    bundle: Path = request.getfixturevalue(compression)
    shown = json.loads(run(tmp_path, "skopeo", "inspect", f"oci-archive:{bundle}"))
    config = run(tmp_path, "skopeo", "inspect", "--config", "--raw", f"oci-archive:{bundle}")

    assert shown["Architecture"] == "amd64"
    assert len(shown["Layers"]) == 1
    assert json.loads(config)["created"] == "1980-01-01T00:00:00Z"


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_podman_loads_a_bundle_with_the_same_image_id(request: pytest.FixtureRequest, compression: str) -> None:
    bundle: Path = request.getfixturevalue(compression)
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as name:
        folder = Path(name)
        run(folder, *podman(folder), "load", "--input", str(bundle))
        shown = run(folder, *podman(folder), "images", "--no-trunc", "--format", "{{.ID}}")

    assert shown.strip().removeprefix("sha256:") == image_id(bundle)


def test_umoci_unpacks_a_gzip_bundle(gzip: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    run(tmp_path, "tar", "--extract", "--file", str(gzip), "--directory", str(layout))
    run(tmp_path, "umoci", "unpack", "--image", f"{layout}:test", str(tmp_path / "bundle"))

    assert (tmp_path / "bundle" / "rootfs" / "opt" / "bin" / "python").is_symlink()


def test_docker_loads_a_gzip_bundle_with_the_same_image_id(gzip: Path, tmp_path: Path) -> None:
    with running_dockerd(tmp_path / "docker") as docker:
        loaded = docker.run("load", "--input", str(gzip))
        shown = docker.run("images", "--no-trunc", "--quiet")

    assert "Loaded image" in loaded
    assert shown.strip().removeprefix("sha256:") == image_id(gzip)


def test_gzip_changes_the_layers_and_not_the_image(zstd: Path, gzip: Path, tmp_path: Path) -> None:
    one, other = read_front(zstd, "zstd"), read_front(gzip, "gzip")
    verify_bundle(gzip, "gzip", tmp_path / "blobs")

    assert one.image.image_id == other.image.image_id
    assert one.image.manifest != other.image.manifest
    assert [layer.diff_id for layer in one.image.layers] == [layer.diff_id for layer in other.image.layers]
    assert one.documents == other.documents
