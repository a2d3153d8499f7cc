"""Is a listing's order of any effect? Told from one line of source."""

import pytest
from reprobuild_inside.listings import is_sorted


@pytest.mark.parametrize(
    "line",
    [
        "x = sorted(os.listdir(d))",
        "for f in sorted(glob.glob('*.png')): pass",
        "for f in sorted(os.path.join(d, f) for f in os.listdir(d)): pass",
        "x = natsort.natsorted(p.iterdir(), key=str)",
        "n = len(os.listdir(d))",
        "if 'a' in os.listdir(d): pass",
        "x = set(os.listdir(d))",
        "x = {f.name for f in os.scandir(d)}",
        "x = os.listdir(d); x.sort()",
        "x = [f for f in os.listdir(d) if f]; y = sorted(x)",
        "for root, folders, names in os.walk(d): folders.sort()",
        "if (x := os.listdir(d)): x.sort()",
        "y = sorted(generator)",
        "x = sorted(set(os.listdir(d)) - {'a'})",
    ],
)
def test_what_is_put_in_order_or_has_none_is_fine(line: str) -> None:
    assert is_sorted(line, 1)


@pytest.mark.parametrize(
    "line",
    [
        "x = os.listdir(d)",
        "for f in os.listdir(d): pass",
        "for f in pathlib.Path(d).glob('*'): pass",
        "x = [f for f in os.scandir(d)]",
        "x = list(map(open, glob.iglob('*')))",
        "for root, folders, names in os.walk(d): print(names)",
        "f(os.listdir(d), sorted(other))",
        "x = os.listdir(sorted(ds)[0])",
        "x = sorted(os.listdir(a)) + os.listdir(b)",
        "if os.listdir(d) == ['a', 'b']: pass",
        "for f in generator: pass",
        "return os.listdir(d)",
        "x = (",
        "",
    ],
)
def test_anything_else_is_not(line: str) -> None:
    assert not is_sorted(line, 1)


def test_a_call_over_several_lines_and_a_sort_in_the_same_function_alone_count() -> None:
    source = (
        "def f(d):\n    x = os.listdir(\n        d)\n    x.sort()\ndef g(d):\n    x = os.listdir(d)\n    return x\n"
    )

    assert is_sorted(source, 3)
    assert not is_sorted(source, 6)
