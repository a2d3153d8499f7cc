"""What of a run cannot be known from its operations, and so forbids to expect the same bits."""

from typing import Any

import pytest
from builders.records import make_record
from builders.results import make_asked

from reprobuild.numerics.signatures import Call, Settings, Signatures
from reprobuild.record.document import Asked
from reprobuild.steps.probe.predict import find_doubts

CALL = Call(operation="aten::exp.default", inputs=(), options={}, step=1, steps=1, calls=1, where=("forward",))
ASKED = make_asked().model_copy(update={"env": ("LR",)})


def make_run(**settings: Any) -> Signatures:
    fields: dict[str, Any] = {"threads": ASKED.threads, **settings}
    return Signatures(
        seen=(CALL,),
        gaps=(),
        missed=None,
        hidden=(),
        settings=Settings(**fields),
        steps=1,
        operations=1,
        parameters=4,
        seconds=0.1,
    )


def doubts(
    *, asked: Asked = ASKED, found: dict[str, Any] | None = None, lr: str | None = None, **settings: Any
) -> list[str]:
    record = make_record(asked=ASKED, found={"programs": ["uname"], "problems": [], **(found or {})})
    return list(find_doubts(record, make_run(**settings), asked, {"LR": lr} if lr is not None else {}))


def test_a_run_of_which_all_is_known_leaves_no_doubt() -> None:
    assert doubts() == []


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"asked": ASKED.model_copy(update={"seed": 9})}, "another seed was asked for: 9"),
        ({"asked": ASKED.model_copy(update={"gpu": True})}, "a GPU was asked for"),
        ({"lr": "0.1"}, "the variable LR is this machine's own"),
        ({"found": {"environment": {"LR": "set"}}}, "the variable LR is this machine's own"),
        ({"found": {"programs": ["uname", "compute\n"]}}, "what another program computed is not seen: compute"),
        ({"found": {"problems": ["numpy: RuntimeError: cannot be seeded"]}}, "not all could be set or seen: numpy"),
        (
            {"found": {"unseeded": [{"what": "os.urandom", "file": "train.py", "line": 3, "count": 1}]}},
            "without a seed",
        ),
        ({"threads": 7}, "the script set its own number of threads: 7"),
        ({"changed": ("MKL_CBWR",)}, "the script set MKL_CBWR"),
    ],
)
def test_what_is_not_known_is_a_doubt(change: dict[str, Any], doubt: str) -> None:
    [found] = doubts(**change)

    assert found.startswith(doubt)
    assert "\n" not in found
