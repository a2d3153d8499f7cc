import random

from hypothesis import given
from hypothesis import strategies as st

from reprobuild.image.layers import OWN_LAYER, plan_layers
from reprobuild.image.model import MAX_LAYERS
from reprobuild.lock.artifact import Artifact


def artifact(number: int, size: int) -> Artifact:
    return Artifact(
        kind="deb" if number % 3 else "wheel",
        name=f"p{number}",
        version="1",
        filename=f"p{number}",
        size=size,
        sha256=f"{number:064x}",
        source="s",
    )


@given(st.lists(st.sampled_from([10, OWN_LAYER - 1, OWN_LAYER, OWN_LAYER * 10]), max_size=400), st.randoms())
def test_every_artifact_is_in_one_layer_and_a_hundred_are_never_passed(sizes: list[int], chance: random.Random) -> None:
    artifacts = [artifact(number, size) for number, size in enumerate(sizes)]
    layers = plan_layers(artifacts)
    chance.shuffle(artifacts)

    assert sorted(item.name for layer in layers for item in layer) == sorted(item.name for item in artifacts)
    assert len(layers) + 1 <= MAX_LAYERS  # the made one comes last
    assert plan_layers(artifacts) == layers  # whatever the order of the lock


def test_layers_of_an_image_come_first_in_their_own_order_and_are_never_joined() -> None:
    base = [
        artifact(number, 10).model_copy(update={"kind": "oci-layer", "version": str(number + 1)})
        for number in (0, 9, 1, 10, 3)
    ]
    twice = base[0].model_copy(update={"version": "12"})
    large = [artifact(number, OWN_LAYER) for number in range(100, 300)]
    layers = plan_layers([*large, twice, *base])

    assert [[item.version for item in layer] for layer in layers[:6]] == [["1"], ["2"], ["4"], ["10"], ["11"], ["12"]]
    assert len(layers) + 1 <= MAX_LAYERS


def test_a_large_artifact_has_a_layer_of_its_own_so_that_images_share_it() -> None:
    small, large = artifact(1, 10), artifact(2, OWN_LAYER)

    assert plan_layers([large, small]) == [[small], [large]]
