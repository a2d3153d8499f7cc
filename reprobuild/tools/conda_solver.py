"""The program behind conda-lock's `--conda`: conda's command line as far as conda-lock speaks it.

`python -m reprobuild.tools.conda_solver QUESTION …` finds in the file QUESTION where each channel is, and which conda
there is to ask; where there is none, py-rattler answers. It leaves beside QUESTION what it found, or why nothing: the
sizes of packages and the reasons of a solver do not come through conda-lock.
"""

import asyncio
import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reprobuild.ground.urls import without_credentials

TIMEOUT = 300
"""Seconds that an index, tens of megabytes, may take."""
SOLVING = 900
"""Seconds that a solution may take."""
ANSWER = "answer.json"


@dataclass(frozen=True)
class Question:
    """What a command line does not say: places by channel, the conda to ask or "", a folder for what is downloaded."""

    channels: dict[str, list[str]]
    conda: str
    cache: str


def write_question(question: Question, path: Path) -> None:
    """Places may hold credentials: only the user may read the file."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(question)))


def read_answer(folder: Path) -> dict[str, Any]:
    """What was found (`packages`: one mapping each) or `error`; {} when the program was never asked."""
    path = folder / ANSWER
    return json.loads(path.read_text()) if path.is_file() else {}


def main(arguments: Sequence[str]) -> int:
    """The exit status of one call."""
    path, *words = arguments
    question = Question(**json.loads(Path(path).read_text()))
    if question.conda:
        return _ask(question, words, Path(path).parent)
    if words[:1] == ["--version"]:
        sys.stdout.write("conda 24.1.0 (py-rattler)\n")
        return 0
    if words[:1] == ["info"]:
        sys.stdout.write(json.dumps({"pkgs_dirs": []}) + "\n")
        return 0
    if words[:1] != ["create"]:
        sys.stderr.write(f"{' '.join(words[:1])}: not a command that conda-lock needs\n")
        return 2
    try:
        found = _solve(question, words[1:])
    except Exception as error:
        _keep({"error": f"py-rattler: {type(error).__name__}: {error}"}, Path(path).parent)
        raise
    _keep(found, Path(path).parent)
    if "error" in found:
        sys.stdout.write(json.dumps({"success": False, "message": found["error"]}) + "\n")
        return 1
    links = [{**record, "dist_name": f"{record['name']}-{record['version']}"} for record in found["packages"]]
    sys.stdout.write(json.dumps({"success": True, "actions": {"FETCH": found["packages"], "LINK": links}}) + "\n")
    return 0


def _keep(found: dict[str, Any], folder: Path) -> None:
    (folder / ANSWER).write_text(json.dumps(found))


def _ask(question: Question, words: list[str], folder: Path) -> int:
    """The real conda with the places that the user has set; what it says is passed on, and kept of a solution."""
    if words[:1] != ["create"]:
        return subprocess.run([question.conda, *words], check=False).returncode
    done = subprocess.run([question.conda, *_placed(question, words)], stdout=subprocess.PIPE, check=False)
    text = done.stdout.decode(errors="replace")
    try:
        told = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        told = {}
    actions = told.get("actions") or {}
    message = told.get("message") or told.get("solver_problems") or "conda failed without a word"
    _keep({"packages": actions.get("FETCH", [])} if done.returncode == 0 else {"error": str(message)}, folder)
    sys.stdout.write(text)
    return done.returncode


def _placed(question: Question, words: Sequence[str]) -> list[str]:
    """The words, with the places of a channel for its name."""
    placed: list[str] = []
    for word in words:
        if placed[-1:] == ["--channel"] and word in question.channels:
            first, *others = question.channels[word]
            placed += [first, *(item for place in others for item in ("--channel", place))]
        else:
            placed.append(word)
    return placed


def _solve(question: Question, words: Sequence[str]) -> dict[str, Any]:
    parser = ArgumentParser()
    for flag in ("--dry-run", "--json", "--override-channels"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--prefix")
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("specs", nargs="*")
    asked = parser.parse_args(list(words))
    virtual = [channel for channel in asked.channel if channel not in question.channels]
    places = {name: places for name, places in question.channels.items() if name in asked.channel}
    from rattler import exceptions

    failures = tuple(
        getattr(exceptions, name)
        for name in (
            "SolverError",
            "GatewayError",
            "FetchRepoDataError",
            "InvalidMatchSpecError",
            "InvalidChannelError",
        )
    )
    try:
        return {"packages": asyncio.run(_packages(question, places, virtual, asked.specs))}
    except failures as error:
        return {"error": str(error)}


async def _packages(
    question: Question, places: dict[str, list[str]], virtual: Sequence[str], specs: Sequence[str]
) -> list[dict[str, Any]]:
    """The records of a solution, as channels have them, by name."""
    from datetime import timedelta

    from rattler import Channel, Client, Gateway, MatchSpec, SourceConfig, solve

    gateway = Gateway(
        cache_dir=Path(question.cache),
        # A plain web server may answer 304 for the sharded index of a channel that was never asked for it before.
        default_config=SourceConfig(sharded_enabled=False),
        client=Client.default_client(max_retries=1, timeout=TIMEOUT),
    )
    found = await solve(
        sources=[Channel(place) for listed in places.values() for place in listed],
        specs=[MatchSpec(_without_name(spec, places)) for spec in specs],
        gateway=gateway,
        platforms=["linux-64", "noarch"],
        virtual_packages=[package for channel in virtual for package in _virtual_packages(channel)],
        timeout=timedelta(seconds=SOLVING),
    )
    records: list[dict[str, Any]] = [json.loads(record.to_json()) for record in found]
    for record in records:
        record["url"] = without_credentials(record["url"])
    return sorted(records, key=lambda record: str(record["name"]))


def _without_name(spec: str, places: dict[str, list[str]]) -> str:
    """`channel::package` with the channel's place, by which py-rattler knows it."""
    channel, colons, package = spec.partition("::")
    return f"{places[channel][0]}::{package}" if colons and channel in places else spec


def _virtual_packages(channel: str) -> list[Any]:
    """conda-lock gives the target's virtual packages as a channel of its own, on disk."""
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    path = Path(channel.removeprefix("file://")) / os.environ.get("CONDA_SUBDIR", "linux-64") / "repodata.json"
    listed = json.loads(path.read_text())["packages"].values()
    return [
        GenericVirtualPackage(PackageName(item["name"]), Version(item["version"]), BuildString(item["build"]))
        for item in listed
        if item["name"].startswith("__")
    ]


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # py-rattler's threads may still run, and Python's own end may then be an abort.
    os._exit(status)
