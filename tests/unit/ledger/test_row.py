from builders.records import FAILED, make_record
from builders.results import make_asked

from reprobuild.ledger.row import MAX_PARAMS, MAX_TEXT, row_of, short_hyperparameters, unreadable


def test_a_row_tells_what_was_asked_and_what_came_out() -> None:
    record = make_record(seed=7, hyperparameters={"lr": 0.1, "bias": True}, metrics={"accuracy": 0.9})
    values = row_of("0012", record, "good\n").values

    assert (values["run"], values["status"], values["seed"], values["note"]) == (12, "ok", 7, "good")
    assert (values["param.lr"], values["param.bias"], values["metric.accuracy"]) == (0.1, True, 0.9)
    assert "ending" not in values


def test_a_failed_run_says_how_it_ended() -> None:
    values = row_of("1", make_record(ending=FAILED, peak_memory_bytes=0), "").values

    assert (values["status"], values["ending"]) == ("failed", "ended with exit status 3")
    assert not {"memory", "note"} & values.keys()


def test_files_of_hyperparameters_are_told_by_dotted_names() -> None:
    params = {"params.yaml": {"model": {"depth": 3, "sizes": [1, 2], "none": None, "empty": {}}, "lr": 5}}
    asked = make_asked().model_copy(update={"hyperparameters": {"lr": 0.1}, "params": params})

    assert short_hyperparameters(asked) == {
        "lr": 0.1,
        "model.depth": 3,
        "model.sizes": "[1, 2]",
        "model.none": "null",
        "model.empty": "{}",
        "params.yaml:lr": 5,
    }


def test_a_file_of_a_million_hyperparameters_makes_no_large_row() -> None:
    params = {"params.json": {"a": "x" * 100_000, **{f"p{number:05}": number for number in range(10_000)}}}
    found = short_hyperparameters(make_asked().model_copy(update={"params": params}))

    assert len(found) == MAX_PARAMS
    assert found["a"] == "x" * MAX_TEXT


def test_a_record_that_cannot_be_read_is_a_row_with_its_reason() -> None:
    assert unreadable("0003", "not strict JSON").values == {
        "run": 3,
        "status": "unreadable",
        "ending": "not strict JSON",
    }
