import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from builders.images import sample_lock

from reprobuild.ground.errors import InputError
from reprobuild.image.archive import Archive, describe_archive
from reprobuild.image.model import Image
from reprobuild.steps.image.image import build_image
from reprobuild.tools.progress import Silent
from reprobuild.tools.store import Store


def make(folder: Path) -> tuple[Image, Store]:
    store = Store(folder / "store")
    return build_image(sample_lock(store), store, Silent()), store


def members(archive: Archive) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive.chunks()))) as tar:
        return {member.name: stream.read() for member in tar if (stream := tar.extractfile(member))}


def test_it_is_an_oci_layout_and_a_docker_archive_of_the_same_image(tmp_path: Path) -> None:
    image, store = make(tmp_path)
    archive = describe_archive(image, store.blob)
    found = members(archive)
    blobs = {name: data for name, data in found.items() if name.startswith("blobs/")}
    index, (docker,) = json.loads(found["index.json"]), json.loads(found["manifest.json"])
    manifest = json.loads(blobs[f"blobs/sha256/{archive.manifest}"])
    diff_ids = [f"sha256:{layer.diff_id}" for layer in image.layers]

    assert all(name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for name, data in blobs.items())
    assert [item["digest"] for item in index["manifests"]] == [f"sha256:{archive.manifest}"]
    assert manifest["config"]["digest"] == f"sha256:{image.image_id}"
    assert [layer["digest"] for layer in manifest["layers"]] == diff_ids
    assert docker["Config"] == f"blobs/sha256/{image.image_id}"
    assert [f"sha256:{name.rpartition('/')[2]}" for name in docker["Layers"]] == diff_ids
    assert archive.size == sum(layer.unpacked_size for layer in image.layers)


def test_no_layer_has_a_path_twice(tmp_path: Path) -> None:
    """tar-split, with which Docker and Podman take layers apart, refuses such a layer."""
    image, store = make(tmp_path)
    found = members(describe_archive(image, store.blob))

    assert max(len(layer.holds) for layer in image.layers) > 1
    for layer in image.layers:
        with tarfile.open(fileobj=io.BytesIO(found[f"blobs/sha256/{layer.diff_id}"])) as tar:
            names = [os.path.normpath(name) for name in tar.getnames()]
        assert len(names) == len(set(names))


def test_the_same_image_makes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = []
    for name, zone in (("one", "UTC"), ("two", "Pacific/Chatham")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.chdir(tmp_path)
        image, store = make(tmp_path / name)
        streams.append(b"".join(describe_archive(image, store.blob).chunks()))

    assert streams[0] == streams[1]


@pytest.mark.parametrize("change", [512, -512])
def test_a_layer_of_another_size_is_not_sent_to_its_end(tmp_path: Path, change: int) -> None:
    image, store = make(tmp_path)
    first = image.layers[0].model_copy(update={"unpacked_size": image.layers[0].unpacked_size + change})
    archive = describe_archive(image.model_copy(update={"layers": (first, *image.layers[1:])}), store.blob)

    with pytest.raises(InputError, match="it does not unpack to"):
        b"".join(archive.chunks())
