"""The injected runtime in real interpreters; frameworks that are not installed are played by small modules."""

import ast
import random
import sys
from pathlib import Path

import pytest
from builders.scripts import RUNTIME, SEED, TORCH, Run, install

OWN = {"reprobuild_inside", "reprobuild_probe"}
"""Packages of the runtime."""
PROBED = {"numpy", "scipy", "torch"}


def test_python_is_seeded_before_the_first_line(tmp_path: Path) -> None:
    script = "import random, json; print(json.dumps([random.random(), hash('a')]))"
    (tmp_path / "other").mkdir()
    run, again = Run(tmp_path, script), Run(tmp_path / "other", script)

    assert run.printed == again.printed
    assert run.printed[0] == random.Random(SEED).random()
    assert run.main["seeds"] == {"PYTHONHASHSEED": SEED, "random": SEED}


def test_no_framework_is_imported_that_the_script_does_not_import(tmp_path: Path) -> None:
    script = "import sys, json; print(json.dumps(sorted({'numpy', 'torch', 'tensorflow', 'jax'} & set(sys.modules))))"

    assert Run(tmp_path, script).printed == []


def test_numpy_is_seeded_when_it_is_imported_however_deep(tmp_path: Path) -> None:
    install(tmp_path, "deep", "from numpy import random")
    script = "import json, deep, numpy; print(json.dumps([deep.random.rand(), type(numpy.__loader__).__name__]))"

    import numpy as np

    run = Run(tmp_path, script)

    assert run.printed == [np.random.RandomState(SEED).rand(), "SourceFileLoader"]
    assert run.main["seeds"]["numpy"] == SEED
    assert any(library["name"] == "openblas" and library["threads"] >= 1 for library in run.main["libraries"])
    assert run.main["packages"]["numpy"] == np.__version__


def test_looking_for_a_framework_is_no_import_and_does_not_spoil_the_seeding(tmp_path: Path) -> None:
    install(tmp_path, "torch", TORCH)
    script = (
        "import importlib.util, sys, json\n"
        "found = importlib.util.find_spec('torch'), importlib.util.find_spec('tensorflow'), 'torch' in sys.modules\n"
        "import torch\n"
        "print(json.dumps([bool(found[0]), bool(found[1]), found[2], torch.calls]))\n"
    )

    there, elsewhere, imported, calls = Run(tmp_path, script).printed

    assert (there, elsewhere, imported) == (True, False, False)
    assert ["manual_seed", SEED] in calls


def test_torch_gets_its_seed_threads_and_deterministic_switches(tmp_path: Path) -> None:
    install(tmp_path, "torch", TORCH)

    run = Run(tmp_path, "import torch, json; print(json.dumps([torch.calls, vars(torch.backends.cudnn)]))")
    calls, cudnn = run.printed

    assert calls == [["manual_seed", SEED], ["set_num_threads", 2], ["deterministic", "warn"]]
    assert cudnn == {"benchmark": False, "deterministic": True}
    assert run.main["seeds"]["torch"] == SEED
    assert run.main["switches"]["torch.use_deterministic_algorithms"] is True


def test_a_seed_that_the_script_sets_itself_is_what_was_in_force(tmp_path: Path) -> None:
    install(tmp_path, "torch", TORCH)

    run = Run(tmp_path, "import torch; torch.manual_seed(42); print(1)")

    assert run.main["seeds"]["torch"] == 42


def test_tensorflow_and_jax_are_set_up_too(tmp_path: Path) -> None:
    tensorflow = (
        "import types\ncalls = []\nspace = types.SimpleNamespace\nrandom = space(set_seed=calls.append)\n"
        "config = space(experimental=space(enable_op_determinism=lambda: calls.append('determinism')),\n"
        "  threading=space(set_intra_op_parallelism_threads=calls.append))\n"
    )
    install(tmp_path, "tensorflow", tensorflow)
    install(
        tmp_path, "jax", "import types\ncalls=[]\nconfig = types.SimpleNamespace(update=lambda *a: calls.append(a))"
    )

    run = Run(tmp_path, "import tensorflow, jax, json; print(json.dumps([tensorflow.calls, jax.calls]))")

    assert run.printed == [[SEED, "determinism", 2], [["jax_threefry_partitionable", True]]]
    assert run.main["seeds"]["tensorflow"] == SEED


