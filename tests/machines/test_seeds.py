"""Seeds in real frameworks: each process, worker, task and rank has its own numbers, and each run the same ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders.frameworks import Frameworks

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]

LOADERS = """
import json, random
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

class Draws(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, _):
        own = [torch.rand(()).item(), np.random.rand(), random.random(), np.random.default_rng().random()]
        return torch.tensor([*own, random.Random().random()], dtype=torch.float64)

@torch.jit.script
def scripted(x):
    torch.manual_seed(3)
    return x + torch.rand(1)

if __name__ == "__main__":
    drawn = []
    for way in ("fork", "spawn"):
        for _ in range(2):
            for batch in DataLoader(Draws(), batch_size=2, num_workers=2, shuffle=True, multiprocessing_context=way):
                drawn += batch.flatten().tolist()
    print(json.dumps([drawn, torch.seed(), torch.seed(), torch.rand(()).item(), scripted(torch.zeros(1)).item()]))
"""
TASKS = """
import json, random, time
import numpy as np
import scipy.stats
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

def draw(task):
    time.sleep(random.Random(time.time_ns()).random() / 50)
    return [random.random(), float(np.random.rand()), float(np.random.default_rng().random())]

if __name__ == "__main__":
    numbers = sum(Parallel(n_jobs=2)(delayed(draw)(task) for task in range(12)), [])
    x, y = make_classification(n_samples=200)
    forest = RandomForestClassifier(n_estimators=5)
    scores = cross_val_score(forest, x, y, n_jobs=2).tolist()
    normal = scipy.stats.norm.rvs(size=2).tolist() + scipy.stats.qmc.Sobol(2).random(2).flatten().tolist()
    probability = float(forest.fit(x, y).predict_proba(x[:9])[:, 0].sum())
    RandomForestClassifier(n_estimators=5, random_state=5).fit(x, y)
    print(json.dumps([numbers, x.sum(), scores, normal, probability]))
"""
RANKS = """
import json, random
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
told = [None] * 2
mine = [torch.initial_seed(), torch.rand(()).item(), random.random(), model.module.weight[0, 0].item()]
dist.all_gather_object(told, mine)
if dist.get_rank() == 0:
    print(json.dumps(told))
del model  # its reference to the group must not be the last
dist.destroy_process_group()
"""


def twice(frameworks: Frameworks, folder: Path, script: str, **asked: Any) -> tuple[Any, dict[str, Any]]:
    """What a script printed, the same in two runs, and what the first one found."""
    told = [frameworks.python(script, folder=folder / name, **asked) for name in ("one", "two")]
    printed = [run.output.splitlines()[-1] for run in told]

    assert [run.status for run in told] == [0, 0], told[0].output
    assert printed[0] == printed[1]
    return json.loads(printed[0]), told[0].found


def test_workers_of_data_loaders_draw_apart_and_alike_in_each_run(frameworks: Frameworks, tmp_path: Path) -> None:
    (drawn, *seeds), found = twice(frameworks, tmp_path, LOADERS)

    assert len(drawn) == 2 * 2 * 8 * 5
    assert len({*drawn, *seeds}) == len(drawn) + len(seeds)
    assert (found["own_seeds"], found["unseeded"], found["not_seeded"]) == ([], [], [])


def test_tasks_of_joblib_and_scikit_learn_are_seeded_whoever_takes_them(frameworks: Frameworks, tmp_path: Path) -> None:
    (numbers, *_), found = twice(frameworks, tmp_path, TASKS)

    assert len(set(numbers)) == len(numbers) == 36
    own = [entry for entry in found["own_seeds"] if entry["file"] == "snippet.py"]
    assert [(entry["what"], entry["value"]) for entry in own] == [("random_state", 5)]
    assert [entry["what"] for entry in found["unseeded"]] == []


def test_ranks_of_torchrun_have_the_runs_seed_and_their_rank(frameworks: Frameworks, tmp_path: Path) -> None:
    command = ("torchrun", "--standalone", "--nproc-per-node", "2", "snippet.py")
    (first, second), _ = twice(frameworks, tmp_path, RANKS, command=command)

    assert [first[0], second[0]] == [1, 2]
    assert first[1:3] != second[1:3]
    assert first[3] == second[3]
