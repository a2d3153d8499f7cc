"""Images that the store has: found by their ID, or by what they are made from."""

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.image.model import NOTE_VERSION, TRANSFORM_VERSION, Image
from reprobuild.lock.index import LockIndex
from reprobuild.tools.store import Store


def build_key(index: LockIndex) -> str:
    """What an image depends on, as one digest: not the inputs and the data of its lock."""
    parts = [TRANSFORM_VERSION, NOTE_VERSION, index.base.model_dump(mode="json")]
    artifacts = sorted(
        (artifact.model_dump(mode="json") for artifact in index.artifacts),
        key=lambda artifact: (str(artifact["sha256"]), str(artifact["version"])),  # a base may have one layer twice
    )
    return sha256_bytes(canonical_json([*parts, artifacts]))


def keep_image(image: Image, store: Store) -> None:
    """Remember an image by its ID."""
    store.replace("images", image.image_id, image.to_bytes())


def find_image(image_id: str, store: Store) -> Image | None:
    """The image of that ID, when all of its blobs are in the store."""
    path = store.path("images", image_id)
    if not path.is_file():
        return None
    image = Image.from_bytes(path.read_bytes(), str(path))
    blobs = [image.image_id, image.manifest, *(layer.sha256 for layer in image.layers)]
    return image if all(map(store.has, blobs)) else None


def find_build(index: LockIndex, store: Store) -> Image | None:
    """The image of a lock that was built before, when all of its blobs are in the store."""
    path = store.path("builds", build_key(index))
    return find_image(path.read_text(), store) if path.is_file() else None
