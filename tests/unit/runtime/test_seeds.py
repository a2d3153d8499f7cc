"""Generators that a script makes without a seed, in one process and in its children."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from builders.scripts import SEED, TORCH, Run, install

UNSEEDED = """
import json, random
import numpy as np
from numpy.random import default_rng
values = [
    random.Random().random(),
    default_rng().random(),
    np.random.default_rng().random(),
    np.random.Generator(np.random.PCG64()).random(),
    np.random.RandomState().rand(),
    np.random.SeedSequence().entropy,
    np.random.default_rng(np.random.SeedSequence().spawn(1)[0]).random(),
    np.random.MT19937().random_raw(),
]
random.seed()
np.random.seed()
values += [random.random(), np.random.rand(), random.random()]
print(json.dumps([float(value) for value in values]))
"""


def run_in(folder: Path, script: str, **environment: str) -> Run:
    folder.mkdir(exist_ok=True)
    return Run(folder, script, environment)


def twice(tmp_path: Path, script: str) -> Any:
    """What a script printed, after it printed the same in another folder."""
    first, second = (run_in(tmp_path / name, script).printed for name in ("first", "second"))

    assert first == second
    return first


def test_generators_without_a_seed_are_all_different_and_the_same_in_each_run(tmp_path: Path) -> None:
    drawn = twice(tmp_path, UNSEEDED)

    assert len(set(drawn)) == len(drawn)
    assert run_in(tmp_path / "other", UNSEEDED, REPROBUILD_SEED="7").printed != drawn


def test_numpys_generators_stay_what_they_are(tmp_path: Path) -> None:
    script = """
import copy, json, pickle
import numpy as np
g = np.random.default_rng()
h, s = pickle.loads(pickle.dumps(g)), copy.deepcopy(np.random.RandomState())
assert pickle.loads(pickle.dumps(np.random.default_rng)) is np.random.default_rng
assert pickle.loads(pickle.dumps(np.random.seed)) is np.random.seed
types = [isinstance(g, np.random.Generator), isinstance(s, np.random.RandomState), type(g) is type(h)]
print(json.dumps([*types, g.random() == h.random(), g.bit_generator.seed_seq.entropy > 2**64]))
"""
    assert Run(tmp_path, script).printed == [True] * 5


def test_what_must_be_unique_stays_unique(tmp_path: Path) -> None:
    script = """
import json, os, random, secrets, tempfile, uuid
made = [str(uuid.uuid4()), secrets.token_hex(8), secrets.randbelow(2**60), os.urandom(8).hex(), tempfile.mktemp()]
print(json.dumps([*made, random.SystemRandom().random(), next(tempfile._get_candidate_names())]))
"""
    first, second = (run_in(tmp_path / name, script).printed for name in ("first", "second"))

    assert not {*map(str, first)} & {*map(str, second)}


def test_scipy_and_friends_take_numpys_generators(tmp_path: Path) -> None:
    script = (
        "import json, numpy as np\nprint(json.dumps(np.random.Generator(np.random.Philox()).normal(size=3).tolist()))"
    )

    assert len(twice(tmp_path, script)) == 3


CHILDREN = """
import json, multiprocessing, os, random, subprocess, sys
import numpy as np
AT_IMPORT = float(np.random.default_rng().random())
def draw():
    own = [random.random(), float(np.random.rand()), float(np.random.default_rng().random()), random.Random().random()]
    return own + [AT_IMPORT] * (WAY in ("spawn", "subprocess"))
WAY = "%s"
def work(queue):
    queue.put(draw())
