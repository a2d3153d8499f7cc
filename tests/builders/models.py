"""Trained models for tests: real ones as frameworks wrote them, and forged ones."""

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from reprobuild.ground.canonical import canonical_json

CHECKPOINT = (
    "c-n=NS##4c6ou_1-3(<f`@SYDp=r9Y7D{OW7fMwMW;Kef#2y?w$Ck^$OlEjVfq%zOLY7RJJTT-XbFc6D?mg1gw?Y?M*&5O`j"
    "ddc&gKidO)Q(&hpx`)B5HN@PQJ5HOvCCrSF8K~OP^=J?%GRi;oveOle#_$+a(EOwUe!*yA0&nyvqtI%uFYAPM6ta!Wnj2mwn"
    "l^|5tX#XFrp;Jau89zp^^qhEj{C6%qoh1r<1}khdFkvo0?fLi`&>~7EOH{<3GJ@j$ItP3HDgSa+ros6YTXwCvU`4q#E{lhFR"
    "d)F9|&yF!dfLl=>jYA%erwO6`x8BLn&=998;bx&C;jKcVy|IZhFrmfdTr`<VfC9cPvLT&_N!sV^w?MUG1ZWowsI$7vY)Vask"
    "a8lo~lnZ{*Bxsp?^W|V7+QsuZ#FlmhsP_}4{+5lt*QwmbgA=4RTMnPsd<_PAk2?+_)w%wrI@mON>m^z=BiyI1--`Q#uw)$6g"
    "Q}SnVOYn7$+k#)IDDEAOy95hq7x%0&Q6$`P>QYW|Uw&UKTOzCBK^IGMIks4wh>gQTQ%~|uSnguQ>&G=b>f*783rU(ZtddB@l"
    "rub8S@@;NpUinQXu|x*Qg&!e#ULy;usUFCQSM@Gwr}mJ>^X;L!di)AEjzkW56`osTUQnd#|FWRA2Qhdj+X?l<U2~*Gzeh*=V"
    "8<hy#6~uHGdq&X2`#EnA;!ZjT~eiZ`B>X%kS`gHpmAxh@G2gW*+8kHr=i_LjxZ<D1kbu#Q)0R<aHY&FyNZHS=a{ap-Iq6tG@"
    "yGA}px"
)
"""`data.pkl` of PyTorch 2.14: tables with a number, a state dict, a parameter, a tensor of 8-bit floats and a size."""
WHOLE = (
    "c-nQ7*>lq{5XN(qq*X&pTUwwk<%WbKwB^3f;l&IL=0z`zMzNJxQ`gE$Ycf1!1|HJmzebkRNkht$M&I|_UGJ{-yA+_(LDWo=="
    "B^6USeRxk6Tvn4oF7nV{DER0N_9G2C=^h0naHFA<pVlv@2tx;-xVmdfvG;6s?&;9dqQ?1gvu~EOHsy#FfCfCjKfh3f$Dz{6p"
    "2xq{oE!nU9Z!sO=>L3I|63%5b`Nj9KYux0YZzG*@RhIwr9{yq2^T(PJi<XUdb!(!JJq2ihD4B7z8SgMSxNzhJ4kb&?5XO10-"
    ";!;ll#Lq7O?4QFb}I56eER&?%d;CAoofQ8lvP6U{_<y)8H&)w~kI1y^SPt6p&cYlkj+9pR!68+ocr`*7KZE2*0zYo+aWHnOX"
    "IxJK79B~c0MT1gt)IvxSc2!!haW7$+tCX5lQ5V-LJZVup<4|Tfa^6_A&$F&`;7A#U~$3VlCy-nxG{M@_ayt{NI^Q2+zG>*p^"
    "xc7z5Wo}#PV}VT<c%QCLSga>8Vp)QYflY^P(e+7;$36bbuz=eggs|<v2Xyf`IO^e{vmeoo6Ya5*j~)7iE@Y@dj)H}Dsl!B1o"
    "%@U~|KpBIJ$J;5yfgb}g(qV#9rh~U*#xG{QNh=ady{W___E+_AKtlFV;9*L98+z@_g<OStfo>Ni66XD+G_p<&mk&J"
)
"""`data.pkl` of PyTorch 2.14: a whole `nn.Linear`, which only its class could build."""
ONNX = (
    "2o4eiZDC|(I*S1c5efl#3ITT#0eK<@O<{CRb!-X@3ITZ%0eT_?Qe|v)5&>r_I|u{_0}ug10e4C;000000000000000000000"
    "000000000000000000000000000000000000000S`!KZcoGf@3<v=d2nqrS0SW>L1Y#2k0eTV+3JeGV5(o+c2muNL2m?X_5F"
    "7"
)
"""A graph of onnx 1.23: one MatMul with its weight, one Relu."""


def unpacked(pickled: str) -> bytes:
    """A real `data.pkl`."""
    return zlib.decompress(base64.b85decode(pickled))


