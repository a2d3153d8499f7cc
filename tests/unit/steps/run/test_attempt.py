"""What a run is given."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from builders.bundles import ScriptedEngine, make_test_bundle
from builders.images import image_base
from builders.results import make_asked

from reprobuild.record.request import OWN_VARIABLES
from reprobuild.steps.image.prepare import image_environment
from reprobuild.steps.run.attempt import Request, run_environment


def test_every_variable_that_a_run_sets_is_refused_in_a_project(tmp_path: Path) -> None:
    def train(_work: Path, environment: Mapping[str, str]) -> int:
        seen.update(environment)
        return 0

    seen: dict[str, str] = {}
    make_test_bundle(tmp_path, ScriptedEngine(train))
    own = {name for name in seen if not name.startswith("REPROBUILD_")}

    assert {"REPROBUILD_SEED", "REPROBUILD_PARAMS", "PYTHONHASHSEED", "OMP_NUM_THREADS"} <= seen.keys()
    # PYTHONPATH is not replaced: what a user passes is put behind our own; LANG may be the user's.
    assert own - {"PYTHONPATH", "LANG"} == OWN_VARIABLES


def test_a_run_that_asks_for_no_gpu_gets_none_of_an_engine_that_would_give_all() -> None:
    base = image_base(environment={"LANG": "C", "NVIDIA_VISIBLE_DEVICES": "all"})

    assert image_environment(base, gpu=False) == {"LANG": "C", "NVIDIA_VISIBLE_DEVICES": "void"}
    assert image_environment(base, gpu=True) == base.environment
    assert image_environment(image_base(), gpu=False) == image_base().environment
    old = image_base(environment={"CUDA_VERSION": "10.2"})
    assert image_environment(old, gpu=False) == {"CUDA_VERSION": "10.2", "NVIDIA_VISIBLE_DEVICES": "void"}


def test_a_profile_sets_its_variables_whatever_the_user_passes(tmp_path: Path) -> None:
    asked = make_asked().model_copy(update={"numerics": "portable", "threads": 3, "env": ("OPENBLAS_CORETYPE", "TERM")})
    request = Request(asked, tmp_path, {}, {"OPENBLAS_CORETYPE": "Zen", "TERM": "xterm"})

    portable = run_environment(request, image_base())
    native = run_environment(replace(request, asked=asked.model_copy(update={"numerics": "native"})), image_base())

    assert (portable["OPENBLAS_CORETYPE"], portable["OMP_NUM_THREADS"], portable["TERM"]) == ("Haswell", "3", "xterm")
    assert native["OPENBLAS_CORETYPE"] == "Zen"
    assert "OMP_DYNAMIC" not in native
