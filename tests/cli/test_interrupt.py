"""Ctrl-C while a command waits for a mirror: 130, in one line at most, and everything as it was."""

import os
import signal
import time
from pathlib import Path

import pytest
from builders.command import CommandLine
from builders.faults import Reply, Request, answering

pytestmark = pytest.mark.slow


def stall(_: Request) -> Reply:
    return Reply(200, b"x" * 1000, cut=10, stall=True)


def interrupted(line: CommandLine, command: str, name: signal.Signals = signal.SIGINT) -> str:
    """What a command says on standard error that is stopped while a mirror keeps it waiting."""
    with answering(stall) as server:
        line.environment["REPROBUILD_DEBIAN_BOOKWORM"] = server.url
        with line.start(command, start_new_session=True) as process:
            while not server.asked:
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            os.killpg(process.pid, name)
            out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    return err.decode()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_lock_leaves_the_old_one(tmp_path: Path, name: signal.Signals) -> None:
    line = CommandLine(tmp_path).lock()
    (line.project / "keys.gpg").write_bytes((Path(__file__).parents[2] / "images" / "debian12.gpg").read_bytes())
    before = {path: path.read_bytes() for path in (line.project / "lockfiles").iterdir()}
    said = interrupted(line, "lock", name)

    assert len(said.splitlines()) <= 1
    assert {path: path.read_bytes() for path in (line.project / "lockfiles").iterdir()} == before
    assert line.unfinished == []


def test_an_interrupted_download_is_no_image_and_has_no_name(tmp_path: Path) -> None:
    line = CommandLine(tmp_path).lock()
    blobs = list((line.store.root / "blobs" / "sha256").iterdir())
    for blob in blobs:
        blob.unlink()
    said = interrupted(line, "image")

    assert len(said.splitlines()) <= 1
    assert not any(blob.exists() for blob in blobs)
    assert not (line.store.root / "images").exists()
    assert [path.name for path in line.unfinished] == ["partial"]  # to be taken up by the next try
