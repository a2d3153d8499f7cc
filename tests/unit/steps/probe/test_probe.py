"""The probe in an image: as a run would have it, kept in the store, and never more than a line when it fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import Notes, ScriptedEngine, make_place, make_test_bundle
from builders.numerics import OPERATIONS, make_numerics, printed
from builders.results import make_asked

from reprobuild.bundle.read import read_document
from reprobuild.engines.engine import Container, Emulation, Execution
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.numerics.document import Numerics
from reprobuild.steps.probe.inquiry import Place
from reprobuild.steps.probe.probe import probe_image, probed, read_numerics
from reprobuild.tools.progress import Silent

ENDED = Execution("finished", 0, None, 1.0)


class ProbingEngine(ScriptedEngine):
    """Leaves these bytes as the probe's document, and ends so."""

    def __init__(self, left: bytes | None = None, execution: Execution = ENDED, words: bytes = b"") -> None:
        super().__init__(lambda work, environment: 0)
        self.left, self.execution, self.words = printed() if left is None else left, execution, words

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`."""
        if "reprobuild_probe" not in container.argv:
            return super().execute(place, container, on_output)
        self.seen.append(container)
        self.numerics = container.read_only["/run/reprobuild/numerics.json"].read_bytes()
        on_output(self.words)
        if self.left:
            (container.writable["/run/reprobuild/found"] / "reprobuild_probe.json").write_bytes(self.left)
        return self.execution


def test_a_probe_sees_what_a_run_sees_and_tells_of_no_run(tmp_path: Path) -> None:
    engine = ProbingEngine()
    asked = make_asked().model_copy(update={"numerics": "portable", "threads": 3, "env": ("MKL_CBWR", "TOKEN")})
    numerics = probe_image(make_place(tmp_path, engine), asked, {"MKL_CBWR": "AVX2", "TOKEN": "secret"})
    [container] = engine.seen

    assert (numerics.operations, numerics.profile, numerics.threads) == (OPERATIONS, "portable", 3)
    assert container.environment["OMP_NUM_THREADS"] == "3"
    assert container.environment["REPROBUILD_THREADS"] == "3"
    assert "TOKEN" not in container.environment
    assert "REPROBUILD_FOUND" not in container.environment
    assert b'"profile": "portable"' in engine.numerics
    assert "/work" not in container.writable


def test_it_is_run_once_for_one_image_profile_and_machine(tmp_path: Path) -> None:
    engine = ProbingEngine()
    place = make_place(tmp_path, engine)
    asked = make_asked()
    first = probe_image(place, asked, {})
    again = probe_image(place, asked.model_copy(update={"seed": 99, "command": ("other",)}), {})

    assert first == again
    assert len(engine.seen) == 1

    emulation = Emulation("Haswell", Path("/usr/bin/qemu"), "/usr/bin/python3", "7.2")
    newer = replace(emulation, version="8.0")
    microcode = place.machine.cpu.model_copy(update={"microcode": "0x99"})
    others: list[tuple[Place, dict[str, Any]]] = [
        (place, {"threads": 7}),
        (place, {"numerics": "portable"}),
        (replace(place, prepared=replace(place.prepared, emulation=emulation)), {}),
        (replace(place, prepared=replace(place.prepared, emulation=newer)), {}),
        (replace(place, machine=place.machine.model_copy(update={"cpu": microcode})), {}),
    ]
    for number, (other, changes) in enumerate(others, 2):
        for _ in range(2):
            probe_image(other, asked.model_copy(update=changes), {})
        assert len(engine.seen) == number


def test_a_kept_probe_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    engine = ProbingEngine()
    place = make_place(tmp_path, engine)
    first = probe_image(place, make_asked(), {})
    [kept] = (tmp_path / "store" / "probes").iterdir()
    kept.write_bytes(b"{}")

    assert probe_image(place, make_asked(), {}) == first
    assert len(engine.seen) == 2


MISSING = b"Traceback\nNo module named json\n\n"
ENDED_1 = Execution("finished", 1, None, 1.0)
FAILURES: list[tuple[ProbingEngine, str]] = [
    (ProbingEngine(execution=ENDED_1, words=MISSING), "it ended with 1: No module named json"),
    (ProbingEngine(execution=Execution("finished", None, "SIGILL", 1.0)), "it ended with SIGILL"),
    (ProbingEngine(execution=Execution("deadline", None, None, 1.0)), "it took longer than 300 s"),
    (ProbingEngine(left=b"\x1b[31mhello"), "not strict JSON"),
    (ProbingEngine(left=b"x" * (5 << 20)), "bytes of JSON"),
    (ProbingEngine(left=printed(operations={"a": "b"})), "operations"),
    (ProbingEngine(left=b"", execution=ENDED), "No such file"),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "problem"), FAILURES, ids=[problem for _, problem in FAILURES])
def test_a_probe_that_fails_costs_a_run_one_line(tmp_path: Path, engine: ProbingEngine, problem: str) -> None:
    notes = Notes()

    assert probed(make_place(tmp_path, engine), make_asked(), {}, notes) is None
    [line] = notes.lines
    assert line.startswith("note: no numeric probe: ")
    assert problem in line
    assert not (tmp_path / "store" / "probes").exists()


def test_a_link_in_place_of_the_document_is_not_followed(tmp_path: Path) -> None:
    class Linking(ProbingEngine):
        def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
            done = super().execute(place, container, on_output)
            if found := container.writable.get("/run/reprobuild/found"):
                (found / "reprobuild_probe.json").unlink(missing_ok=True)
                (found / "reprobuild_probe.json").symlink_to("/etc/passwd")
            return done

    with pytest.raises(InputError, match=r"^numeric probe: "):
        probe_image(make_place(tmp_path, Linking()), make_asked(), {})


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    engine = ProbingEngine(execution=Execution("interrupted", None, None, 1.0))

    with pytest.raises(KeyboardInterrupt):
        probed(make_place(tmp_path, engine), make_asked(), {}, Silent())


def test_a_bundle_carries_the_probe_and_gives_it_back(tmp_path: Path) -> None:
    numerics = make_numerics()
    bundle = make_test_bundle(tmp_path, ProbingEngine(), numerics=numerics)

    found = read_numerics(bundle)
    assert read_document(bundle, "bundle", "numerics.json") == found.to_bytes()
    assert found.model_copy(update={"signatures": None}) == numerics
    assert found.signatures is not None


def test_a_bundle_without_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no numerics\.json"):
        read_numerics(make_test_bundle(tmp_path, ProbingEngine()))


def test_numerics_are_read_as_a_document_or_as_they_were_printed(tmp_path: Path) -> None:
    (tmp_path / "numerics.json").write_bytes(make_numerics().to_bytes())
    (tmp_path / "printed.json").write_bytes(printed())

    assert read_numerics(tmp_path / "numerics.json") == make_numerics()
    assert isinstance(read_numerics(tmp_path / "printed.json"), Numerics)
    assert read_numerics(tmp_path / "printed.json").operations == OPERATIONS


@pytest.mark.parametrize("data", [b"", b"hello", b"{", b"{}", b'{"format": 1}', b"\0" * 2048])
def test_a_file_that_is_neither_is_one_line_with_a_hint(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "other").write_bytes(data)

    with pytest.raises(InputError, match=r"^other") as caught:
        read_numerics(tmp_path / "other")
    assert caught.value.hint


def test_a_python_that_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    from reprobuild.steps.probe.probe import probe_python
    from reprobuild.tools.process import run_process

    (tmp_path / "python").write_text("not a program")
    for python in (str(tmp_path / "python"), str(tmp_path), "no-such-python", "/bin/false"):
        with pytest.raises(ToolError, match=f"^{python}"):
            probe_python(python, run_process, {"PATH": "/usr/bin:/bin"})
