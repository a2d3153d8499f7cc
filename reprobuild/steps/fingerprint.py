"""`fingerprint`: what this machine is, as far as it can change or forbid a result."""

from pathlib import Path

from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.tools.machine import collect_engines, collect_machine
from reprobuild.tools.process import Runner


def take_fingerprint(store: Path, runner: Runner) -> Fingerprint:
    """This machine's fingerprint, with the engines that are installed; `store` is where images are kept."""
    return collect_machine(store, runner).model_copy(update={"engines": collect_engines(runner)})
