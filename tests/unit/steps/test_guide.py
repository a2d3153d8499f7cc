import os
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from builders.fingerprints import machine
from builders.guides import COMPLETE, LISTS, TOPICS, declaration, letters_record, make_guide_project
from builders.records import FAILED, write_run

from reprobuild.ground.errors import InputError, UsageError
from reprobuild.guide.blocks import begin_of, end_of
from reprobuild.guide.place import PLACE
from reprobuild.record.document import Record
from reprobuild.record.note import write_note
from reprobuild.steps.guide import EditedError, check_project_guide, keep_guide, write_guide

TODAY = date(2026, 12, 1)
GOLDEN = Path(__file__).parents[2] / "golden"


def guide_of(project: Path) -> str:
    write_guide(project, None)
    return (project / PLACE).read_text()


def put_own(project: Path, name: str, words: str) -> None:
    text = (project / PLACE).read_text()
    (project / PLACE).write_text(text.replace(f"{begin_of(name)}\n", f"{begin_of(name)}\n{words}"))


def own_words(text: str, name: str) -> str:
    return text.partition(f"{begin_of(name)}\n")[2].partition(f"{end_of(name)}\n")[0]


def rules(project: Path, today: date = TODAY) -> list[str]:
    return [finding.rule for finding in check_project_guide(project, None, today)[0].findings]


def npz(tmp_path: Path) -> bytes:
    np.savez(tmp_path / "made.npz", weights=np.zeros((64, 48)), bias=np.zeros(48, np.float32))
    return (tmp_path / "made.npz").read_bytes()


@pytest.mark.parametrize("name", ["guide.md", "guide.html"])
def test_the_golden_guide_has_not_changed(name: str, tmp_path: Path) -> None:
    good, failed = ((GOLDEN / f"guide-record-{kind}.json").read_bytes() for kind in ("good", "failed"))
    project = make_guide_project(
        tmp_path / "project",
        runs={"0001": failed, "0002": good, "0003": b"{}"},
        outputs={"out/model.npz": npz(tmp_path)},
    )
    write_note(project / ".reprobuild/runs/0001", "It diverged: the rate was *too* high.")
    (project / "docs").mkdir()
    write_guide(project, None)
    put_own(project, "data", "The letters were scanned by *us*.\n\n![a scan](scan.png)\n")
    write_guide(project, None)
    written = (project / PLACE).with_suffix(Path(name).suffix).read_text()
    if os.environ.get("REPROBUILD_GOLDEN") == "write":
        (GOLDEN / name).write_text(written)

    assert written == (GOLDEN / name).read_text()


