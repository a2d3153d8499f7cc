"""The wording: a Jinja2 template in a sandbox, the package's own or a team's.

A template can name values, loop and call the functions that it is given; it can call no method, read no file and loop
no longer than MAX_STEPS in all. Whatever it writes of a value is escaped unless it is Markdown already.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, TemplateRuntimeError, TemplateSyntaxError, nodes
from jinja2.runtime import BlockReference, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reprobuild.ground.errors import InputError
from reprobuild.guide.markdown import Markdown, code, escape, one_line, paragraphs

OWN = "training_reproducibility.md.tmpl"
FOLDER = "kb/templates/ml"
MAX_TEMPLATE = 1 << 20
MAX_STEPS = 1_000_000
MAX_TEXT = 8 << 20
_FILTERS = ("length", "first", "last", "default", "sort", "dictsort", "round", "upper", "lower", "int", "list")
_GAPS = re.compile(r"\n{3,}")
_BROKEN = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
)
_HINT = "docs/guide.md tells what a template may use"


def own_template() -> str:
    """The template that comes with the package."""
    return (files("reprobuild") / FOLDER / OWN).read_text(encoding="utf-8")


def render_template(text: str, name: str, values: Mapping[str, object]) -> str:
    """What the template `name` says of the values; InputError with the template's line where it fails."""
    environment = _Sandbox()
    environment.loader = DictLoader({OWN: own_template(), name: text})
    try:
        written, size = [], 0
        for piece in environment.get_template(name).generate(values):
            written.append(piece)
            size += len(piece)
            if size > MAX_TEXT:
                raise TemplateRuntimeError(f"it writes more than {MAX_TEXT >> 20} MiB")
    except _BROKEN as error:
        line = error.lineno if isinstance(error, TemplateSyntaxError) else _line_of(error, name)
        where = f"{name}:{line}" if line else name
        raise InputError(f"{where}: {one_line(str(error) or type(error).__name__, 300)}", hint=_HINT) from error
    lines = "".join(written).replace("\r\n", "\n").split("\n")
    return _GAPS.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n") + "\n"


def _line_of(error: BaseException, name: str) -> int:
    """The line of the template at which an error came up; Jinja gives its frames the template's own lines."""
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in (name, "<template>"):
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with nothing in it but what is named here."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=escape, trim_blocks=True, lstrip_blocks=True)
        self.globals = {}
        self.filters = {name: self.filters[name] for name in _FILTERS} | {"code": code, "paragraphs": paragraphs}
        self.steps = 0

    def is_safe_callable(self, obj: Any) -> bool:
        """True for a template's own macros and for the functions of the guide."""
        return isinstance(obj, Macro | BlockReference) or getattr(obj, "is_of_the_guide", False) is True

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """What a macro or a block wrote is Markdown already."""
        found = super().call(context, obj, *args, **kwargs)
        return Markdown(found) if isinstance(obj, Macro | BlockReference) else found

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic with numbers that stay small."""
        for side in (left, right):
            if not isinstance(side, int | float) or abs(side) > 1e9 or (operator == "**" and abs(side) > 64):
                raise TemplateRuntimeError(f"{operator} is for small numbers")
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The template with a count at every loop."""
        self.filters["counted"] = self._counted
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return tree

    def _counted(self, items: Iterable[object]) -> Iterator[object]:
        for item in items:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TemplateRuntimeError(f"its loops take more than {MAX_STEPS} steps")
            yield item


def for_templates(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which templates may call."""
    function.is_of_the_guide = True  # type: ignore[attr-defined]
    return function
