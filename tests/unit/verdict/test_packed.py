import collections
import gzip
import io
import pickle
import zipfile
from pathlib import Path

import pytest
from builders.results import compare_bytes_of
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.tensors.errors import UncomparableError
from reprobuild.verdict import packed
from reprobuild.verdict.decide import explain
from reprobuild.verdict.document import Comparison, Outcome


def told(comparison: Comparison) -> tuple[str, str, str]:
    assert comparison.outcome is Outcome.DIFFERENT, comparison
    assert comparison.first is not None
    return comparison.first.where, comparison.first.recorded, comparison.first.seen


def test_the_time_in_a_header_of_gzip_does_not_matter_and_is_named(tmp_path: Path) -> None:
    sides = [gzip.compress(b"text" * 100, mtime=time) for time in (1, 2)]
    comparison = compare_bytes_of(tmp_path, "a.csv.gz", *sides)

    assert (comparison.outcome, comparison.detail) == (Outcome.SAME_VALUES, "only these differ: the time in the header")


def test_how_well_gzip_packed_does_not_matter(tmp_path: Path) -> None:
    sides = [gzip.compress(b"text" * 100, level, mtime=0) for level in (1, 9)]

    assert compare_bytes_of(tmp_path, "a.gz", *sides).outcome is Outcome.SAME_VALUES


def test_what_gzip_holds_is_compared(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "a.gz", gzip.compress(b"abc", mtime=1), gzip.compress(b"abd", mtime=2))

    assert told(comparison) == ("unpacked: byte 2", "0x63", "0x64")


def test_broken_gzip_beside_a_good_one_is_a_difference(tmp_path: Path) -> None:
    good = gzip.compress(b"abc" * 1000, mtime=0)

    for broken in (b"", b"\x1f\x8b", good[:-1], good[:20], good[:-8] + bytes(8), b"plain"):
        comparison = compare_bytes_of(tmp_path, "a.gz", good, broken)
        assert comparison.outcome is Outcome.DIFFERENT
        assert "\n" not in explain(comparison)


def test_gzip_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    stream = packed.Bounded(io.BytesIO(bytes(2000)), 1000)

    with pytest.raises(UncomparableError, match="unpacks to more"):
        stream.read(2000)


def test_times_and_order_of_a_zip_do_not_matter(tmp_path: Path) -> None:
    sides = []
    for year, names in ((1990, "ab"), (2026, "ba")):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), name)
        sides.append(made.getvalue())

    assert compare_bytes_of(tmp_path, "a.zip", *sides).outcome is Outcome.SAME_VALUES


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("/tmp/reprobuild-was-here"),))


def test_a_pickle_is_compared_by_its_instructions_and_says_why(tmp_path: Path) -> None:
    sides = [pickle.dumps({"weights": [0.1, value], "x": Evil()}) for value in (0.2, 0.2 + 2**-55)]
    comparison = compare_bytes_of(tmp_path, "m.pkl", *sides)

    assert told(comparison)[1:] == ("0.2", "0.20000000000000004")
    assert comparison.max_ulps == 1
    assert "a pickle is a program, which reading would run: its instructions were compared" in explain(comparison)
    assert not Path("/tmp/reprobuild-was-here").exists()


def test_a_pickle_that_differs_in_a_time_alone_says_so(tmp_path: Path) -> None:
    sides = [pickle.dumps({"made": f"2026-11-29 14:43:2{last}", "w": 1.5}) for last in "78"]
    comparison = compare_bytes_of(tmp_path, "m.pickle", *sides)

    assert comparison.only_fleeting
    assert comparison.fleeting == ("time stamps",)


def test_a_pickle_of_another_protocol_is_other_bytes_of_the_same_instructions(tmp_path: Path) -> None:
    value = {"weights": [0.1, "text", 3, 70_000, "text"], "more": "x" * 300}
    comparison = compare_bytes_of(tmp_path, "m.pkl", pickle.dumps(value, 3), pickle.dumps(value, 4))

    assert (comparison.outcome, comparison.compared_as) == (Outcome.DIFFERENT, "bytes")
    assert "only the memo's numbers, the protocol or frames differ in it" in comparison.detail


def test_bytes_in_a_pickle_name_the_first_that_differs(tmp_path: Path) -> None:
    sides = [pickle.dumps({"w": bytes([1, 2, last])}) for last in (3, 4)]

    assert told(compare_bytes_of(tmp_path, "m.pkl", *sides))[1:] == ("0x03 at byte 2 of 3", "0x04 at byte 2 of 3")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04",
        b"\x80\x04h\x05.",
        b"\x80\x04N.more",
        b"\x8e" + b"\xff" * 8,
        b"\x80\x04" + b"N" * 2_100_000 + b".",
        collections.__doc__.encode(),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_list_of_instructions_is_compared_as_bytes(tmp_path: Path, data: bytes) -> None:
    for recorded, seen in ((pickle.dumps(1), data), (data, data + b"x")):
        comparison = compare_bytes_of(tmp_path, "m.joblib", recorded, seen)
        assert comparison.outcome is Outcome.DIFFERENT
        assert "a pickle is a program" in comparison.detail


@given(data=st.binary(max_size=60), other=st.binary(max_size=60))
def test_no_bytes_make_a_comparison_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes, other: bytes) -> None:
    for name in ("m.pkl", "m.gz"):
        assert isinstance(compare_bytes_of(tmp_path_factory.mktemp("sides"), name, data, other), Comparison)
