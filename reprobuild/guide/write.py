"""A guide from its source: the generated text, and around it people's own blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

from reprobuild.ground.errors import InputError
from reprobuild.guide.blocks import Guide, parse_guide, write_guide_text
from reprobuild.guide.missing import Missing
from reprobuild.guide.source import Source
from reprobuild.guide.template import render_template
from reprobuild.guide.view import Writing


@dataclass(frozen=True)
class Rendered:
    """The generated text with empty blocks, and what was counted while it was written."""

    text: str
    guide: Guide
    measured: int
    declared: int
    missing: tuple[Missing, ...]
    sections: tuple[str, ...]


def render_guide(source: Source) -> Rendered:
    """The generated part of a guide."""
    writing = Writing(source)
    name, template = source.template
    text = render_template(template, name, writing.values())
    guide = parse_guide(text, name)
    return Rendered(text, guide, writing.measured, writing.declared, tuple(writing.missing), tuple(writing.sections))


def join_guide(
    rendered: Rendered, blocks: Mapping[str, str], source: Source, subject: str, places: Mapping[str, int]
) -> str:
    """The whole guide; InputError when there are words in a block that the template has no place for."""
    for name in blocks:
        if name not in rendered.guide.blocks and blocks[name].strip():
            raise InputError(
                f"{subject}:{places.get(name, 1)}: own {name}: the template {source.template[0]} has no such block",
                hint="move its words into another block, or give the template that block again",
            )
    return write_guide_text(rendered.text, blocks, source.run, source.inputs)
