"""What a comparison of two machines or of two requests finds."""

from enum import StrEnum

from reprobuild.ground.documents import Document


class Effect(StrEnum):
    """What a difference does to the result of a run, the worst first."""

    CANNOT = "cannot run"
    WILL = "will change bits"
    MAY = "may change bits"
    NONE = "does not change bits"


class Finding(Document):
    """A fact that is not the same on both sides; `rule` names the rule that says what it does."""

    subject: str
    recorded: str
    seen: str
    effect: Effect
    detail: str = ""
    rule: str = ""
