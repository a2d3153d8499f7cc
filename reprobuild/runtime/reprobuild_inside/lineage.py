"""Who this process is among those of a run, and the seed that follows from it: the same one in each run.

The first process, and each rank of a launcher, is a root: its seed is the run's plus its rank, as in scripts that seed
each rank themselves (https://docs.pytorch.org/docs/stable/elastic/run.html). Any other process is its parent's first,
second, third … child of its kind, and its seed is derived from that path. So no two processes draw the same numbers,
which is how they behave when nobody seeds them, and a process that ends sooner or later changes nobody's seed.
"""

import itertools
import os
import random
import threading
from typing import Dict, Iterator, Mapping, Tuple

from reprobuild_inside.settings import SEED

VARIABLE = "REPROBUILD_PROCESS"
RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "LOCAL_RANK")
"""Where a launcher says which rank a process has: torchrun and its like, Open MPI, MPICH, Slurm, Lightning."""
PLAIN_SEED = random.Random.seed
"""As Python has it, whatever stands there later."""


class Counts:
    """Numbers from 1 on for each name, no number twice."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.counters: Dict[str, Iterator[int]] = {}

    def next(self, name: str) -> int:
        """1 at the first call with this name, then 2, 3 and so on, whichever thread calls."""
        with self.lock:  # against threads; that it is one step, against a signal's handler, which has the lock too
            return next(self.counters.setdefault(name, itertools.count(1)))


class Lineage:
    """The rank of the root that a process descends from ("" without a launcher), and the path from that root."""

    def __init__(self, rank: str, path: Tuple[str, ...]) -> None:
        self.rank, self.path = rank, path
        self.children = Counts()

    def seed(self) -> int:
        """This process's own seed, below 2**32."""
        if self.path:
            return self.bits("process", 0, 32)
        return ((SEED or 0) + int(self.rank or 0)) % 2**32

    def bits(self, purpose: str, index: int, size: int) -> int:
        """A number of so many bits that another process, purpose or index does not have."""
        generator = random.Random.__new__(random.Random)
        text = "reprobuild %s %s %s %s %d" % (SEED, self.rank, ",".join(self.path), purpose, index)
        PLAIN_SEED(generator, text)
        return generator.getrandbits(size)

    def child(self, kind: str, environment: Mapping[str, str]) -> "Lineage":
        """The next child of a kind; one that is given another rank than this process has is a root."""
        given = rank_in(environment)
        if given != rank_in(os.environ):
            return Lineage(given, ())
        return Lineage(self.rank, (*self.path, "%s-%d" % (kind, self.children.next(kind))))

    def text(self, environment: Mapping[str, str]) -> str:
        """As a process with this environment is told who it is."""
        return "%s/%s/%s" % (self.rank, ",".join(self.path), rank_in(environment))


def rank_in(environment: Mapping[str, str]) -> str:
    """The rank that a launcher gives in an environment, "" for none."""
    return next((environment[name] for name in RANKS if environment.get(name, "").isdigit()), "")


def read(environment: Mapping[str, str]) -> Lineage:
    """Who a process with this environment is; a rank that no Python gave makes a root."""
    rank, _, rest = environment.get(VARIABLE, "//").partition("/")
    path, _, given = rest.rpartition("/")
    here = rank_in(environment)
    return Lineage(rank, tuple(path.split(",")) if path else ()) if given == here else Lineage(here, ())


class Here:
    """The lineage of this process, which a fork changes."""

    def __init__(self) -> None:
        self.lineage = read(os.environ)
        self._settled = threading.local()  # other threads may fork meanwhile
        os.environ[VARIABLE] = self.lineage.text(os.environ)

    def before_fork(self) -> None:
        """In the parent: the child's path is settled here, where children are counted."""
        self._settled.child = self.lineage.child("fork", os.environ)

    def forked(self) -> Lineage:
        """In a forked child, by the thread that forked it: what was settled."""
        return getattr(self._settled, "child", self.lineage)

    def become(self, lineage: Lineage) -> None:
        """In a forked child, say, which may also become another program: that one goes on with its lineage."""
        self.lineage = lineage
        if VARIABLE in os.environ:
            os.environ[VARIABLE] = self.lineage.text(os.environ)


HERE = Here()
