from pathlib import Path

from reprobuild.record.log import HEAD, TAIL, BoundedLog


def logged(path: Path, *chunks: bytes) -> tuple[BoundedLog, bytes]:
    with BoundedLog(path) as log:
        for chunk in chunks:
            log.write(chunk)
    return log, path.read_bytes()


def test_a_short_log_is_kept_as_it_is(tmp_path: Path) -> None:
    log, text = logged(tmp_path / "log.txt", b"one\n", b"two\n")

    assert text == b"one\ntwo\n"
    assert not log.truncated


def test_a_log_of_exactly_what_is_kept_loses_nothing(tmp_path: Path) -> None:
    log, text = logged(tmp_path / "log.txt", *[b"x" * 65536] * ((HEAD + TAIL) // 65536))

    assert text == b"x" * (HEAD + TAIL)
    assert not log.truncated


def test_a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_missing(tmp_path: Path) -> None:
    middle = [b"b" * (1 << 20)] * 40
    log, text = logged(tmp_path / "log.txt", b"first" + b"a" * (HEAD - 5 + 100), *middle, b"last")

    assert log.truncated
    assert text.startswith(b"first")
    assert text.endswith(b"last")
    assert HEAD + TAIL < len(text) < HEAD + TAIL + 100
    assert b"[... %d bytes left out ...]" % (log.size - HEAD - TAIL) in text
