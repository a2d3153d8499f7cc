import pytest

from reprobuild.ground.errors import InputError
from reprobuild.lock.conda.environment import Environment, parse_environment

GOOD = """\
name: training
channels: [conda-forge, team/label/dev, nodefaults, team]
dependencies:
  - python=3.11
  - numpy >=2  # [linux64]
  - team::special=1.0
platforms: [linux-64, osx-arm64]
"""

LAUGHS = (
    "prefix:\n- &a0 [x]\n"
    + "".join(f"- &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 13))
    + "channels: [a]\ndependencies: [*a12]\n"
)
"""A few lines whose aliases written out are terabytes."""


def test_channels_and_dependencies_are_read() -> None:
    assert parse_environment(GOOD.encode(), "environment.yml") == Environment(
        ("conda-forge", "team/label/dev", "team"), ("python=3.11", "numpy >=2", "team::special=1.0")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channels: ['https://user:secret@channel.example/x']\ndependencies: [a]", "a URL with credentials"),
        ("channels: ['https://channel.example/t/secret/x']\ndependencies: [a]", "a URL with credentials"),
        ("channels: ['https://channel.example/x']\ndependencies: [a]", "is no channel's name"),
        ("channels: [$TOKEN]\ndependencies: [a]", "is no channel's name"),
        ("channels: [/srv/channel]\ndependencies: [a]", "is no channel's name"),
        ("channels: [a/../b]\ndependencies: [a]", "is no channel's name"),
        ("channels: []\ndependencies: [a]", "channels: none"),
        ("dependencies: [a]", "channels: none"),
        ("channels: [a]", "dependencies: none"),
        ("channels: [a]\ndependencies: [{pip: [torch]}]", "wheels are locked by reprobuild.toml"),
        ("channels: [a]\ndependencies: [{other: x}]", "is no package"),
        ("channels: [a]\ndependencies: [--insecure]", "is no package"),
        ("channels: [a]\ndependencies: ['https://channel.example/x.conda']", "a URL is no package"),
        ("channels: [a]\ndependencies: ['https://u:secret@channel.example::x']", "dependencies: a URL is no package"),
        ("channels: [a]\ndependencies: ['x[channel=b]']", "is no package"),
        ("channels: [a]\ndependencies: ['b::x']", "dependencies: x: b is none of its channels"),
        ('channels: [a]\ndependencies: ["a\\nb"]', "is no package"),
        ("channels: [a]\ndependencies: [a]\nvariables: {A: b}", "variables: unknown key"),
        ("channels: a\ndependencies: [a]", "channels: not a list"),
        ("channels: [a]\ndependencies: [a]\nplatforms: [osx-64]", "images are linux-64"),
        ("- a", "not a mapping"),
        ("a: [", "not YAML"),
        ("\0", "not YAML"),
        ("[" * 5000, "not YAML"),
        (LAUGHS, "is no package"),
        ("", "not a mapping"),
    ],
)
def test_bad_environments_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_environment(text.encode(), "environment.yml")

    assert str(caught.value).startswith("environment.yml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_environment_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="larger than"):
        parse_environment(b"#" * (2 << 20), "environment.yml")
