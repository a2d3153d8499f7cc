from pathlib import Path

from reprobuild.record.log import HEAD, TAIL, BoundedLog


def test_a_short_log_is_kept_as_it_is(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log.txt")
    log.write(b"one\n")
    log.write(b"two\n")

    assert log.close().read_bytes() == b"one\ntwo\n"
    assert not log.truncated


def test_a_log_of_exactly_what_is_kept_loses_nothing(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log.txt")
    for _ in range((HEAD + TAIL) // 65536):
        log.write(b"x" * 65536)

    assert log.close().read_bytes() == b"x" * (HEAD + TAIL)
    assert not log.truncated


def test_a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_missing(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log.txt")
    log.write(b"first" + b"a" * (HEAD - 5 + 100))
    for _ in range(40):
        log.write(b"b" * (1 << 20))
    log.write(b"last")

    text = log.close().read_bytes()

    assert log.truncated
    assert text.startswith(b"first")
    assert text.endswith(b"last")
    assert HEAD + TAIL < len(text) < HEAD + TAIL + 100
    assert b"[... %d bytes left out ...]" % (log.size - HEAD - TAIL) in text
