import textwrap

import pytest

from reprobuild.scaffold.arguments import CommandLine, read_command_line
from reprobuild.scaffold.command import hyperparameter
from reprobuild.scaffold.syntax import Syntax


def read(text: str) -> CommandLine:
    return read_command_line(Syntax(textwrap.dedent(text)), "train.py")


def passed(text: str) -> dict[str, object]:
    """Option or name to the value that would be passed."""
    found = {item.option or item.name: hyperparameter(item) for item in read(text).arguments}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("'--epochs', type=int, default=3", 3),
        ("'-e', '--epochs', type=int, default=1e3", 1000),
        ("'--epochs', type=float, default=1", 1.0),
        ("'--epochs', type=float, default=-0.5", -0.5),
        ("'--epochs', default='adam', choices=['adam', 'sgd']", "adam"),
        ("'--epochs', type=str, default='adam'", "adam"),
        ("'--epochs', default=3", None),  # a word would reach the script as a text
        ("'--epochs', type=int, default=1.5", None),
        ("'--epochs', type=int, default=True", None),
        ("'--epochs', type=int", None),
        ("'--epochs', type=lambda x: x, default=3", None),
        ("'--epochs', type=int, default=3, nargs='+'", None),
        ("'--epochs', action='store_true'", None),
        ("'--epochs', action='append', default='x'", None),
        ("'--epochs', default='data/train.csv'", None),
        ("'--epochs', default='-x'", None),
        ("'--epochs', default='https://user:word@example.org'", None),
        ("'--epochs', type=float, default=float('inf')", None),
        ("'--epochs', type=float, default=1e999", None),
        ("'--epochs', type=int, default=10**30", None),
        ("'--epochs', type=int, default=1000000000000000000000", None),
        ("'--epochs', type=int, default=DEFAULT", 8),
    ],
)
def test_an_argument_is_passed_only_when_that_changes_nothing(argument: str, value: object) -> None:
    text = f"DEFAULT = 8\nimport argparse\np = argparse.ArgumentParser()\np.add_argument({argument})\n"

    assert passed(text).get("--epochs") == value


def test_a_seed_is_no_hyperparameter_and_excluding_ones_are_not_passed() -> None:
    text = """
    p.add_argument("--seed", type=int, default=1)
    g = p.add_mutually_exclusive_group()
    g.add_argument("--sgd", type=float, default=0.1)
    p.add_argument("--lr", dest="rate", type=float, default=0.1)
    p.add_argument("--output-dir", default="runs")
    p.add_argument("epochs", type=int, default=3, nargs="?")
    """

    assert passed(text) == {"--lr": 0.1}
    assert [item.name for item in read(text).arguments] == ["seed", "sgd", "rate", "output_dir", "epochs"]


def test_click_options_tell_their_type_by_their_default() -> None:
    text = """
    import click
    @click.command()
    @click.option("--epochs", "-e", default=3)
    @click.option("--rate", "lr", type=float, default=1)
    @click.option("--fast/--slow", default=True)
    @click.option("--verbose", is_flag=True)
    @click.option("--layers", multiple=True, default=[1])
    @click.argument("source")
    def main(**words): ...
    """

    assert passed(text) == {"--epochs": 3, "--rate": 1.0}
    assert {item.name for item in read(text).arguments if item.required} == {"source"}
    assert "lr" in read(text).defaults
    assert read(text).defaults["verbose"] is False


@pytest.mark.parametrize("start", ["typer.run(main)", "app = typer.Typer()"])
def test_typer_parameters_are_options_with_their_annotations(start: str) -> None:
    decorator = "@app.command()" if "app" in start else ""
    text = f"""
    import typer
    from typing import Annotated
    {decorator}
    def main(
        source: str,
        epochs: int = 3,
        rate: float = typer.Option(1e-3, "--lr"),
        kind: Annotated[str, typer.Option("--model")] = "small",
        fast: bool = False,
        *,
        weight_decay: float = 0.0,
    ): ...
    def other(unused: int = 1): ...
    {start}
    """

    assert passed(text) == {"--epochs": 3, "--lr": 0.001, "--model": "small", "--weight-decay": 0.0}
    assert [item.name for item in read(text).arguments if item.required] == ["source"]


@pytest.mark.parametrize(
    "text",
    [
        "s = p.add_subparsers()\nt = s.add_parser('train')\n",
        "@app.command()\ndef train(n: int = 1): ...\n@app.command()\ndef test(n: int = 1): ...\n",
        "@click.group()\ndef main(): ...\n",
    ],
)
def test_subcommands_are_noticed(text: str) -> None:
    assert read(text).subcommands == 1