def test_every_section_is_there_in_its_order_and_has_a_block_of_its_own(tmp_path: Path) -> None:
    text = guide_of(make_guide_project(tmp_path))
    sections = re.findall(r"^## \d+\. .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)

    assert len(sections) == 15
    assert all("<!-- reprobuild:begin own " in section for section in sections)
    assert [section.split("\n")[0].partition(" ")[2].partition(".")[0] for section in sections] == [
        str(number) for number in range(1, 16)
    ]


def test_everything_that_is_declared_says_who_and_when_and_nothing_is_missing(tmp_path: Path) -> None:
    text = guide_of(make_guide_project(tmp_path))

    assert "*missing ·" not in text
    for topic in TOPICS:
        assert f"What there is to say of {topic}. *declared · Ada Example · 2026-11-24*" in text
    assert "| left-handed | recall | 0.875 | *measured · run 0001 · " in text
    assert "| right-handed | recall | 0.9 | *declared · Ada Example · 2026-11-24* |" in text
    assert "| accuracy | at least 0.95 | 0.975 | **met** | *measured · run 0001" in text
    assert "| loss | at most 0.1 | 0.125 | **not met** | *measured · run 0001" in text
    assert "1. Deploy the image before." in text
    assert "The model's last day is **2027-12-31**." in text


def test_what_nobody_declared_is_missing_and_says_how_to_fill_the_gap(tmp_path: Path) -> None:
    written = write_guide(make_guide_project(tmp_path, declared=""), None)
    text = (tmp_path / PLACE).read_text()

    assert [item.key for item in written.rendered.missing] == [
        *("architecture", "splits", "evaluation", "fairness", "versioning", "ab_test", "rollback"),
        *("model_drift", "data_drift", "degradation", "retraining", "deprecation", "business", "limitations"),
    ]
    for item in written.rendered.missing:
        assert item.remedy == f"fill in [{item.key}] in guide.toml"
        assert f"*missing · fill in \\[{item.key}\\] in guide.toml*" in text


def test_a_model_that_can_be_read_tells_its_architecture(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path / "p", declared="", outputs={"out/model.npz": npz(tmp_path)})
    text = guide_of(project)

    assert "`out/model.npz` (NumPy) holds 3,120 numbers in 2 tensors. *measured · run 0001" in text
    assert "| `weights` | float64 | 64 × 48 | 3,072 |" in text
    assert "fill in \\[architecture\\]" not in text


def test_a_project_without_a_run_gets_a_guide_in_which_nothing_is_measured(tmp_path: Path) -> None:
    written = write_guide(make_guide_project(tmp_path, runs={}), None)
    text = (tmp_path / PLACE).read_text()

    assert written.rendered.measured == 0
    assert "*measured · run 0" not in text
    assert text.count("*missing · run reprobuild run*") > 5


def test_before_the_first_run_reprobuild_toml_answers_for_its_data(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path, declared="", runs={})
    (project / "letters.csv").write_text("a,b\n")
    table = '[data.letters]\npath = "letters.csv"\nlicence = "CC0"\norigin = "an archive"\n'
    with (project / "reprobuild.toml").open("a") as stream:
        stream.write(table)
    missing = [item.key for item in write_guide(project, None).rendered.missing]

    assert missing[:4] == ["run", "architecture", "preprocessing", "splits"]


def test_failed_and_unreadable_runs_and_notes_are_experiments(tmp_path: Path) -> None:
    runs: dict[str, Record | bytes] = {
        "0001": letters_record(),
        "0002": letters_record(seed=9, ending=FAILED, metrics={}),
        "0003": b"no record",
        "0004": letters_record(metrics={"accuracy": 0.5}, hyperparameters={"epochs": 1, "learning_rate": 0.01}),
    }
    project = make_guide_project(tmp_path, runs=runs)
    write_note(project / ".reprobuild/runs/0002", "dropped: out of memory")
    text = guide_of(project)

    rows = [line for line in text.split("\n") if re.match(r"\| 000\d \|", line)]
    assert [row[2:6] for row in rows] == ["0004", "0003", "0002", "0001"]
    assert "| *this guide's run* |" in rows[0]
    assert "cannot be read" in rows[1]
    assert "failed: it ended with exit status 3 | epochs = 12, seed = 9 |  | dropped: out of memory |" in rows[2]
    assert "| epochs = 12 | accuracy = 0.975" in rows[3]


def test_what_sets_a_run_apart_is_named(tmp_path: Path) -> None:
    record = letters_record()
    runs: dict[str, Record | bytes] = {
        "0001": record.model_copy(update={"asked": record.asked.model_copy(update={"command": ("python", "old.py")})}),
        "0002": record.model_copy(update={"image": "9" * 64, "source": record.source.model_copy(update={"files": 9})}),
        "0003": letters_record(data={}),
        "0004": record,
    }
    text = guide_of(make_guide_project(tmp_path, runs=runs))
    rows = [line.split(" | ")[3] for line in text.split("\n") if re.match(r"\| 000\d \|", line)]

    assert rows == ["*this guide's run*", "other data", "other image", "other command"]


def test_writing_it_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    first = guide_of(project), (project / PLACE).with_suffix(".html").read_bytes()

    assert (guide_of(project), (project / PLACE).with_suffix(".html").read_bytes()) == first
    assert sorted(path.name for path in (project / "docs").iterdir()) == [
        "TRAINING_REPRODUCIBILITY.html",
        "TRAINING_REPRODUCIBILITY.md",
    ]


def test_peoples_own_words_survive_every_rewrite(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    words = "  Our *own* words,\r\n\n# with a heading\n<b>and</b> {{ braces }} \t \n"
    text = (project / PLACE).read_bytes().decode()
    (project / PLACE).write_bytes(text.replace(f"{begin_of('data')}\n", f"{begin_of('data')}\n{words}").encode())
    write_run(project, "0002", letters_record(metrics={"accuracy": 0.5, "recall_left": 0.1, "loss": 1.0}))
    (project / "guide.toml").write_text(COMPLETE.replace("Ada", "Bea"))
    write_guide(project, None)

    after = (project / PLACE).read_bytes().decode()
    assert own_words(after, "data") == words
    assert "run 0002" in after
    assert "Bea Example" in after


def test_an_edit_outside_the_blocks_is_refused_with_its_lines_and_nothing_is_written(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    text = guide_of(project)
    place = project / PLACE
    lines = text.split("\n")
    at = lines.index("| accuracy | 0.975 |")
    lines[at] = "| accuracy | 0.999 |"
    lines.insert(at + 3, "We are proud of it.")
    edited = "\n".join(lines)
    place.write_text(edited)
    page = place.with_suffix(".html").read_bytes()

    with pytest.raises(EditedError) as caught:
        write_guide(project, None)

    assert str(caught.value) == (
        f"{PLACE}:{at + 1}: edited outside the blocks: it was '| accuracy | 0.975 |', "
        "it is '| accuracy | 0.999 |' (and 1 more line)"
    )
    assert [(edit.line, edit.was, edit.now) for edit in caught.value.edits][1:] == [(at + 4, "", "We are proud of it.")]
    assert place.read_text() == edited
    assert place.with_suffix(".html").read_bytes() == page
    assert rules(project)[:2] == ["RG002", "RG002"]


def test_an_edit_is_found_in_a_clone_without_records_and_after_other_changes(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path / "there")
    text = guide_of(project).replace("| accuracy | 0.975 |", "| accuracy | 0.999 |")
    clone = make_guide_project(tmp_path / "clone", declared=COMPLETE.replace("Ada", "Bea"), runs={})
    (clone / "docs").mkdir()
    (clone / PLACE).write_text(text)

    with pytest.raises(EditedError, match=r"it was another line, it is '\| accuracy \| 0\.999 \|'"):
        write_guide(clone, None)


def test_a_line_that_was_taken_out_is_told(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    text = guide_of(project)
    (project / PLACE).write_text(text.replace("| loss | 0.125 |\n", "", 1))

    with pytest.raises(EditedError, match=r"it was '\| loss \| 0\.125 \|', it is gone"):
        write_guide(project, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<!-- reprobuild:end own data -->\n", "", r":\d+: own \S+ begins inside own data"),
        ("<!-- reprobuild:begin own data -->\n", "", r":\d+: own data ends and did not begin"),
        (
            "<!-- reprobuild:begin own data -->",
            "<!-- reprobuild:begin own seeds -->",
            r": own seeds begins at line \d+ too",
        ),
        ("<!-- reprobuild:seal", "<!-- sealed", r": it has no seal at its end"),
        ("\nlines\n", "\nlines\nxyz\n", r": it has no seal at its end"),
        ("<!-- reprobuild:end own limitations -->", "", r":\d+: own limitations does not end"),
    ],
)
def test_broken_markers_and_seals_are_refused_and_nothing_is_written(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    project = make_guide_project(tmp_path)
    edited = guide_of(project).replace(old, new, 1)
    (project / PLACE).write_text(edited)

    with pytest.raises(InputError, match=said) as caught:
        write_guide(project, None)

    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert (project / PLACE).read_text() == edited
    assert rules(project)[0] == "RG002"


def test_text_behind_the_seal_is_an_edit(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    (project / PLACE).write_text(guide_of(project) + "P.S.\n")

    with pytest.raises(EditedError, match=r"it was not there, it is 'P\.S\.'"):
        write_guide(project, None)


def test_what_was_measured_is_not_lost_in_a_clone_without_records(tmp_path: Path) -> None:
    text = guide_of(make_guide_project(tmp_path / "there"))
    clone = make_guide_project(tmp_path / "clone", runs={})
    (clone / "docs").mkdir()
    (clone / PLACE).write_text(text)

    with pytest.raises(InputError, match="it tells of run 0001, and no run that succeeded is recorded here"):
        write_guide(clone, None)
    checked, _ = check_project_guide(clone, None, TODAY)
    assert [finding.rule for finding in checked.findings] == ["RG007"]
    (clone / PLACE).with_suffix(".html").write_bytes((tmp_path / "there" / PLACE).with_suffix(".html").read_bytes())
    checked, _ = check_project_guide(clone, None, TODAY)
    assert (checked.findings, checked.exit_status) == ((), 11)
    assert checked.unchecked[0].startswith("RG003: no run that succeeded is recorded here")


def test_a_guide_that_is_up_to_date_passes(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    checked, name = check_project_guide(project, None, TODAY)

    assert (checked.findings, checked.unchecked, checked.exit_status, name) == ((), (), 0, PLACE)


def test_rg001_no_guide(tmp_path: Path) -> None:
    assert rules(make_guide_project(tmp_path)) == ["RG001"]


def test_rg003_names_both_runs_and_the_metrics_that_differ(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    write_run(project, "0002", letters_record(metrics={"accuracy": 0.5, "loss": 0.125, "recall_left": 0.875}))
    finding = check_project_guide(project, None, TODAY)[0].findings[0]

    assert finding.rule == "RG003"
    assert re.fullmatch(
        r"it tells of run 0001 \(\w{12}\); the newest that succeeded is run 0002 \(\w{12}\); "
        r"accuracy: 0\.975, now 0\.5",
        finding.message,
    )
    guide_of(project)
    assert rules(project) == []


def test_a_failed_run_does_not_make_a_guide_stale_in_what_it_measured(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    write_run(project, "0002", letters_record(ending=FAILED))

    assert rules(project) == ["RG006"]  # the experiments are not all told


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if topic in LISTS or topic in ("evaluation", "limitations")]
)
def test_rg004_a_required_statement_is_missing(topic: str, tmp_path: Path) -> None:
    project = make_guide_project(tmp_path, declared=COMPLETE.replace(declaration(topic), ""))
    guide_of(project)
    checked, _ = check_project_guide(project, None, TODAY)

    assert [(item.rule, item.remedy) for item in checked.findings] == [("RG004", f"fill in [{topic}] in guide.toml")]


def test_rg004_a_metric_that_is_named_and_not_measured(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path, runs={"0001": letters_record(metrics={"accuracy": 1.0, "loss": 0.0})})
    text = guide_of(project)
    checked, _ = check_project_guide(project, None, TODAY)

    assert [item.message for item in checked.findings] == [
        "fairness: the run has no metric recall_left; it has: accuracy, loss"
    ]
    assert "- *missing · the run has no metric recall_left" in text


def test_rg004_a_section_that_a_teams_template_leaves_out(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path, declared='template = "team.md.tmpl"\n' + COMPLETE)
    (project / "team.md.tmpl").write_text('# {{ project }}\n\n{{ section("replay") }}\n{{ tag() }}\n')
    guide_of(project)
    checked, _ = check_project_guide(project, None, TODAY)

    assert {item.rule for item in checked.findings} == {"RG004"}
    assert len(checked.findings) == 14
    assert checked.findings[0].message == "seeds: the template has no such section"


@pytest.mark.parametrize(
    ("today", "found"), [(date(2027, 5, 24), []), (date(2027, 5, 25), ["RG005"]), (date(2028, 1, 1), ["RG005"] * 2)]
)
def test_rg005_a_declared_date_has_passed(today: date, found: list[str], tmp_path: Path) -> None:
    declared = COMPLETE.replace(declaration("data"), declaration("data", extra="review_by = 2027-05-24\n"))
    project = make_guide_project(tmp_path, declared=declared)
    guide_of(project)

    assert rules(project, today) == found


@pytest.mark.parametrize("change", ["guide.toml", "note"])
def test_rg006_what_people_wrote_has_changed(change: str, tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    if change == "note":
        write_note(project / ".reprobuild/runs/0001", "the one we ship")
    else:
        (project / "guide.toml").write_text(COMPLETE + "# more\n")

    assert rules(project) == ["RG006"]


def test_rg007_the_page_is_not_of_this_guide(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    put_own(project, "seeds", "More words.\n")

    assert rules(project) == ["RG007"]
    guide_of(project)
    assert rules(project) == []


def test_words_whose_block_the_template_lost_are_refused_by_name(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    put_own(project, "ab-test", "Ours.\n")
    (project / "guide.toml").write_text('template = "team.md.tmpl"\n' + COMPLETE)
    (project / "team.md.tmpl").write_text("# {{ project }}\n")
    before = (project / PLACE).read_text()

    with pytest.raises(InputError, match=r"\.md:\d+: own ab-test: the template team\.md\.tmpl has no such block"):
        write_guide(project, None)
    assert (project / PLACE).read_text() == before


def test_a_team_extends_our_template_and_fills_one_block_anew(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path, declared='template = "kb/team.md.tmpl"\n' + COMPLETE)
    (project / "kb").mkdir()
    (project / "kb" / "team.md.tmpl").write_text(
        '{% extends "training_reproducibility.md.tmpl" %}\n'
        "{% block limitations %}\nAsk *{{ project }}* first.\n\n{{ super() }}\n{% endblock %}\n"
    )
    text = guide_of(project)

    assert "Ask *letters* first.\n\nWhat there is to say of limitations. *declared · " in text
    assert rules(project) == []


@pytest.mark.parametrize("output", ["guide.txt", "docs"])
def test_a_guide_is_a_markdown_file(output: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a guide is a \.md file"):
        write_guide(make_guide_project(tmp_path), Path(output))


def test_a_guide_is_written_through_no_link(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path / "project")
    (project / "docs").mkdir()
    (tmp_path / "elsewhere.md").write_text("")
    (project / PLACE).symlink_to(tmp_path / "elsewhere.md")

    with pytest.raises(InputError, match="a link, and a guide is written through none"):
        write_guide(project, None)
    assert (tmp_path / "elsewhere.md").read_text() == ""


@pytest.mark.parametrize(("data", "said"), [(b"\xff", "not UTF-8"), (b"x" * (8 << 20) + b"x", "larger than 8 MiB")])
def test_a_guide_that_is_no_text_is_refused_and_kept(data: bytes, said: str, tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    (project / "docs").mkdir()
    (project / PLACE).write_bytes(data)

    with pytest.raises(InputError, match=said):
        write_guide(project, None)
    assert (project / PLACE).read_bytes() == data


def test_the_guide_of_a_run_is_kept_beside_its_record_with_the_words_of_the_project(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    guide_of(project)
    put_own(project, "data", "Ours.\n")
    folder = write_run(project, "0002", letters_record())
    keep_guide(project, folder)

    kept = (folder / "guide.md").read_text()
    assert "run 0002" in kept
    assert own_words(kept, "data") == "Ours.\n"
    assert "run 0001" in (project / PLACE).read_text()
    write_guide(project, None)
    assert (folder / "guide.md").read_text() == (project / PLACE).read_text()


def test_of_very_many_runs_the_newest_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    runs = {f"{number:04}": letters_record(ending=FAILED, metrics={}) for number in range(2, 204)}
    text = guide_of(make_guide_project(tmp_path, runs={"0001": letters_record(), **runs}))

    assert "The run at a glance" in text
    assert "| run 0001 |" in text
    assert "3 older runs are left out here" in text


def test_gpus_are_told_with_everything_that_is_known_of_them(tmp_path: Path) -> None:
    text = guide_of(make_guide_project(tmp_path, runs={"0001": letters_record(fingerprint=machine("h100"))}))
    hardware = text.partition("## 4. Hardware")[2].partition("## 5.")[0]

    assert "GPUs: *measured · run 0001" in hardware
    assert re.search(r"\| gpu\.0\.name \| NVIDIA H100[^|]* \|", hardware)
    assert "| gpu.0.compute_capability | 9.0 |" in hardware
    assert "| driver | " in hardware
    assert "| gpu.0 to gpu.1 | NVLink |" in hardware
    assert "No GPU was seen" not in hardware


def test_a_broken_lock_or_tar_of_a_run_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    folder = project / ".reprobuild/runs/0001"
    for name, data in (("reprobuild.lock", b"{"), ("outputs.tar", b"no tar")):
        (folder / name).write_bytes(data)
        with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
            write_guide(project, None)
        assert "\n" not in str(caught.value)
        (folder / name).unlink()
    assert not (project / "docs").exists()


def test_strange_shapes_of_what_a_training_told_are_no_crash(tmp_path: Path) -> None:
    for number, found in enumerate(
        ({"seeds": "x", "problems": {"a": 1}}, {"seeds": [[1, {"b": None}]], "switches": 3})
    ):
        text = guide_of(make_guide_project(tmp_path / str(number), runs={"0001": letters_record(found=found)}))
        assert "The run was given the seed **1234**" in text
