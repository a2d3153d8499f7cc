"""What a terminal shows while something takes long, and what a file or a pipe does not get."""

import os
import pty
from pathlib import Path

from builders.command import CommandLine


def shown(line: CommandLine, *words: str) -> tuple[str, bytes]:
    """What a terminal got from standard error, and what standard output got."""
    ours, theirs = pty.openpty()
    line.environment |= {"TERM": "xterm-256color", "COLUMNS": "100"}
    with line.start(*words, stderr=theirs) as process:
        os.close(theirs)
        assert process.stdout
        out = process.stdout.read()
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:  # Linux ends a terminal whose other side is closed with EIO
        pass
    finally:
        os.close(ours)
    assert process.returncode == 0
    return b"".join(parts).decode(), out


def test_a_terminal_sees_stages_and_bars_and_the_result_is_apart(tmp_path: Path) -> None:
    line = CommandLine(tmp_path).lock()
    text, out = shown(line, "image")

    assert "packing layers" in text
    assert "━" in text
    assert out.startswith(b"sha256:")
    assert b"\x1b" not in out


def test_a_pipe_gets_no_bar(tmp_path: Path) -> None:
    done = CommandLine(tmp_path).lock().run("image")

    assert done.stderr == ""
    assert done.stdout.startswith("sha256:")
