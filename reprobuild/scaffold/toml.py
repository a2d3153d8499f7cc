"""Writing TOML 1.0: values of strangers become strings, keys and comments that cannot say anything else."""

import json
import re
from collections.abc import Mapping, Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+")
Value = bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]


def render_value(value: Value) -> str:
    """One value on one line; a ValueError for half a surrogate pair, which is no character.

    Basic strings of TOML have the escapes of JSON's, and want U+007F escaped too: https://toml.io/en/v1.0.0#string
    """
    if isinstance(value, str):
        value.encode()
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | int | float):
        return json.dumps(value) if isinstance(value, bool) else repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{render_key(key)} = {render_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(render_value(item) for item in value)}]"


def render_key(*parts: str) -> str:
    """A dotted key; a part that is no bare key is quoted."""
    return ".".join(part if _BARE.fullmatch(part) else render_value(part) for part in parts)


def plain(text: str) -> str:
    """The text on one line, without what is not printable: a stranger's words inside a comment stay inside it."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
