"""What an engine tells of an image that it holds, against the image that it was sent."""

from collections.abc import Mapping
from typing import Any

from reprobuild.ground.digests import short
from reprobuild.image.archive import Archive


def find_strange(told: Mapping[str, Any], sent: Archive) -> str:
    """What of an inspected image is not ours, in a few words; "" when all of it is.

    Its ID must be the digest of our config, or of the manifest that was sent where images are kept in containerd's
    store; its layers and configuration must be ours (Docker Engine API 1.41, ImageInspect).
    """
    image_id = told.get("Id")
    if image_id not in names_of(sent):
        return f"it calls the image {short(str(image_id))}: neither its ID nor the digest of its manifest"
    layers = (told.get("RootFS") or {}).get("Layers")
    if layers != [f"sha256:{layer.diff_id}" for layer in sent.image.layers]:
        return "its layers are not those of the image"
    for key, fact in (("Architecture", "architecture"), ("Os", "os")):
        if told.get(key) != sent.config[fact]:
            return f"it tells {fact} {told.get(key)}, not {sent.config[fact]}"
    ours, theirs = _set(sent.config.get("config")), _set(told.get("Config"))
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            return f"its {key} is not that of the image"
    return ""


def names_of(sent: Archive) -> tuple[str, str]:
    """What an engine may call the image."""
    return f"sha256:{sent.image.image_id}", f"sha256:{sent.manifest}"


def _set(table: Any) -> dict[str, Any]:
    """What is set: engines tell of all that they know, empty where the image says nothing."""
    return {key: value for key, value in (table or {}).items() if value}
