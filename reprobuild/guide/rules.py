"""The rules of `guide --check`: data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule; `remedy` says what to do where it is broken."""

    id: str
    meaning: str
    remedy: str


RULES = (
    Rule("RG001", "the guide was never written", "run reprobuild guide"),
    Rule(
        "RG002",
        "the guide was edited outside its blocks",
        "move the words into a block or into guide.toml, and give the line back",
    ),
    Rule("RG003", "what the guide says was measured is not what the newest record says", "run reprobuild guide"),
    Rule(
        "RG004", "a required section is missing, or a statement in it", "fill in the table of guide.toml that is named"
    ),
    Rule("RG005", "a declared date has passed", "look at the statement again and give it a new date"),
    Rule(
        "RG006",
        "the guide is not what guide.toml, the notes and the template say now",
        "run reprobuild guide",
    ),
    Rule("RG007", "the page beside the guide is missing or not of this guide", "run reprobuild guide"),
)
BY_ID = {rule.id: rule for rule in RULES}
