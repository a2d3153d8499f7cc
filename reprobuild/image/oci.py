"""OCI image configuration and manifest (OCI Image Format Specification 1.1, config.md and manifest.md)."""

from collections.abc import Sequence
from typing import Final

from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.errors import InputError
from reprobuild.image.model import MEDIA_TYPES, Compression, Layer
from reprobuild.lock.base import Base

CREATED = "1980-01-01T00:00:00Z"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"


def render_config(base: Base, layers: Sequence[Layer]) -> bytes:
    """The configuration, whose digest is the image ID: it names layers by their `diff_id` alone."""
    return canonical_json(
        {
            "architecture": base.architecture,
            "config": {
                "Cmd": [base.python.executable],
                "Env": [f"{name}={value}" for name, value in sorted(base.environment.items())],
                "WorkingDir": "/",
            },
            "created": CREATED,
            "history": [
                {"created": CREATED, "created_by": "reprobuild: " + ", ".join(layer.holds)} for layer in layers
            ],
            "os": "linux",
            "rootfs": {"diff_ids": [f"sha256:{layer.diff_id}" for layer in layers], "type": "layers"},
        }
    )


def render_manifest(config: tuple[str, int], layers: Sequence[tuple[str, int]], compression: Compression) -> bytes:
    """The manifest; `config` and `layers` are digests with sizes in bytes."""
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": f"sha256:{config[0]}", "size": config[1]},
            "layers": [
                {"mediaType": MEDIA_TYPES[compression], "digest": f"sha256:{sha256}", "size": size}
                for sha256, size in layers
            ],
        }
    )


def read_layer_type(manifest: bytes) -> str:
    """The media type that all layers of a manifest have."""
    types = {layer["mediaType"] for layer in parse_json(manifest, "image manifest")["layers"]}
    if len(types) != 1 or not types <= set(MEDIA_TYPES.values()):
        raise InputError(f"image manifest: layers of {sorted(types)}")
    return str(types.pop())
