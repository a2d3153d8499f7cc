"""The operations of a run, made again in its image: once for one machine, and never more than a line when it fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import Notes, ScriptedEngine, make_place
from builders.numerics import make_numerics
from builders.results import make_asked

from reprobuild.engines.engine import Container, Execution
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.signatures import Call, Settings, Signatures
from reprobuild.steps.probe.repeat import Repeated, keep_results, repeated
from reprobuild.tools.progress import Silent

ENDED = Execution("finished", 0, None, 1.0)
RESULT = {"digest": "0" * 128, "values": 6, "turns": 1}
CALL = Call(operation="aten::exp.default", inputs=(), options={}, step=1, steps=1, calls=1, where=("forward",))
RUN = Signatures(
    seen=(CALL,),
    gaps=(),
    missed=None,
    hidden=(),
    settings=Settings(threads=2),
    steps=1,
    operations=1,
    parameters=4,
    seconds=0.1,
)


class RepeatingEngine(ScriptedEngine):
    """Leaves this as the results, and ends so."""

    def __init__(self, left: object, execution: Execution = ENDED) -> None:
        super().__init__(lambda work, environment: 0)
        self.left, self.execution = left, execution

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`."""
        self.seen.append(container)
        self.asked = json.loads(container.read_only["/run/reprobuild/signatures.json"].read_bytes())
        on_output(b"Traceback\nMemoryError\n")
        (container.writable["/run/reprobuild/found"] / "results.json").write_text(json.dumps(self.left))
        return self.execution


def test_calls_are_made_once_for_one_machine_as_a_run_would_make_them(tmp_path: Path) -> None:
    engine = RepeatingEngine({"results": [RESULT], "pins": {"torch-aten": {"took": False, "detail": "none"}}})
    place = make_place(tmp_path, engine)
    asked = make_asked().model_copy(update={"env": ("MKL_CBWR", "TOKEN")})
    variables = {"MKL_CBWR": "AVX2", "TOKEN": "secret"}
    first = repeated(place, asked, variables, RUN, Silent())
    again = repeated(place, asked.model_copy(update={"seed": 9}), variables, RUN, Silent())
    [container] = engine.seen

    assert first == again
    assert [result.digest for result in first.results] == ["0" * 128]
    assert first.missed == ("torch-aten",)
    assert engine.asked["settings"]["threads"] == 2
    assert engine.asked["signatures"] == [{"operation": "aten::exp.default", "inputs": [], "options": {}}]
    assert container.environment["MKL_CBWR"] == "AVX2"
    assert "TOKEN" not in container.environment
    assert "REPROBUILD_FOUND" not in container.environment


@pytest.mark.parametrize(
    ("left", "execution", "why"),
    [
        ({"results": []}, ENDED, "0 results of 1 calls"),
        ({"results": [{"digest": "z"}]}, ENDED, "results: results.0.digest"),
        ([], ENDED, "results"),
        ({"results": [RESULT]}, Execution("finished", 1, None, 1.0), "it ended with 1: MemoryError"),
        ({"results": [RESULT]}, Execution("finished", None, "SIGKILL", 1.0), "it ended with SIGKILL"),
        ({"results": [RESULT]}, Execution("deadline", None, None, 1.0), "it took longer than"),
    ],
)
def test_what_fails_is_one_line_and_is_not_kept(left: Any, execution: Execution, why: str, tmp_path: Path) -> None:
    engine, notes = RepeatingEngine(left, execution), Notes()
    place = make_place(tmp_path, engine)

    assert repeated(place, make_asked(), {}, RUN, notes) == Repeated()
    assert len(notes.lines) == 1
    assert why in notes.lines[0]
    repeated(place, make_asked(), {}, RUN, notes)
    assert len(engine.seen) == 2


def test_a_run_without_operations_asks_for_nothing(tmp_path: Path) -> None:
    engine = RepeatingEngine({})

    assert repeated(make_place(tmp_path, engine), make_asked(), {}, RUN.model_copy(update={"seen": ()}), Silent()) == (
        Repeated()
    )
    assert engine.seen == []


def test_results_are_kept_beside_a_record(tmp_path: Path) -> None:
    engine = RepeatingEngine({"results": [RESULT]})
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "numerics.json"
    path.write_bytes(make_numerics().model_copy(update={"signatures": RUN}).to_bytes())
    keep_results(tmp_path / "run", make_place(tmp_path, engine), make_asked(), {}, Silent())

    kept = Numerics.from_bytes(path.read_bytes(), "numerics.json").signatures
    assert kept is not None
    assert (kept.seen, len(kept.results)) == (RUN.seen, 1)
