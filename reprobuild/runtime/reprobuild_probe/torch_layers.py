"""Layers of networks in PyTorch, forward and backward."""

from typing import Any, Callable, Dict, Tuple

from .battery import Row
from .of_torch import FLOATS, Context

Shape = Tuple[int, ...]
SINGLE = ("f32",)
TRAINED = ("f32", "bf16")


def _linear(t: Context, dtype: str, shape: Shape) -> Any:
    batch, features, units = shape
    leaves = t.leaves(dtype, (batch, features), (units, features), (units,))
    return t.backward(t.nn.linear(*leaves), dtype, leaves)


def _convolution(dimensions: int, **options: Any) -> Callable[..., Any]:
    """Of a batch with channels into twice as many, with a kernel of three, and all gradients."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        channels = shape[1] // options.get("groups", 1) if options.get("groups") != "each" else 1
        given = {**options, "groups": shape[1]} if options.get("groups") == "each" else options
        leaves = t.leaves(dtype, shape, (2 * shape[1], channels, *(3,) * dimensions), (2 * shape[1],))
        return t.backward(getattr(t.nn, "conv%dd" % dimensions)(*leaves, **given), dtype, leaves)

    return run


def _pointwise(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, (8, shape[1], 1, 1))
    return t.backward(t.nn.conv2d(*leaves), dtype, leaves)


def _forward(t: Context, dtype: str, shape: Shape) -> Any:
    """Inference takes another path through oneDNN than training."""
    with t.torch.no_grad():
        return t.nn.conv2d(t.make(dtype, shape), t.make(dtype, (8, shape[1], 3, 3), salt=2), padding=1)


def _channels_last(t: Context, dtype: str, shape: Shape) -> Any:
    kind = t.torch.channels_last
    leaves = [
        leaf.detach().contiguous(memory_format=kind).requires_grad_()
        for leaf in t.leaves(dtype, shape, (8, shape[1], 3, 3))
    ]
    return t.backward(t.nn.conv2d(*leaves), dtype, leaves)


def _transposed(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, (shape[1], 4, 3, 3), (4,))
    return t.backward(t.nn.conv_transpose2d(*leaves, stride=2), dtype, leaves)


def _one_input(name: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        [leaf] = t.leaves(dtype, shape)
        return t.backward(getattr(t.nn, name)(leaf, *arguments, **options), dtype, [leaf])

    return run


def _layer_norm(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, shape[-1:], shape[-1:])
    return t.backward(t.nn.layer_norm(leaves[0], shape[-1:], *leaves[1:]), dtype, leaves)


def _batch_norm(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, shape[1:2], shape[1:2])
    mean, variance = t.make(dtype, shape[1:2], salt=5), t.make(dtype, shape[1:2], salt=6, positive=True)
    result = t.nn.batch_norm(leaves[0], mean, variance, *leaves[1:], training=True)
    return [*t.backward(result, dtype, leaves), mean, variance]


def _group_norm(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, shape[1:2], shape[1:2])
    return t.backward(t.nn.group_norm(leaves[0], 2, *leaves[1:]), dtype, leaves)


def _embedding(name: str, **options: Any) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        [leaf] = t.leaves(dtype, (61, 17))
        function = getattr(t.nn, name)
        return t.backward(function(t.make("i64", shape, salt=5, high=61), leaf, **options), dtype, [leaf])

    return run


def _cross_entropy(t: Context, dtype: str, shape: Shape) -> Any:
    [leaf] = t.leaves(dtype, shape, exponent=2)
    loss = t.nn.cross_entropy(leaf, t.make("i64", shape[:1], salt=5, high=shape[1]), label_smoothing=0.125)
    return [loss, *t.torch.autograd.grad(loss, [leaf])]


def _loss(name: str, positive: bool = False) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        [leaf] = t.leaves(dtype, shape)
        loss = getattr(t.nn, name)(leaf, t.make(dtype, shape, salt=3, positive=positive))
        return [loss, *t.torch.autograd.grad(loss, [leaf])]

    return run


def _attention(**options: Any) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        leaves = t.leaves(dtype, shape, shape, shape)
        return t.backward(t.nn.scaled_dot_product_attention(*leaves, **options), dtype, leaves)

    return run


def _plain_attention(t: Context, dtype: str, shape: Shape) -> Any:
    query, key, value = leaves = t.leaves(dtype, shape, shape, shape)
    scores = t.torch.softmax(query @ key.transpose(-1, -2) * 0.125, dim=-1)
    return t.backward(scores @ value, dtype, leaves)


def filled(t: Context, module: Any, dtype: str) -> Any:
    """A module whose parameters are made from integers, each of other ones, an eighth in size."""
    with t.torch.no_grad():
        for salt, parameter in enumerate(module.parameters(), 20):
            parameter.copy_(t.make(dtype, tuple(parameter.shape), salt=salt, exponent=-3))
    return module


def _module(make: Callable[..., Any]) -> Callable[..., Any]:
    """A module on a sequence, with the gradients of everything."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        kind: Dict[str, Any] = {"dtype": t.make(dtype, (1,)).dtype, "device": t.device}
        module = filled(t, make(t.torch.nn, shape[-1], kind), dtype)
        [leaf] = t.leaves(dtype, shape)
        result = module(leaf)
        while isinstance(result, tuple):
            result = result[0]
        return t.backward(result, dtype, [leaf, *module.parameters()])

    return run


