import ast
import time

import pytest

from reprobuild.scaffold.syntax import Syntax
from reprobuild.scaffold.values import HOLE, UNKNOWN, Values

NAMES = """
OUT = Path("out")
NAME = "model"
HERE = Path(__file__).resolve().parent
twice = 1
twice = 2
for epoch in range(3): pass
"""


def value(expression: str, before: str = NAMES) -> object:
    syntax = Syntax(f"{before}\nresult = {expression}\n")
    return Values(syntax, "scripts/train.py", {"out_dir": "runs", "lr": 0.1, "fast": False}).of(
        syntax.all(ast.Assign)[-1].value
    )


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        ("OUT / 'model.pt'", "out/model.pt"),
        ("OUT / NAME / 'x'", "out/model/x"),
        ("os.path.join('a', NAME, '../b')", "a/b"),
        ("'a/' + NAME + '.pt'", "a/model.pt"),
        ("f'{OUT}/{NAME}.pt'", "out/model.pt"),
        ("f'{args.out_dir}/{epoch}.pt'", f"runs/{HOLE}.pt"),
        ("str(OUT / 'x')", "out/x"),
        ("'%s/net_%d.pth' % (args.out_dir, 3)", f"runs/net_{HOLE}.pth"),
        ("'%s.pt' % NAME", "model.pt"),
        ("'{}/{}_{:03d}.pt'.format(args.out_dir, NAME, 3)", f"runs/model_{HOLE}.pt"),
        ("'{}/{name}'.format(args.out_dir, name=epoch)", f"runs/{HOLE}"),
        ("HERE / 'x.csv'", "scripts/x.csv"),
        ("HERE.parent / 'data' / 'x.csv'", "data/x.csv"),
        ("os.path.dirname(__file__)", "scripts"),
        ("Path('a').joinpath('b', 'c')", "a/b/c"),
        ("args.lr", 0.1),
        ("not args.fast", True),
        ("args.fast and unknown", False),
        ("args.lr or unknown", True),
        ("args.out_dir == 'runs'", True),
        ("args.out_dir != 'runs'", False),
        ("-3", -3),
        ("twice", UNKNOWN),
        ("unknown and args.lr", UNKNOWN),
        ("OUT.name", UNKNOWN),
        ("', '.join(names)", UNKNOWN),
    ],
)
def test_what_a_reader_can_know_is_known(expression: str, known: object) -> None:
    assert value(expression) == known


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["a0 = 'xxxxxxxxxxxxxxxxxxxxx'", *(f"a{n + 1} = a{n} + a{n}" for n in range(60)), "result = a60"]),
        "result = " + "'a' + " * 500 + "'b'",
        "result = f'" + "{a}" * 5000 + "'",
        "result = Path(" * 100 + ")" * 100,
        "result = " + "not " * 90 + "a",
    ],
)
def test_a_strangers_expression_costs_little(text: str) -> None:
    syntax = Syntax(text)
    began = time.process_time()

    known = Values(syntax, "x.py", {}).of(syntax.all(ast.Assign)[-1].value)

    assert known is UNKNOWN or (isinstance(known, str) and len(known) < 3000)
    assert time.process_time() - began < 1
