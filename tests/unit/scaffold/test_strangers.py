"""Whatever texts lie in a folder, a project comes out that reads."""

import time
from pathlib import Path

import pytest
from builders.samples import SAMPLES, folder_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reprobuild.project.read import parse_project
from reprobuild.scaffold.choice import choose
from reprobuild.scaffold.dockerfile import read_dockerfile
from reprobuild.scaffold.plan import plan
from reprobuild.scaffold.report import as_document
from reprobuild.scaffold.survey import survey

pytestmark = pytest.mark.slow
NAMES = ("train.py", "requirements.txt", "pyproject.toml", "environment.yml", "Dockerfile", "params.yaml", "lib/x.py")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "out/x",
        "data",
        "../x",
        "/mnt/x",
        ".git/x",
        "a\\b",
        "{",
        "\0",
        "\ud800".encode("unicode-escape").decode(),
        '"',
        "#",
    ]
)


def project_of(files: dict[str, str | bytes]) -> dict[str, str]:
    seen = survey(folder_of(files))
    choice = choose(seen, None, ())
    as_document(seen, choice)
    made = {file.path: file.text for file in plan(seen, choice, {})}
    parse_project(made["reprobuild.toml"].encode(), Path())
    for text in made.values():
        text.encode()
    return made


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """A script of the right shapes with a stranger's words in it."""
    word = st.builds(repr, WORDS)
    lines = [
        f"p.add_argument({draw(word)}, default={draw(word)})",
        f"p.add_argument('--' + {draw(word)}, type=int, default={draw(st.integers())})",
        f"np.save({draw(word)}, model.fit(1))",
        f"torch.save(m, os.path.join({draw(word)}, f'{{epoch}}.pt'))",
        f"open({draw(word)}, 'w').write(json.dumps({{{draw(word)}: 1}}))",
        f"json.dump({{{draw(word)}: 1}}, open({draw(word)} + '/metrics.json', 'w'))",
        f"pd.read_csv({draw(word)})",
        f"seed = {draw(st.integers())}",
        f"X(n_jobs={draw(st.integers())}, random_state={draw(st.integers())})",
        draw(word),
    ]
    return "\n".join(draw(st.permutations(lines)))


@given(scripts())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("np.save('\\udc80.npy', 1)\np.add_argument('--x', default='\\udc80')\nm.fit()\n")
@example("torch.save(m, f'out/{e}')\nnp.save('out/a/b', 1)\nnp.save(f'out/a/{e}', 1)\nopen('out/metrics.json', 'w')\n")
@example("np.save('train.py', 1)\nnp.save('lib', 1)\nnp.save('params.yaml', m.fit())\n")
@example("torch.save(m, f'conf/{e}.pt')\nyaml.load(open('conf/run.yaml'))\nm.fit()\n")
def test_a_strangers_script_gives_a_project(script: str) -> None:
    files: dict[str, str | bytes] = {
        "lib/x.py": "",
        "params.yaml": "a: 1\n",
        "conf/run.yaml": "b: 1\n",
        "data/a.csv": "",
    }

    project_of({**files, "train.py": script})


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs"]), max_size=200)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_texts_give_a_project(texts: dict[str, str]) -> None:
    project_of(dict(texts))


@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 3000), st.text(max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_sample_gives_a_project(name: str, place: int, damage: str) -> None:
    damaged: dict[str, str | bytes] = {
        path: text[: place % (len(text) + 1)]
        + damage.encode("utf-8", "replace").decode()
        + text[place % (len(text) + 1) :]
        for path, text in SAMPLES[name].items()
        if isinstance(text, str)
    }

    project_of(damaged)


@pytest.mark.parametrize(
    "text",
    [
        "[project]\ndependencies = [['x']]\nname = 3\nrequires-python = 3\n",
        "[tool.poetry.dependencies]\nx = []\npython = 3\ny = {version = 3}\n",
        "[project]\nname = ''\n",
    ],
)
def test_a_pyproject_of_wrong_types_gives_a_project(text: str) -> None:
    assert 'name = "sample"' in project_of({"pyproject.toml": text})["reprobuild.toml"]


LONG = 200_000


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "a" * LONG),
        ("requirements.txt", "-e " * (LONG // 3)),
        ("pyproject.toml", f"[project]\ndependencies = ['{'a b' * (LONG // 3)}']\nrequires-python = '{'>' * LONG}'\n"),
        ("environment.yml", f"dependencies: [{'a' * LONG}]\nchannels: [{'b' * LONG}]\n"),
        ("Dockerfile", "FROM " + "a" * LONG),
        ("Dockerfile", "FROM x\nRUN " + "apt-get install -y " * (LONG // 20)),
        ("Dockerfile", "FROM x\nRUN apt-get install " + " ".join(f"lib{number}" for number in range(LONG // 8))),
        ("train.py", "x = '" + "a" * LONG + "'\nopen(x, 'w')\nmodel.fit()\n"),
        ("train.py", "import " + "a" * LONG + "\nmodel.fit()\n"),
        ("train.py", "model.fit()\n" + "open('a/' + x + '/b', 'w')\n" * (LONG // 30)),
        ("params.yaml", "a: " + "[" * LONG),
    ],
    ids=lambda text: text[:20],
)
def test_long_texts_cost_seconds_at_most(path: str, text: str) -> None:
    began = time.process_time()

    project_of({path: text})

    assert time.process_time() - began < 10


@given(st.text())
@settings(deadline=None)
def test_any_dockerfile_is_read(text: str) -> None:
    read_dockerfile("Dockerfile", f"FROM x\nRUN {text}\n{text}")


def test_what_a_run_would_hide_or_lose_is_no_output() -> None:
    script = "torch.save(m, f'conf/{e}.pt')\nyaml.load(open('conf/run.yaml'))\nnp.save('train.py', m.fit())\n"

    made = project_of({"train.py": script, "conf/run.yaml": "b: 1\n"})["reprobuild.toml"]

    assert "train.py:1 writes conf: there is something in that folder that the training reads" in made
    assert "train.py:3 writes train.py: not a place for results" in made
    assert '# outputs = ["out/model.npz"]' in made