def test_a_framework_that_cannot_be_set_up_is_told_and_the_training_goes_on(tmp_path: Path) -> None:
    install(tmp_path, "torch", "initial_seed = are_deterministic_algorithms_enabled = 1")

    run = Run(tmp_path, "import torch; print(1)")

    assert run.printed == 1
    assert any("torch: AttributeError" in problem for problem in run.main["problems"])


def test_a_framework_whose_first_import_fails_is_seeded_by_the_second(tmp_path: Path) -> None:
    install(tmp_path, "torch", "import os\nif not os.environ.get('GOOD'): raise ImportError('no driver')\n" + TORCH)
    script = (
        "import os, json\ntry:\n    import torch\nexcept ImportError: pass\nos.environ['GOOD'] = '1'\n"
        "import torch\nprint(json.dumps(torch.calls[0]))"
    )

    assert Run(tmp_path, script).printed == ["manual_seed", SEED]


@pytest.mark.parametrize("way", ["subprocess", "spawn", "forkserver", "fork"])
def test_children_have_their_own_seed_and_tell_of_themselves(tmp_path: Path, way: str) -> None:
    draw = "[random.random(), float(numpy.random.rand()), hash('a')]"
    script = f"""
import json, multiprocessing, random, subprocess, sys
def draw(_=0):
    import numpy
    return {draw}
if __name__ == "__main__":
    if "{way}" == "subprocess":
        out = subprocess.check_output([sys.executable, "-c", "import json, random, numpy; print(json.dumps({draw}))"])
        child = json.loads(out)
    else:
        with multiprocessing.get_context("{way}").Pool(1) as pool:
            [child] = pool.map(draw, [0])
    print(json.dumps([child, draw()]))
"""
    run = Run(tmp_path, script)
    child, own = run.printed

    assert child[2] == own[2]
    assert len({*child[:2], *own[:2]}) == 4
    assert len({told["seeds"]["random"] for told in run.told}) == len(run.told) > 1
    assert run.main["complete"] is True


def test_a_process_that_ends_abruptly_leaves_what_was_known_and_says_that_it_is_not_all(tmp_path: Path) -> None:
    run = Run(tmp_path, "import numpy, os; os._exit(3)")

    assert run.done.returncode == 3
    assert run.main["complete"] is False
    assert run.main["seeds"]["numpy"] == SEED
    assert "packages" not in run.main


def test_a_script_that_replaces_its_process_by_another_python_is_still_the_main_one(tmp_path: Path) -> None:
    script = "import os, sys\nif len(sys.argv) == 1: os.execv(sys.executable, [sys.executable, 'train.py', '2'])\n"

    run = Run(tmp_path, script + "import numpy; print(1)")

    assert run.main["complete"] is True
    assert run.main["seeds"]["numpy"] == SEED


def test_an_exit_status_and_an_exception_are_the_scripts_own(tmp_path: Path) -> None:
    assert Run(tmp_path, "import sys; sys.exit(7)").done.returncode == 7
    failed = Run(tmp_path, "raise ValueError('mine')").done
    assert failed.returncode == 1
    assert failed.stderr.endswith("ValueError: mine\n")
    assert "reprobuild" not in failed.stderr


def test_a_sitecustomize_of_the_image_still_runs(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "sitecustomize.py").write_text("import builtins; builtins.mine = 5")

    assert Run(tmp_path, "print(mine)").printed == 5


def test_a_folder_of_results_that_is_gone_does_not_end_the_training(tmp_path: Path) -> None:
    run = Run(tmp_path, "print(1)", {"REPROBUILD_FOUND": str(tmp_path / "gone")})

    assert run.printed == 1
    assert "cannot tell what was in force" in run.done.stderr


@pytest.mark.parametrize("path", sorted(RUNTIME.rglob("*.py")), ids=lambda path: path.name)
def test_the_runtime_is_python_3_8_and_needs_the_standard_library_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    late = {id(node) for call in ast.walk(tree) if isinstance(call, ast.FunctionDef) for node in ast.walk(call)}
    names = {
        *((alias.name, node) for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names),
        *((node.module or "", node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level),
    }

    for name, node in names:
        root = name.partition(".")[0]
        probed = id(node) in late and path.parent.name == "reprobuild_probe"  # what it probes, once it is there
        assert root in sys.stdlib_module_names | OWN | (PROBED if probed else set()), name