def torch_zip(pickled: str | bytes, name: str = "archive/data.pkl") -> bytes:
    """PyTorch's zip around a `data.pkl`."""
    data = unpacked(pickled) if isinstance(pickled, str) else pickled
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, data)
        archive.writestr("archive/version", "3\n")
    return made.getvalue()


def onnx_file() -> bytes:
    """The real graph."""
    return base64.b85decode(ONNX)


def safetensors_file(header: object, body: bytes = b"") -> bytes:
    """A header and numbers."""
    text = header if isinstance(header, bytes) else canonical_json(header)
    return struct.pack("<Q", len(text)) + text + body


@dataclass(frozen=True)
class Laid:
    """A tensor as a checkpoint describes it; `kind` is a storage's class, or a type such as `float8_e5m2`."""

    kind: str
    storage: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    size: int = 0
    """Elements of the storage; 0 for as many as its bytes hold, one byte each."""
    device: str = "cpu"
    grad: bool = False


@dataclass(frozen=True)
class Called:
    """A function and its arguments."""

    name: str
    arguments: tuple[object, ...]


def spell_pickle(value: object) -> bytes:
    """The opcodes of protocol 2 for a value, in the order of its tables; tensors are `Laid`."""
    return b"\x80\x02" + _spell(value) + b"."


def _spell(value: object) -> bytes:
    match value:
        case bool() | None:
            return {True: b"\x88", False: b"\x89", None: b"N"}[value]
        case int():
            return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case dict():
            return b"}(" + b"".join(_spell(key) + _spell(item) for key, item in value.items()) + b"u"
        case list():
            return b"](" + b"".join(map(_spell, value)) + b"e"
        case tuple():
            return b"(" + b"".join(map(_spell, value)) + b"t"
        case Called():
            return _name(value.name) + _spell(value.arguments) + b"R"
        case Laid():
            return _laid(value)
    raise AssertionError(value)


def _name(name: str) -> bytes:
    module, _, attribute = name.rpartition(" ")
    return f"c{module}\n{attribute}\n".encode()


def _laid(tensor: Laid) -> bytes:
    typed = not tensor.kind.endswith("Storage")
    storage = "torch.storage UntypedStorage" if typed else f"torch {tensor.kind}"
    function = f"torch._utils _rebuild_tensor_v{3 if typed else 2}"
    about = _spell("storage") + _name(storage) + b"".join(map(_spell, (tensor.storage, tensor.device, tensor.size)))
    arguments = (tensor.offset, tensor.shape, tensor.strides, tensor.grad, Called("collections OrderedDict", ()))
    kind = _name(f"torch {tensor.kind}") if typed else b""
    return _name(function) + b"((" + about + b"tQ" + b"".join(map(_spell, arguments)) + kind + b"tR"


def torch_file(
    value: object,
    storages: Mapping[str, bytes],
    *,
    year: int = 1980,
    folder: str = "archive",
    more: Mapping[str, bytes] | None = None,
    backwards: bool = False,
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    """A checkpoint as `torch.save` lays it out."""
    members = {
        "data.pkl": value if isinstance(value, bytes) else spell_pickle(value),
        "byteorder": b"little",
        **{f"data/{key}": data for key, data in storages.items()},
        "version": b"3\n",
        ".data/serialization_id": str(year).encode(),
        **(more or {}),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name in sorted(members, reverse=backwards):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}", (year, 1, 1, 0, 0, 0)), members[name], method)
    return made.getvalue()


def varint(number: int) -> bytes:
    """A number as Protocol Buffers spell it."""
    number &= (1 << 64) - 1
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field of a message: a number, a 32-bit float, or a text or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def onnx_tensor(name: str, kind: int, shape: tuple[int, ...], *fields: tuple[int, int | float | str | bytes]) -> bytes:
    """A TensorProto; its numbers are among `fields`."""
    about: list[tuple[int, int | float | str | bytes]] = [*((1, size) for size in shape), (2, kind), (8, name), *fields]
    return b"".join(field(number, value) for number, value in about)


def onnx_model(
    tensors: list[bytes], *, backwards: bool = False, producer: str = "made", operator: str = "Relu", doc: str = ""
) -> bytes:
    """A graph with one node; `backwards` writes every message's fields the other way round."""
    attribute = [field(1, "axis"), field(3, -1), field(20, 2)]
    node = [field(1, "x"), field(2, "y"), field(4, operator), field(5, _turned(attribute, backwards)), field(6, doc)]
    graph = [field(2, "main"), field(1, _turned(node, backwards)), *(field(5, tensor) for tensor in tensors)]
    return _turned([field(1, 8), field(2, producer), field(7, _turned(graph, backwards))], backwards)


def _turned(fields: list[bytes], backwards: bool) -> bytes:
    return b"".join(reversed(fields) if backwards else fields)
