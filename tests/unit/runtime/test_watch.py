"""Operations of a PyTorch that small objects play: what is seen, and what must not reach the training."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from reprobuild_inside.found import FOUND
from reprobuild_inside.watch import Watch


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """What is told of the process of the tests."""
    FOUND["problems"].clear()
    yield FOUND["problems"]
    FOUND["problems"].clear()


class Shapeless:
    """A parameter that is to get its shape with the first batch."""

    def numel(self) -> int:
        raise ValueError("no shape yet")


class Optimiser:
    """One as scripts make them."""

    param_groups = ({"params": [Shapeless()]},)


class Mode:
    """A mode that cannot be entered or left."""

    def __enter__(self) -> None:
        raise RuntimeError("no mode today")


class Tensor:
    """One on a GPU; it fails when somebody waits for its numbers while a graph is captured."""

    def __init__(self, torch: "Torch", device: str = "cuda") -> None:
        self.torch, self.device = torch, SimpleNamespace(type=device)
        self.dtype, self.layout, self.shape, self.is_quantized = "torch.float32", "strided", (2,), False

    def __torch_dispatch__(self) -> None:
        """Of PyTorch's own."""

    def stride(self) -> tuple[int, ...]:
        return (1,)

    def numel(self) -> int:
        return 2

    def detach(self) -> "Tensor":
        return self

    def is_complex(self) -> bool:
        return False

    def is_floating_point(self) -> bool:
        return True

    def aminmax(self) -> list[SimpleNamespace]:
        assert not self.torch.capturing, "the capture is over"
        return [SimpleNamespace(item=lambda: 2.0**21)] * 2


class Torch:
    """As much of PyTorch as one operation asks for."""

    Tensor, strided = Tensor, "strided"

    def __init__(self, capturing: bool) -> None:
        self.capturing = capturing
        self.cuda = SimpleNamespace(is_current_stream_capturing=lambda: self.capturing)
        self._C = SimpleNamespace(_current_graph_task_id=lambda: -1)

        self.bool = "torch.bool"

    def is_grad_enabled(self) -> bool:
        return True


class Operation:
    """One that computes."""

    namespace = "aten"
    _schema = SimpleNamespace(name="aten::exp", overload_name="", returns=[SimpleNamespace(alias_info=None)])


def test_no_number_is_looked_at_while_a_graph_of_the_gpu_is_captured(problems: list[str]) -> None:
    watch = Watch()
    watch.torch, watch.recording = Torch(capturing=True), True

    operation = Operation()
    for capturing in (True, True, False, False):
        watch.torch.capturing = capturing
        watch.note(operation, (Tensor(watch.torch),), {})

    told = watch.told(ended=True)
    assert told["gaps"] == ["ranges of numbers while a graph was captured"]
    assert [call["calls"] for call in told["seen"]] == [4]
    assert told["seen"][0]["inputs"][0]["exponent"] == 22  # of the fourth
    assert (watch.recording, problems) == (True, [])


def test_a_capture_is_asked_for_only_where_there_are_tensors_on_a_gpu(problems: list[str]) -> None:
    watch = Watch()
    watch.torch, watch.recording = Torch(capturing=True), True
    watch.torch.cuda = None

    with pytest.raises(AssertionError, match="the capture is over"):
        watch.note(Operation(), (Tensor(watch.torch, "cpu"),), {})


def test_an_optimiser_that_cannot_be_looked_at_makes_its_step(problems: list[str]) -> None:
    watch = Watch()

    watch.before_step(Optimiser())
    watch.before_step([])  # it can be neither hashed nor referred to weakly

    assert problems[0] == "signatures: ValueError: no shape yet"
    assert len(problems) == 2


def test_a_step_ends_where_watching_cannot_go_on_and_the_rest_is_a_gap(problems: list[str]) -> None:
    watch = Watch()
    watch.mode = Mode()

    watch.after_step()

    assert watch.steps == 1
    assert (watch.recording, watch.told(ended=True)["complete"], watch.missed) == (False, False, 2)
    assert len(problems) == 1
