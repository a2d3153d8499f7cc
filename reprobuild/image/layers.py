"""Which artifacts share a layer: a rule that depends on nothing but the lock."""

from collections.abc import Sequence

from reprobuild.image.model import MAX_LAYERS
from reprobuild.lock.artifact import Artifact

OWN_LAYER = 2_000_000
"""Bytes of an artifact from which on it has a layer of its own: below, a layer costs an engine more than it saves."""


def plan_layers(artifacts: Sequence[Artifact]) -> list[list[Artifact]]:
    """The artifacts of every layer but the last, which is made from the whole image: Debian's, conda's, wheels.

    The layers of a base that is an image come first, each alone and in their own order.
    """
    base = sorted(
        (artifact for artifact in artifacts if artifact.kind == "oci-layer"),
        key=lambda layer: (len(layer.version), layer.version),
    )
    artifacts = [artifact for artifact in artifacts if artifact.kind != "oci-layer"]
    ordered = sorted(artifacts, key=lambda artifact: (artifact.kind, artifact.name, artifact.sha256))
    # Two shared layers and the made one are always there, conda's sometimes; so this many are left.
    shared_layers = 4 if any(artifact.kind == "conda" for artifact in ordered) else 3
    left = MAX_LAYERS - shared_layers - (len(base) + 1 if base else 0)  # one removes what wheels replace
    largest = sorted(ordered, key=lambda artifact: (-artifact.size, artifact.name))[:left]
    alone = {artifact.sha256 for artifact in largest if artifact.size >= OWN_LAYER}
    layers = [[layer] for layer in base]
    for kind in ("deb", "conda", "wheel"):
        own = [artifact for artifact in ordered if artifact.kind == kind]
        shared = [artifact for artifact in own if artifact.sha256 not in alone]
        layers += [shared] if shared else []
        layers += [[artifact] for artifact in own if artifact.sha256 in alone]
    return layers