if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(draw()))
        sys.exit()
    children = []
    for _ in range(3):
        if WAY == "subprocess":
            command = [sys.executable, __file__, "child"]
            children.append(json.loads(subprocess.check_output(command, env=dict(os.environ))))
        elif WAY == "os.fork":
            read, write = os.pipe()
            if os.fork() == 0:
                os.write(write, json.dumps(draw()).encode())
                os._exit(0)
            children.append(json.loads(os.read(read, 10000)))
        else:
            context = multiprocessing.get_context(WAY)
            queue = context.Queue()
            process = context.Process(target=work, args=(queue,))
            process.start()
            children.append(queue.get())
            process.join()
    print(json.dumps([draw(), *children]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver", "subprocess", "os.fork"])
def test_each_child_has_numbers_of_its_own_and_the_same_ones_in_each_run(tmp_path: Path, way: str) -> None:
    drawn = [value for process in twice(tmp_path, CHILDREN % way) for value in process]

    assert len(drawn) >= 16
    assert len(set(drawn)) == len(drawn)
    assert drawn[0] == random.Random(SEED).random()


def test_children_of_a_shared_environment_and_their_children_differ(tmp_path: Path) -> None:
    script = """
import json, os, random, subprocess, sys
environment = os.environ.copy()
deep = "import random, subprocess, sys; print(random.random()); sys.stdout.flush();" \\
       "subprocess.run([sys.executable, '-c', 'import random; print(random.random())'])"
command, write = [sys.executable, "-c", deep], "import random, sys; open(sys.argv[1], 'w').write(str(random.random()))"
out = [subprocess.run(command, env=environment, stdout=-1, close_fds=close).stdout for close in (True, False)]
os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", write, "a"], environment), 0)
os.system('%s -c "%s" b' % (sys.executable, write))
os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", write, "c"])
assert "REPROBUILD_PROCESS" in environment and environment == dict(os.environ)
print("\\n" + json.dumps([*map(float, b"".join(out).split()), *(float(open(name).read()) for name in "abc")]))
"""
    first, second = (
        json.loads(run_in(tmp_path / name, script).done.stdout.splitlines()[-1]) for name in ("first", "second")
    )

    assert first == second
    assert len(set(first)) == len(first) == 7


THREADS = """
import json, os, subprocess, sys, threading
sys.setswitchinterval(1e-6)
from reprobuild_inside import seeds
from reprobuild_inside.lineage import HERE
started, asked, drawn = [], [], []
begin = threading.Barrier(8)
def fork():
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, ",".join(HERE.lineage.path).encode())
        os._exit(0)
    os.close(write)
    started.append(os.read(read, 1000).decode())
    os.close(read)
def start(number):
    begin.wait()
    for _ in range(2000):
        asked.append(HERE.lineage.child("task", os.environ).path)
        drawn.append(seeds.draw("numpy", 64))
    for _ in range(40):
        fork()
    for _ in range(5):
        environment = dict(os.environ) if number % 2 else None
        command = ["sh", "-c", "echo $REPROBUILD_PROCESS"]
        started.append(subprocess.run(command, env=environment, stdout=subprocess.PIPE).stdout.decode())
threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps([[len(found), len(set(found))] for found in (started, asked, drawn)]))
"""


def test_children_that_many_threads_start_at_once_are_all_others(tmp_path: Path) -> None:
    assert Run(tmp_path, THREADS).printed == [[360, 360], [16000, 16000], [16000, 16000]]


def test_other_programs_that_are_started_now_and_then_change_no_seed(tmp_path: Path) -> None:
    script = """
import json, subprocess, sys
%s
print(json.loads(subprocess.check_output([sys.executable, "-c", "import random; print(random.random())"])))
"""
    quiet = run_in(tmp_path / "quiet", script % "").printed

    assert run_in(tmp_path / "busy", script % "subprocess.run(['true']); subprocess.run(['true'])").printed == quiet


def test_a_rank_has_the_seed_of_the_run_and_its_rank(tmp_path: Path) -> None:
    script = """
import json, os, random, subprocess, sys
def rank(number):
    environment = {**os.environ, "RANK": str(number), "LOCAL_RANK": str(number)}
    return json.loads(subprocess.check_output([sys.executable, "-c", CODE], env=environment))
CODE = '''
import json, random, os, subprocess, sys
own = [random.random()]
for _ in range(2):
    own.append(float(subprocess.check_output([sys.executable, "-c", "import random; print(random.random())"])))
print(json.dumps(own))
'''
print(json.dumps([rank(0), rank(1)]))
"""
    ranks = twice(tmp_path, script)

    assert [own[0] for own in ranks] == [random.Random(SEED).random(), random.Random(SEED + 1).random()]
    assert len({value for own in ranks for value in own}) == 6


def test_a_rank_that_no_python_gave_counts_too(tmp_path: Path) -> None:
    run = Run(tmp_path, "import random; print(random.random())", {"OMPI_COMM_WORLD_RANK": "3"})

    assert run.printed == random.Random(SEED + 3).random()


def test_a_rank_that_a_script_sets_itself_leaves_its_children_apart(tmp_path: Path) -> None:
    script = """
import json, os, random, subprocess, sys
os.environ["RANK"] = "1"
code = "import random; print(random.random())"
print(json.dumps([float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(2)]))
"""
    assert len(set(twice(tmp_path, script))) == 2


def test_a_child_goes_on_with_numpys_seed_that_the_script_set_before_a_fork(tmp_path: Path) -> None:
    script = """
import json, os, numpy as np
np.random.seed(5)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, str(np.random.rand()).encode())
    os._exit(0)
print(json.dumps([float(os.read(read, 100)), np.random.rand()]))
"""
    child, own = Run(tmp_path, script).printed

    assert child == own


def test_torchs_seed_without_an_argument_is_derived(tmp_path: Path) -> None:
    install(tmp_path, "torch", TORCH + "\nimport torch.random\nseed = random.seed = lambda: 1 / 0\n")
    (tmp_path / "packages" / "torch" / "random.py").write_text("from torch import manual_seed\n")
    script = "import torch, json; made = torch.seed(), torch.seed(); print(json.dumps([made, torch.calls[-2:]]))"

    (first, second), calls = Run(tmp_path, script).printed

    assert first != second
    assert calls == [["manual_seed", first], ["manual_seed", second]]


def test_cupy_is_seeded_without_touching_a_gpu_and_each_process_by_its_own_seed(tmp_path: Path) -> None:
    install(
        tmp_path, "cupy", "import types\nrandom = types.SimpleNamespace(__name__='cupy.random', seed=lambda seed: None)"
    )
    script = """
import json, os, subprocess, sys, cupy
code = "import cupy, os; print(os.environ['CUPY_SEED'])"
print(json.dumps([int(os.environ["CUPY_SEED"]), int(subprocess.check_output([sys.executable, "-c", code]))]))
"""
    run = Run(tmp_path, script)
    own, child = run.printed

    assert own == run.main["seeds"]["cupy"] == SEED
    assert child != own
    assert Run(tmp_path, script, {"CUPY_SEED": "5"}).printed == [5, 5]


OWN = """
import random
import numpy as np
from numpy.random import default_rng
random.seed(3)
np.random.seed(4)
rng = default_rng(5)
for seed in range(3):
    random.seed(seed)
np.random.default_rng(np.random.default_rng())
np.random.default_rng()
random.seed("word")
"""


def test_seeds_that_a_script_sets_are_told_with_their_place(tmp_path: Path) -> None:
    run = Run(tmp_path, OWN + "print(1)")

    assert run.main["own_seeds"] == [
        {"what": "random.seed", "value": 3, "file": "train.py", "line": 5, "count": 1},
        {"what": "numpy.random.seed", "value": 4, "file": "train.py", "line": 6, "count": 1},
        {"what": "numpy.random.default_rng", "value": 5, "file": "train.py", "line": 7, "count": 1},
        {"what": "random.seed", "value": 0, "file": "train.py", "line": 9, "count": 3},
        {"what": "random.seed", "value": "'word'", "file": "train.py", "line": 12, "count": 1},
    ]
    assert run.main["seeds"]["numpy"] == 4
    assert run.main["seeds"]["random"] == "'word'"
    assert run.main["unseeded"] == []


def test_a_script_that_seeds_itself_wins(tmp_path: Path) -> None:
    script = (
        "import random, json, numpy as np; random.seed(3); np.random.seed(4); print(json.dumps("
        "[random.random(), np.random.rand(), np.random.default_rng(5).random()]))"
    )
    import numpy as np

    expected = [random.Random(3).random(), np.random.RandomState(4).rand(), np.random.default_rng(5).random()]
    assert Run(tmp_path, script).printed == expected


def test_a_seed_of_torch_and_one_given_by_a_package_have_the_scripts_own_line(tmp_path: Path) -> None:
    packages = tmp_path / "packages" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "lightning_like.py").write_text("import random\ndef seed_everything(seed):\n    random.seed(seed)\n")
    install(tmp_path, "torch", TORCH)
    script = f"import sys; sys.path.append({str(packages)!r})\nimport lightning_like, torch\n"

    run = Run(tmp_path, script + "torch.manual_seed(8)\nlightning_like.seed_everything(9)\nprint(1)")

    assert run.main["own_seeds"] == [
        {"what": "torch.manual_seed", "value": 8, "file": "train.py", "line": 3, "count": 1},
        {"what": "random.seed", "value": 9, "file": "train.py", "line": 4, "count": 1},
    ]


@pytest.mark.parametrize("value", ["time.time()", "int(time.time())", "time.time_ns()", "int(time.time() * 1000)"])
def test_the_clock_as_a_seed_is_unseeded(tmp_path: Path, value: str) -> None:
    run = Run(tmp_path, f"import random, time\nrandom.seed({value})\nprint(1)")

    assert run.main["unseeded"] == [
        {"what": "the clock as a seed of random.seed", "file": "train.py", "line": 2, "count": 1}
    ]


def test_the_clock_modulo_what_numpy_allows_is_still_the_clock_and_a_plain_seed_is_not(tmp_path: Path) -> None:
    script = """
import time, random, numpy as np
from datetime import datetime
np.random.seed(int(time.time() * 1000) % 2**32)
np.random.default_rng(int(datetime.now().timestamp()))
for seed in (0, 42, 1234567, 20261129, 2**31, 4294967295, 1234567890, 10**300, -5): random.seed(seed)
print(1)
"""
    assert [(found["what"][-11:], found["line"]) for found in Run(tmp_path, script).main["unseeded"]] == [
        ("random.seed", 4),
        ("default_rng", 5),
    ]


def test_seeds_that_are_arrays_or_cannot_be_shown_are_the_scripts_own_too(tmp_path: Path) -> None:
    script = """
import json, random
import numpy as np
class Odd(str):
    def __index__(self): raise ValueError("odd")
    def __repr__(self): raise ValueError("odd")
np.random.seed(np.array([1, 2, 3]))
random.seed(Odd("word"))
np.random.default_rng(np.array([1, 2, 3]))
np.random.default_rng(list(range(10000)))
print(json.dumps([random.random(), np.random.rand()]))
"""
    import numpy as np

    run = Run(tmp_path, script)

    assert run.printed == [random.Random("word").random(), np.random.RandomState(np.array([1, 2, 3])).rand()]
    assert [found["value"] for found in run.main["own_seeds"][::2]] == ["array([1, 2, 3])"] * 2
    assert run.main["own_seeds"][1]["value"].startswith("<Odd instance at ")
    assert len(run.main["own_seeds"][3]["value"]) <= 80
    assert run.main["seeds"]["numpy"] == "array([1, 2, 3])"


def test_a_thousand_places_are_told_up_to_a_bound(tmp_path: Path) -> None:
    script = "import random\n" + "random.seed(1)\n" * 1000 + "print(1)"

    assert len(Run(tmp_path, script).main["own_seeds"]) == 100


POOLS = """
import json, multiprocessing, random, time
from concurrent.futures import ProcessPoolExecutor
import numpy as np
def draw(task):
    time.sleep(random.Random(time.time_ns()).random() / 100)
    return [random.random(), float(np.random.rand()), float(np.random.default_rng().random()), random.Random().random()]
if __name__ == "__main__":
    context = multiprocessing.get_context("%s")
    out = [random.random()]
    with context.Pool(3) as pool, context.Pool(2) as other:
        out += pool.map(draw, range(12)) + list(pool.imap(draw, range(3))) + other.map(draw, range(6), chunksize=1)
        out += [pool.apply(draw, (0,)), pool.apply(draw, (0,))]
    for _ in range(2):
        with ProcessPoolExecutor(3, mp_context=context) as pool:
            out += [*pool.map(draw, range(8)), pool.submit(draw, 0).result()]
    print(json.dumps([*out, random.random()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_a_pools_tasks_have_their_own_numbers_whichever_process_takes_them(tmp_path: Path, way: str) -> None:
    drawn = twice(tmp_path, POOLS % way)
    numbers = [number for task in drawn[1:-1] for number in task]

    assert len(set(numbers)) >= len(numbers) - 5 * 4  # chunks of the first map hold a task's neighbour
    assert [drawn[0], drawn[-1]] == [(own := random.Random(SEED)).random(), own.random()]


def test_a_pool_of_threads_leaves_the_process_alone_and_a_seeding_initializer_wins(tmp_path: Path) -> None:
    script = """
import json, multiprocessing, random
from multiprocessing.pool import ThreadPool
def draw(_): return random.random()
if __name__ == "__main__":
    with ThreadPool(1) as pool:
        out = pool.map(draw, range(2))
    with multiprocessing.get_context("fork").Pool(1, initializer=random.seed, initargs=(7,)) as pool:
        print(json.dumps(out + pool.map(draw, range(2), chunksize=1)))
"""
    own, other = random.Random(SEED), random.Random(7)

    assert Run(tmp_path, script).printed == [own.random(), own.random(), other.random(), other.random()]


def test_a_task_may_have_arguments_of_any_name(tmp_path: Path) -> None:
    script = """
from concurrent.futures import ProcessPoolExecutor
def work(**given): return sorted(given)
if __name__ == "__main__":
    import json
    with ProcessPoolExecutor(1) as pool:
        print(json.dumps(pool.submit(work, fn=1, self=2, args=3).result()))
"""
    assert Run(tmp_path, script).printed == ["args", "fn", "self"]


def test_tasks_are_plain_where_processes_will_not_have_the_runtime(tmp_path: Path) -> None:
    script = """
import json, multiprocessing, os
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    del os.environ["PYTHONPATH"]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        print(json.dumps(pool.submit(abs, -5).result()))
"""
    assert Run(tmp_path, script).printed == 5


def test_a_random_state_is_told_where_the_script_gives_it_and_not_where_an_ensemble_draws_it(tmp_path: Path) -> None:
    packages = {
        "sklearn/__init__.py": "",
        "sklearn/utils/__init__.py": "from .validation import check_random_state\n",
        "sklearn/utils/validation.py": "def check_random_state(seed):\n    return seed\n",
        "sklearn/tree.py": "from sklearn.utils import check_random_state\ndef fit(seed): check_random_state(seed)\n",
        "sklearn/ensemble.py": (
            "from sklearn import tree\nfrom sklearn.utils import check_random_state\n"
            "def fit(seed):\n    check_random_state(seed)\n    tree.fit(12345)\n"
        ),
    }
    for name, text in packages.items():
        path = tmp_path / "site-packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = (
        "import sys; sys.path.append('site-packages')\nfrom sklearn import ensemble, tree\n"
        "ensemble.fit(None)\nensemble.fit(5)\ntree.fit(6)\nprint(1)"
    )

    told = Run(tmp_path, script).main["own_seeds"]
    assert [(found["what"], found["value"], found["line"]) for found in told] == [
        ("random_state", 5, 4),
        ("random_state", 6, 5),
    ]
