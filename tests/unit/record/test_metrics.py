import pytest

from reprobuild.ground.errors import InputError
from reprobuild.record.metrics import parse_metrics


def test_numbers_by_name_come_back_as_floats() -> None:
    assert parse_metrics(b'{"accuracy": 0.5, "epochs": 3}', "m.json") == {"accuracy": 0.5, "epochs": 3.0}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"loss": NaN}', "m.json: loss: NaN is not a finite number"),
        ('{"a": 1, "loss": -Infinity}', "m.json: loss: -Infinity is not a finite number"),
        ('{"loss": 1e999}', "m.json: not strict JSON: 1e999 is larger than any number"),
        ('{"loss": 1' + "0" * 400 + "}", "m.json: loss: 1000"),
        ('{"good": true}', "m.json: good: True is not a finite number"),
        ('{"name": "x"}', "m.json: name: x is not a finite number"),
        ('{"nested": {"a": 1}}', "m.json: nested: "),
        ("[1]", "m.json: not a JSON object"),
        ('{"a": 1, "a": 2}', "m.json: not strict JSON: a key appears twice"),
        ('{"\\ud800": 1}', "m.json: not strict JSON"),
        ("", "m.json: not strict JSON"),
    ],
)
def test_anything_else_is_refused_with_the_name(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_metrics(text.encode(), "m.json")

    assert str(caught.value).startswith(complaint)
