"""`reprobuild fingerprint`."""

import os
from typing import Annotated

import typer

from reprobuild.cli.show import answer

NAME = "fingerprint"
EXAMPLES = ("reprobuild fingerprint", "reprobuild fingerprint --json > machine.json")


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the document that reprobuild preflight --machine reads.")
    ] = False,
) -> None:
    """Say what of this machine can change or forbid a result: CPU, GPUs, driver, memory, disk, kernel, engines.

    No GPU is a fact, not an error. No host or user name is in it; UUIDs and serial numbers of GPUs are hashed. Clocks,
    power and temperature are recorded and never compared.
    """
    from reprobuild.hardware.render import render_fingerprint
    from reprobuild.steps.fingerprint import take_fingerprint
    from reprobuild.tools.process import run_process
    from reprobuild.tools.settings import read_settings

    machine = take_fingerprint(read_settings(os.environ).store, run_process)
    answer(machine.to_bytes().decode().rstrip("\n") if as_json else render_fingerprint(machine))
