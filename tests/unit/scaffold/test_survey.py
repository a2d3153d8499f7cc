import pytest
from builders.samples import SAMPLES, folder_of

from reprobuild.scaffold.choice import choose
from reprobuild.scaffold.command import draft_command
from reprobuild.scaffold.plan import plan
from reprobuild.scaffold.survey import Survey, survey

Files = dict[str, str | bytes]
FIT = "from sklearn.svm import SVC\nSVC().fit([[1]], [1])\n"


def seen(files: Files) -> Survey:
    return survey(folder_of(files))


@pytest.mark.parametrize(
    ("files", "script"),
    [
        ({"train.py": "", "main.py": FIT}, "train.py"),
        ({"prepare.py": "x = 1", "model/fit_all.py": FIT}, "model/fit_all.py"),
        ({"app.py": FIT, "tests/test_train.py": FIT, "docs/train.py": FIT}, "app.py"),
        ({"train_gan.py": FIT, "utils.py": "", "Dockerfile": "FROM x\nCMD python utils.py"}, "utils.py"),
        ({"only.py": "if __name__ == '__main__': print(1)\n"}, "only.py"),
        ({"a.py": "x = 1\n", "b.py": "y = 1\n"}, None),
        ({"setup.py": "if __name__ == '__main__': print(1)\n", "a.py": ""}, None),
        ({}, None),
    ],
)
def test_the_training_script_is_chosen_by_name_and_by_what_it_does(files: Files, script: str | None) -> None:
    found = seen(files).script

    assert (found.path if found else None) == script


@pytest.mark.parametrize(
    ("imports", "archetype"),
    [
        ("import pandas\nimport torchvision\n", "vision"),
        ("import sklearn.svm\nfrom transformers import Trainer\n", "text"),
        ("from sklearn import svm\n", "tabular"),
        ("import torch\n", "generic"),
    ],
)
def test_imports_tell_the_archetype(imports: str, archetype: str) -> None:
    assert choose(seen({"train.py": imports}), None, ()).archetype == archetype


def test_only_what_the_training_imports_is_required_and_its_own_files_are_not() -> None:
    files: Files = {
        "train.py": "import yaml, own, pkg.deep\nfrom . import x\nif TYPE_CHECKING:\n    import mypy\nimport json\n",
        "own.py": "import cv2\nimport google.cloud.storage\n",
        "pkg/deep.py": "from ..own import y\nimport numpy as np\n",
        "other.py": "import unrelated\n",
        "tests/test_x.py": "import pytest\n",
    }

    assert [package.name for package in seen(files).packages] == [
        "google-cloud-storage",
        "numpy",
        "opencv-python-headless",
        "pyyaml",
    ]


def test_how_python_is_started_follows_what_the_script_imports() -> None:
    beside: Files = {"scripts/train.py": "import helper\n" + FIT, "scripts/helper.py": ""}
    top: Files = {"scripts/train.py": "from pkg import x\n" + FIT, "pkg/__init__.py": "", "pkg/x.py": ""}
    odd: Files = {"my-scripts/train.py": "from pkg import x\n" + FIT, "pkg/__init__.py": "", "pkg/x.py": ""}
    source: Files = {"train.py": "import pkg\n" + FIT, "src/pkg/__init__.py": ""}

    assert draft_command(seen(beside)).words == ("python", "scripts/train.py")
    assert draft_command(seen(top)).words == ("python", "-m", "scripts.train")
    assert draft_command(seen(odd)).words[:2] == ("sh", "-c")
    assert draft_command(seen(source)).words[:2] == ("sh", "-c")


def test_data_outputs_and_parameters_are_told_apart() -> None:
    places = seen(
        {
            "train.py": FIT
            + "a = open('data/a.csv').read()\nb = np.load('data/b.npy')\nyaml.safe_load(open('conf/run.yaml'))\n"
            "json.load(open('data/labels.json'))\npd.read_csv('/mnt/big/c.csv')\npd.read_csv('gone.csv')\n"
            "torch.save(m, 'models/m.pt')\ntorch.save(m, f'models/{epoch}.pt')\nplt.savefig('fig.svg')\n"
            "df.to_csv('data/made.csv')\nopen('train.log', 'w')\nopen('/tmp/x', 'w')\nopen('../up', 'w')\n"
            "Path('scores.json').write_text(json.dumps({'f1': 1}))\nopen('history.json', 'w').write('')\n"
            "if False:\n    np.save('never.npy', 1)\n",
            "data/a.csv": "1",
            "data/b.npy": b"1",
            "data/labels.json": "[1, 2]",
            "conf/run.yaml": "lr: 1\n",
        }
    ).places

    assert {found.value for _, found in places.data} == {"data/a.csv", "data/b.npy", "data/labels.json"}
    assert [found.value for found in places.params] == ["conf/run.yaml"]
    assert [found.value for found in places.outputs] == ["data/made.csv", "history.json", "models"]
    assert places.metrics
    assert (places.metrics.value, places.metric_names) == ("scores.json", ("f1",))
    remarks = "\n".join((*places.output_remarks, *places.data_remarks))
    for told in ("fig.svg", "train.log", "../up", "never.npy", "/mnt/big/c.csv", "gone.csv"):
        assert told in remarks
    assert "/tmp/x" not in remarks


def test_a_file_of_nested_results_is_an_output_and_no_metrics() -> None:
    text = FIT + "r = {'a': [1, 2]}\nwith open('results.json', 'w') as f:\n    json.dump(r, f)\n"

    places = seen({"train.py": text}).places

    assert places.metrics is None
    assert [found.value for found in places.outputs] == ["results.json"]


def test_a_folder_with_code_in_it_is_no_output() -> None:
    found = seen({"train.py": FIT + "torch.save(m, f'models/{epoch}.pt')\n", "models/__init__.py": ""})

    assert found.places.outputs == ()
    assert "there is code in that folder" in found.places.output_remarks[0]


def test_outputs_never_lie_in_data_nor_in_each_other() -> None:
    text = FIT + "os.listdir('data')\nnp.save('data/x.npy', 1)\nnp.save('out/a/x.npy', 1)\nm.save_pretrained('out')\n"

    places = seen({"train.py": text, "data/raw.csv": "1"}).places

    assert [found.value for found in places.outputs] == ["data/x.npy", "out"]
    assert places.data == ()


def test_what_needs_a_network_or_a_person_is_said() -> None:
    text = FIT + "d = fetch_openml('x')\nwandb.init()\nN_EPOCHS = 3\nsys.argv[1]\ntorch.set_num_threads(3)\n"
    found = seen({"train.py": text})

    written = plan(found, choose(found, None, ()), {})[0].text

    for told in ("fetch_openml may want a network", "wandb.init reports to a server", "N_EPOCHS (line 5)", "sys.argv"):
        assert told in written
    assert "threads = 3 " in written


def test_the_survey_depends_on_nothing_but_the_folder() -> None:
    files = SAMPLES["vision"]
    backwards = dict(reversed(files.items()))

    assert seen(files).packages == seen(backwards).packages
    assert [file.text for file in plan(seen(files), choose(seen(files), None, ()), {})] == [
        file.text for file in plan(seen(backwards), choose(seen(backwards), None, ()), {})
    ]