def _recurrent(name: str, **options: Any) -> Callable[..., Any]:
    return _module(lambda nn, size, kind: getattr(nn, name)(size, 2 * size, batch_first=True, **options, **kind))


def _encoder(nn: Any, size: int, kind: Dict[str, Any]) -> Any:
    return nn.TransformerEncoderLayer(size, 2, 3 * size, dropout=0.0, batch_first=True, **kind)


def _dropout(t: Context, dtype: str, shape: Shape) -> Any:
    t.torch.manual_seed(7)
    return t.nn.dropout(t.make(dtype, shape), 0.3)


def _heads(nn: Any, size: int, kind: Dict[str, Any]) -> Any:
    return _Itself(nn.MultiheadAttention(size, 2, batch_first=True, **kind))


PLANES = [(2, 3, 8, 8), (4, 8, 16, 16)]
HEADS = [(2, 2, 9, 8), (2, 4, 33, 16)]
SEQUENCES = [(2, 5, 8), (4, 12, 16)]
ROWS = [
    Row("linear", _linear, (*FLOATS, "bf16"), [(3, 5, 7), (32, 64, 10), (64, 256, 128)]),
    Row("conv1d", _convolution(1), SINGLE, [(2, 3, 20), (4, 8, 64)]),
    Row("conv2d", _convolution(2), (*FLOATS, "bf16"), [*PLANES, (8, 1, 28, 28)]),
    Row("conv2d.padded", _convolution(2, padding=1, stride=2), SINGLE, PLANES),
    Row("conv2d.dilated", _convolution(2, dilation=2), SINGLE, PLANES),
    Row("conv2d.depthwise", _convolution(2, groups="each"), SINGLE, PLANES),
    Row("conv2d.1x1", _pointwise, SINGLE, PLANES),
    Row("conv2d.forward", _forward, TRAINED, PLANES),
    Row("conv2d.channels_last", _channels_last, SINGLE, PLANES),
    Row("conv3d", _convolution(3), SINGLE, [(1, 2, 6, 6, 6)]),
    Row("conv_transpose2d", _transposed, SINGLE, PLANES),
    Row("max_pool2d", _one_input("max_pool2d", 2), TRAINED, PLANES),
    Row("avg_pool2d", _one_input("avg_pool2d", 3, 2), TRAINED, PLANES),
    Row("adaptive_avg_pool2d", _one_input("adaptive_avg_pool2d", 3), SINGLE, PLANES),
    Row("interpolate.bilinear", _one_input("interpolate", scale_factor=2.0, mode="bilinear"), SINGLE, PLANES),
    Row("interpolate.bicubic", _one_input("interpolate", scale_factor=1.5, mode="bicubic"), SINGLE, PLANES),
    Row("layer_norm", _layer_norm, TRAINED, [(4, 33), (8, 16, 64), (32, 256)]),
    Row("batch_norm", _batch_norm, SINGLE, [(16, 33), *PLANES]),
    Row("group_norm", _group_norm, SINGLE, [(2, 4, 8, 8), (4, 8, 16, 16)]),
    Row("normalize", _one_input("normalize", dim=-1), SINGLE, [(4, 33), (32, 256)]),
    Row("embedding", _embedding("embedding"), TRAINED, [(7,), (16, 20), (64, 33)]),
    Row("embedding_bag", _embedding("embedding_bag", mode="mean"), SINGLE, [(16, 20)]),
    Row("cross_entropy", _cross_entropy, (*FLOATS, "bf16"), [(5, 3), (64, 10), (33, 500)]),
    *(Row(name, _loss(name), SINGLE, [(5, 3), (64, 33)]) for name in ("mse_loss", "l1_loss", "smooth_l1_loss")),
    Row("binary_cross_entropy", _loss("binary_cross_entropy_with_logits", True), SINGLE, [(5, 3), (64, 33)]),
    Row("kl_div", _loss("kl_div", True), SINGLE, [(5, 3), (64, 33)]),
    Row("attention", _attention(), TRAINED, HEADS),
    Row("attention.causal", _attention(is_causal=True), SINGLE, HEADS),
    Row("attention.plain", _plain_attention, TRAINED, HEADS),
    Row("multihead_attention", _module(_heads), SINGLE, SEQUENCES),
    Row("transformer", _module(_encoder), SINGLE, SEQUENCES),
    Row("lstm", _recurrent("LSTM"), SINGLE, SEQUENCES),
    Row("lstm.deep", _recurrent("LSTM", num_layers=2, bidirectional=True), SINGLE, SEQUENCES),
    Row("gru", _recurrent("GRU"), SINGLE, SEQUENCES),
    Row("rnn", _recurrent("RNN"), SINGLE, SEQUENCES),
    Row("dropout", _dropout, TRAINED, [(33,), (64, 100)]),
]  # fmt: skip


class _Itself:
    """A sequence's attention to itself."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def parameters(self) -> Any:
        return self.module.parameters()

    def __call__(self, sequence: Any) -> Any:
        return self.module(sequence, sequence, sequence, need_weights=False)
