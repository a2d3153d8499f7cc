"""`guide.toml` for a folder: every statement that the guide asks for, as a comment, since nobody has made one yet.

A statement needs a person and a day. Until both are written in, the guide says of it that it is missing.
"""

import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from reprobuild.scaffold.choice import METRICS, Choice
from reprobuild.scaffold.survey import Survey
from reprobuild.scaffold.toml import plain, render_value

PROPOSALS = "declarations.toml"
_HEAD = """\
# What people say of this training, for the guide that `reprobuild guide` writes: each statement with who says it, and
# when. What is not said is missing there, and called so. To say something, take the marks from a table's lines, write
# it in your own words, and put in your name and the day.
"""


def draft_guide(survey: Survey, choice: Choice) -> str:
    """The text of the file; read as it is, it declares nothing."""
    table = tomllib.loads((files("reprobuild") / "kb" / PROPOSALS).read_text(encoding="utf-8"))
    names = survey.places.metric_names
    metric = render_value(names[0] if names else METRICS[choice.archetype])[1:-1]
    parts = ("\n".join(_section(section, choice, metric)) for section in table["section"])
    return "\n\n".join((_HEAD.rstrip(), *parts)) + "\n"


def _section(section: Mapping[str, Any], choice: Choice, metric: str) -> Iterator[str]:
    asked = " ".join(filter(None, (section["ask"], section.get(choice.archetype, ""))))
    yield from (f"# {line}" for line in textwrap.wrap(plain(asked), 118))
    yield f"# [{section['table']}]"
    yield from ('# text = ""', '# by = ""', "# on = YYYY-MM-DD")
    full = choice.has(section.get("feature", "")) and "full" in section
    for key in section["full" if full else "keys"] if full or "keys" in section else ():
        yield from (f"# {line}" for line in key.strip().replace("METRIC", metric).splitlines())
