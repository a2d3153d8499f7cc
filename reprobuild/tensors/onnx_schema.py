"""The messages of ONNX that hold what a model computes, by the numbers of their fields.

From https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. `*` may be repeated; a field that is not listed here is
compared as it stands.
"""

_TEXT, _WHO, _SAID, _MORE = "text", "aside who wrote it", "aside documentation", "aside metadata"

SCHEMA: dict[str, dict[int, tuple[str, str]]] = {
    "Model": {
        1: ("ir_version", "int"),
        2: ("producer_name", _WHO),
        3: ("producer_version", _WHO),
        4: ("domain", _TEXT),
        5: ("model_version", "int"),
        6: ("doc_string", _SAID),
        7: ("graph", "Graph"),
        8: ("opset_import", "*Opset"),
        14: ("metadata_props", _MORE),
        25: ("functions", "*Function"),
    },
    "Graph": {
        1: ("node", "*Node"),
        2: ("name", _TEXT),
        5: ("initializer", "*Tensor"),
        10: ("doc_string", _SAID),
        11: ("input", "*Value"),
        12: ("output", "*Value"),
        13: ("value_info", "*Value"),
        16: ("metadata_props", _MORE),
    },
    "Node": {
        1: ("input", "*text"),
        2: ("output", "*text"),
        3: ("name", _TEXT),
        4: ("op_type", _TEXT),
        5: ("attribute", "*Attribute"),
        6: ("doc_string", _SAID),
        7: ("domain", _TEXT),
        8: ("overload", _TEXT),
        9: ("metadata_props", _MORE),
    },
    "Attribute": {
        1: ("name", _TEXT),
        2: ("f", "float"),
        3: ("i", "int"),
        4: ("s", "bytes"),
        5: ("t", "Tensor"),
        6: ("g", "Graph"),
        7: ("floats", "*float"),
        8: ("ints", "*int"),
        9: ("strings", "*bytes"),
        10: ("tensors", "*Tensor"),
        11: ("graphs", "*Graph"),
        13: ("doc_string", _SAID),
        20: ("type", "int"),
        21: ("ref_attr_name", _TEXT),
    },
    "Value": {
        1: ("name", _TEXT),
        2: ("type", "Type"),
        3: ("doc_string", _SAID),
        4: ("metadata_props", _MORE),
    },
    "Type": {1: ("tensor_type", "TensorType"), 6: ("denotation", _TEXT)},
    "TensorType": {1: ("elem_type", "int"), 2: ("shape", "Shape")},
    "Shape": {1: ("dim", "*Dim")},
    "Dim": {1: ("dim_value", "int"), 2: ("dim_param", _TEXT), 3: ("denotation", _TEXT)},
    "Opset": {1: ("domain", _TEXT), 2: ("version", "int")},
    "Function": {
        1: ("name", _TEXT),
        4: ("input", "*text"),
        5: ("output", "*text"),
        6: ("attribute", "*text"),
        7: ("node", "*Node"),
        8: ("doc_string", _SAID),
        9: ("opset_import", "*Opset"),
        10: ("domain", _TEXT),
        11: ("attribute_proto", "*Attribute"),
        12: ("value_info", "*Value"),
        13: ("overload", _TEXT),
        14: ("metadata_props", _MORE),
    },
}
NAMED = {"Graph": ("initializer", "value_info"), "Node": ("attribute",)}
"""Repeated fields whose order means nothing: their items have names."""
