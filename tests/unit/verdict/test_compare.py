import contextlib
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.results import compare_bytes_of
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.npy import read_header
from reprobuild.verdict.document import Comparison, Outcome


def npy(array: Any, version: tuple[int, int] | None = None) -> bytes:
    target = io.BytesIO()
    np.lib.format.write_array(target, np.asanyarray(array), version=version, allow_pickle=True)
    return target.getvalue()


def npz(members: dict[str, bytes], *, year: int = 1990, method: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, data)
    return target.getvalue()


def first_of(comparison: Comparison) -> tuple[str, str, str]:
    assert comparison.outcome is Outcome.DIFFERENT
    assert comparison.first is not None
    return comparison.first.where, comparison.first.recorded, comparison.first.seen


def test_the_same_bytes_are_not_even_parsed(tmp_path: Path) -> None:
    assert compare_bytes_of(tmp_path, "a.json", b"{broken", b"{broken").outcome is Outcome.SAME_BYTES


def test_other_formats_are_compared_as_bytes(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "model.bin", b"abcdef", b"abXdeY")

    assert first_of(comparison) == ("byte 2", "0x63", "0x58")
    assert (comparison.differing, comparison.values, comparison.compared_as) == (2, 6, "bytes")


def test_bytes_of_another_length_differ_where_one_ends(tmp_path: Path) -> None:
    assert first_of(compare_bytes_of(tmp_path, "a.bin", b"ab", b"abc")) == ("byte 2", "the end", "more bytes")


def test_json_names_the_first_number_that_differs(tmp_path: Path) -> None:
    recorded, seen = {"a": 1, "loss": [0.1, 0.2]}, {"a": 1, "loss": [0.1, 0.2 + 2**-55]}
    comparison = compare_bytes_of(tmp_path, "m.json", json.dumps(recorded).encode(), json.dumps(seen).encode())

    assert first_of(comparison) == ("loss[1]", "0.2", "0.20000000000000004")
    assert comparison.first is not None
    assert comparison.first.ulps == comparison.max_ulps == 1
    assert comparison.max_absolute == 2**-55
    assert (comparison.differing, comparison.values) == (1, 3)


def test_json_that_is_spelled_otherwise_has_the_same_values(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "m.json", b'{"a": 0.5, "b": NaN}', b'{"b":NaN,\n"a":5e-1}\n')

    assert comparison.outcome is Outcome.SAME_VALUES
    assert "order of keys" in comparison.detail


@pytest.mark.parametrize(
    ("recorded", "seen"),
    [
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": 0.0}', '{"a": -0.0}'),
        ('{"a": 1}', '{"a": true}'),
        ('{"a": 1}', '{"b": 1}'),
        ('{"a": null}', "{}"),
        ("[1]", "[1, 2]"),
        ("[[]]", "[{}]"),
        ('"a"', '"b"'),
        ("1e400", "-1e400"),
        (str(10**300), str(10**300 + 1)),
        (f"{10**400}", "0.5"),
        (f'{{"time": {10**400}}}', '{"time": 1795962207}'),
        (f'{{"time": {10**400}}}', '{"time": 0.5}'),
        (r'"\ud800"', r'"\u001b[31m"'),
    ],
)
def test_json_differs(tmp_path: Path, recorded: str, seen: str) -> None:
    comparison = compare_bytes_of(tmp_path, "m.json", recorded.encode(), seen.encode())

    assert comparison.outcome is Outcome.DIFFERENT
    assert b"\x1b" not in comparison.to_bytes()


@pytest.mark.parametrize(
    "broken", [b"{", b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000, b"1" * 5000, b""], ids=lambda data: repr(data[:9])
)
def test_json_that_only_one_side_can_read_is_a_difference(tmp_path: Path, broken: bytes) -> None:
    comparison = compare_bytes_of(tmp_path, "m.json", b"{}", broken)

    assert comparison.outcome is Outcome.DIFFERENT
    assert comparison.detail.startswith("the seen file: not ")


def test_two_files_that_are_not_of_their_format_could_not_be_compared(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "m.json", b"{", b"[")

    assert comparison.outcome is Outcome.FAILED
    assert "the recorded file: not JSON" in comparison.detail


def test_json_that_is_too_large_or_too_deep_could_not_be_compared(tmp_path: Path) -> None:
    large = b'"' + b"x" * (16 << 20) + b'"'

    assert compare_bytes_of(tmp_path, "m.json", large, b"{}").outcome is Outcome.FAILED
    assert compare_bytes_of(tmp_path, "d.json", b"[" * 90 + b"]" * 90, b"[" * 90 + b"1" + b"]" * 90).outcome is (
        Outcome.FAILED
    )


def test_json_lines_name_the_line(tmp_path: Path) -> None:
    recorded, seen = b'{"loss": 1.0}\n{"loss": 0.5}\n', b'{"loss": 1.0}\n{"loss": 0.25}\n{"loss": 0.1}\n'

    assert first_of(compare_bytes_of(tmp_path, "log.jsonl", recorded, seen)) == ("line 2: loss", "0.5", "0.25")


def test_csv_names_row_and_column(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "t.csv", b"epoch,loss\n1,0.5\n2,0.25\n", b"epoch,loss\n1,0.5\n2,0.3\n")

    assert first_of(comparison) == ("row 3, column 2 (loss)", "0.25", "0.3")
    assert comparison.max_relative == pytest.approx(0.2)


def test_quotes_and_line_ends_of_csv_do_not_matter(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "t.csv", b'a,"b"\n1,2\n', b"a,b\r\n1,2\r\n")

    assert comparison.outcome is Outcome.SAME_VALUES


@pytest.mark.parametrize(
    ("seen", "where"),
    [
        (b"a,b\n1,2\n", "row 3"),
        (b"a,b\n1,2\n3\n", "row 3, column 2 (b)"),
        (b"a,b\n1,2\n3,4\n5,6\n", "row 4"),
        (b"a,b\n1,2.0\n3,4\n", "row 2, column 2 (b)"),
    ],
)
def test_csv_of_another_shape_or_spelling_differs(tmp_path: Path, seen: bytes, where: str) -> None:
    assert first_of(compare_bytes_of(tmp_path, "t.csv", b"a,b\n1,2\n3,4\n", seen))[0] == where


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.jsonl"])
def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path, name: str) -> None:
    line = b"1" * (2 << 20)

    assert compare_bytes_of(tmp_path, name, line, line + b"1").outcome is Outcome.FAILED


def test_a_row_over_many_lines_is_bounded(tmp_path: Path) -> None:
    row = b'"\n",' * (1 << 19)

    assert compare_bytes_of(tmp_path, "t.csv", row, row + b"1").outcome is Outcome.FAILED


def test_numbers_in_text_are_compared(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "t.txt", b"one\nloss 0.5 after 12 s\n", b"one\nloss 0.75 after 12 s\n")

    assert first_of(comparison) == ("line 2, number 1", "0.5", "0.75")
    assert (comparison.differing, comparison.max_absolute) == (1, 0.25)


def test_words_in_text_differ_as_lines(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "t.txt", b"good 1\n", b"bad\x1b[31m 1\n")

    assert first_of(comparison) == ("line 1", "good 1", r"bad\x1b[31m 1")


def test_text_whose_end_alone_differs_is_different(tmp_path: Path) -> None:
    assert compare_bytes_of(tmp_path, "t.txt", b"1\n", b"1").outcome is Outcome.DIFFERENT
    assert compare_bytes_of(tmp_path, "t.txt", b"a\r\n", b"a\n").outcome is Outcome.DIFFERENT


def test_an_array_names_index_values_and_distances(tmp_path: Path) -> None:
    recorded = np.arange(1.0, 7.0, dtype="<f4").reshape(2, 3)
    seen = recorded.copy()
    seen[1, 0] = np.nextafter(seen[1, 0], np.float32(9))
    seen[1, 2] += 1
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(recorded), npy(seen))

    assert first_of(comparison) == ("[1, 0]", "4.0", "4.0000005")
    assert comparison.first is not None
    assert comparison.first.ulps == 1
    assert (comparison.differing, comparison.values) == (2, 6)
    assert comparison.max_absolute == 1.0
    assert comparison.max_relative == pytest.approx(1 / 6)


def test_the_index_follows_the_order_in_memory(tmp_path: Path) -> None:
    recorded = np.asfortranarray(np.zeros((2, 3)))
    seen = recorded.copy(order="F")
    seen[1, 2] = 1

    assert first_of(compare_bytes_of(tmp_path, "a.npy", npy(recorded), npy(seen)))[0] == "[1, 2]"


def test_a_difference_beyond_the_first_mebibyte_has_its_index(tmp_path: Path) -> None:
    recorded = np.zeros((3, 1 << 18))
    seen = recorded.copy()
    seen[2, 5] = -1.5
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(recorded), npy(seen))

    assert first_of(comparison) == ("[2, 5]", "0.0", "-1.5")
    assert (comparison.values, comparison.differing) == (recorded.size, 1)


def test_nan_is_like_itself_and_zero_is_not_minus_zero(tmp_path: Path) -> None:
    recorded, seen = np.array([np.nan, 0.0, 1.0]), np.array([np.nan, -0.0, 1.0])
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(recorded), npy(seen))

    assert first_of(comparison) == ("[1]", "0.0", "-0.0")
    assert comparison.differing == 1
    assert comparison.max_ulps == 0


def test_nan_and_infinity_leave_no_distance(tmp_path: Path) -> None:
    recorded, seen = np.array([1.0, np.inf]), np.array([np.nan, -np.inf])
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(recorded), npy(seen))

    assert first_of(comparison) == ("[0]", "1.0", "nan")
    assert comparison.max_absolute is None
    assert b"nan" in comparison.to_bytes()


def test_doubles_can_lie_further_apart_than_an_int64_counts(tmp_path: Path) -> None:
    largest = float(np.finfo("f8").max)
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(np.array([-largest])), npy(np.array([largest])))

    assert comparison.max_ulps == 2 * struct.unpack("<q", struct.pack("<d", largest))[0]


@pytest.mark.parametrize(
    ("recorded", "seen", "where"),
    [
        (np.zeros(2, "<f4"), np.zeros(2, "<f8"), "type"),
        (np.zeros(2, "<f8"), np.zeros(2, ">f8"), "type"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape"),
        (np.zeros((2, 3)), np.asfortranarray(np.zeros((2, 3))), "order in memory"),
        (np.zeros(1, [("a", "i4")]), np.zeros(1, [("b", "i4")]), "fields"),
        (np.array(1.0), np.array(2.0), "the value"),
        (np.array([1, 2**63], "u8"), np.array([1, 0], "u8"), "[1]"),
        (np.array([1j]), np.array([2j]), "[0]"),
        (np.array([True]), np.array([False]), "[0]"),
        (np.array(["ab"]), np.array(["ac"]), "[0]"),
        (np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-02"], "M8[D]"), "[0]"),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8"), "[0]"),
        (np.array([1.0], "f2"), np.array([2.0], "f2"), "[0]"),
        (np.array([1.0], "g"), np.array([2.0], "g"), "[0]"),
        (np.zeros(1, "V5"), np.array([b"abcde"]).view("V5"), "[0]"),
    ],
)
def test_arrays_of_every_kind_differ(tmp_path: Path, recorded: Any, seen: Any, where: str) -> None:
    assert first_of(compare_bytes_of(tmp_path, "a.npy", npy(recorded), npy(seen)))[0] == where


def test_the_header_of_an_array_may_be_spelled_otherwise(tmp_path: Path) -> None:
    array = np.arange(3.0)
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(array, (1, 0)), npy(array, (2, 0)))

    assert comparison.outcome is Outcome.SAME_VALUES
    assert comparison.values == 3


def test_times_order_and_compression_of_a_zip_do_not_matter(tmp_path: Path) -> None:
    a, b = npy(np.arange(3.0)), npy(np.ones((2, 2)))
    recorded = npz({"a.npy": a, "b.npy": b})
    seen = npz({"b.npy": b, "a.npy": a}, year=2001, method=zipfile.ZIP_DEFLATED)
    comparison = compare_bytes_of(tmp_path, "m.npz", recorded, seen)

    assert comparison.outcome is Outcome.SAME_VALUES
    assert "times, order and compression" in comparison.detail


def test_a_zip_of_arrays_names_the_member(tmp_path: Path) -> None:
    same = npy(np.arange(3.0))
    recorded = npz({"bias.npy": same, "weights.npy": npy(np.zeros((2, 2)))})
    seen = npz({"bias.npy": same, "weights.npy": npy(np.eye(2))})
    comparison = compare_bytes_of(tmp_path, "m.npz", recorded, seen)

    assert first_of(comparison) == ("weights[0, 0]", "0.0", "1.0")
    assert (comparison.differing, comparison.values) == (2, 7)


def test_a_member_that_one_side_lacks_is_named(tmp_path: Path) -> None:
    a = npy(np.zeros(1))
    comparison = compare_bytes_of(tmp_path, "m.npz", npz({"a.npy": a}), npz({"a.npy": a, "b.npy": a}))

    assert first_of(comparison) == ("b", "nothing there", "there")


def test_members_that_are_no_arrays_are_compared_as_bytes(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "m.npz", npz({"note.txt": b"ab"}), npz({"note.txt": b"ac"}))

    assert first_of(comparison)[0] == "note.txt: byte 1"


def with_header(text: str) -> bytes:
    data = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data


HUGE = with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }")
BROKEN = {
    "empty": b"",
    "another format": b"PK\x03\x04",
    "elements that are not there": HUGE,
    "ends early": npy(np.zeros(9))[:-1],
    "goes on": npy(np.zeros(9)) + b"x",
    "a negative shape": with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
    "a call": with_header("{'descr': print(), 'fortran_order': False, 'shape': (1,), }"),
    "a deep header": with_header("(" * 90),
    "elements that are arrays": with_header("{'descr': ('<f4', (3,)), 'fortran_order': False, 'shape': (1,), }")
    + b"x" * 12,
    "a wrong type": with_header("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,), }"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_array_beside_a_good_one_is_a_difference(tmp_path: Path, broken: bytes) -> None:
    comparison = compare_bytes_of(tmp_path, "a.npy", npy(np.zeros(9)), broken)

    assert comparison.outcome is Outcome.DIFFERENT


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_array_inside_a_zip_is_no_crash(tmp_path: Path, broken: bytes) -> None:
    comparison = compare_bytes_of(tmp_path, "a.npz", npz({"a.npy": npy(np.zeros(9))}), npz({"a.npy": broken}))

    assert comparison.outcome is Outcome.DIFFERENT


@given(
    header=st.recursive(
        st.one_of(st.none(), st.integers(-3, 2**70), st.sampled_from(["<f8", "|O", "V", "", "2f4"]), st.booleans()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple)),
    )
)
def test_no_header_is_a_crash(header: object) -> None:
    for text in (
        f"{{'descr': {header!r}, 'fortran_order': False, 'shape': (1,), }}",
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': {header!r}, }}",
        repr(header),
    ):
        with contextlib.suppress(MalformedError, UncomparableError):
            read_header(io.BytesIO(with_header(text)))


def test_arrays_whose_elements_are_arrays_could_not_be_compared(tmp_path: Path) -> None:
    header = with_header("{'descr': ('<f4', (3,)), 'fortran_order': False, 'shape': (1,), }")
    comparison = compare_bytes_of(tmp_path, "a.npy", header + b"x" * 12, header + b"y" * 12)

    assert comparison.outcome is Outcome.FAILED
    assert "the recorded file: not a .npy file: its elements are arrays themselves" in comparison.detail


@pytest.mark.parametrize(
    ("kind", "size", "problem"),
    [
        ("<U1", 4, "comparing raised SystemError: invalid maximum character"),
        ("<M8", 8, "comparing raised ValueError: Cannot convert a NumPy datetime value"),
    ],
)
def test_what_a_comparison_trips_over_is_told_and_not_raised(
    tmp_path: Path, kind: str, size: int, problem: str
) -> None:
    header = with_header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': (1,), }}")
    recorded, seen = header + b"\x7f" * size, header + b"\x7e" * size
    alone = compare_bytes_of(tmp_path, "a.npy", recorded, seen)
    zipped = compare_bytes_of(tmp_path, "a.npz", npz({"a.npy": recorded}), npz({"a.npy": seen}))

    assert alone.outcome is zipped.outcome is Outcome.FAILED
    assert alone.detail.startswith(problem)
    assert problem.partition(": ")[2] in zipped.detail


class Watched(io.BytesIO):
    """A stream that knows the most that was asked of it at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, size if size is not None and size >= 0 else 1 << 62)
        return super().read(size)


@pytest.mark.parametrize("version", [2, 3])
def test_a_header_that_claims_gibibytes_is_refused_before_it_is_read(version: int) -> None:
    stream = Watched(b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<I", 0xFFFF_FFFF) + b" " * 100_000)

    with pytest.raises(MalformedError, match=r"a header of 4294967295 bytes, at most 65536 are read$"):
        read_header(stream)
    assert stream.most < 100


@pytest.mark.parametrize("cut", [0, 7, 9, 11, 40])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_a_header_that_ends_early_is_broken(version: tuple[int, int], cut: int) -> None:
    with pytest.raises(MalformedError, match="EOF: reading"):
        read_header(io.BytesIO(npy(np.zeros(3), version)[:cut]))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    recorded, seen = npy(np.array([{"a": 1}], object)), npy(np.array([{"a": 2}], object))
    comparison = compare_bytes_of(tmp_path, "a.npy", recorded, seen)

    assert comparison.outcome is Outcome.FAILED
    assert "never loaded" in comparison.detail


def test_elements_larger_than_a_chunk_are_not_held(tmp_path: Path) -> None:
    data = with_header("{'descr': '|V2000000000', 'fortran_order': False, 'shape': (1,), }")

    assert compare_bytes_of(tmp_path, "a.npy", data, data + b"x").outcome is Outcome.FAILED


def test_every_truncated_or_flipped_zip_is_no_crash(tmp_path: Path) -> None:
    good = npz({"a.npy": npy(np.arange(9.0)), "b.npy": npy(np.ones(3))}, method=zipfile.ZIP_DEFLATED)
    for at in range(0, len(good), 7):
        for seen in (good[:at], good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :]):
            comparison = compare_bytes_of(tmp_path, "m.npz", good, seen)
            assert comparison.outcome in (Outcome.DIFFERENT, Outcome.FAILED, Outcome.SAME_VALUES)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    good = npz({"a.npy": npy(np.zeros(1))})
    many = npz({f"{number}.npy": b"" for number in range(9)})
    entries = bytearray(many)
    place = -1
    while (place := entries.find(b"PK\x01\x02", place + 1)) >= 0:
        entries[place + 24 : place + 28] = struct.pack("<L", 0xFFFF_FFFE)

    comparison = compare_bytes_of(tmp_path, "a.npz", good, bytes(entries))
    assert comparison.outcome is Outcome.FAILED
    assert "unpacks to more" in comparison.detail


def test_a_huge_directory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    good = npz({"a.npy": npy(np.zeros(1))})
    end = bytearray(good)
    place = end.rindex(b"PK\x05\x06")
    end[place + 12 : place + 16] = struct.pack("<L", 0x7FFF_FFFF)
    comparison = compare_bytes_of(tmp_path, "a.npz", good, bytes(end))

    assert comparison.outcome is Outcome.FAILED
    assert "directory" in comparison.detail


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressors_are_refused(tmp_path: Path, method: int) -> None:
    data = {"a.npy": npy(np.zeros(1))}
    comparison = compare_bytes_of(tmp_path, "a.npz", npz(data), npz(data, method=method))

    assert comparison.outcome is Outcome.FAILED


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    array = npy(np.zeros(1))
    seen = npz({"a.npy": array, "b.npy": array}).replace(b"b.npy", b"a.npy")
    comparison = compare_bytes_of(tmp_path, "a.npz", npz({"a.npy": array}), seen)

    assert comparison.outcome is Outcome.DIFFERENT
    assert "two members of one name" in comparison.detail


def test_what_a_strangers_file_says_is_escaped_and_cut(tmp_path: Path) -> None:
    key = "\x1b]0;evil\x07" * 100
    comparison = compare_bytes_of(tmp_path, "m.json", json.dumps({key: 1}).encode(), b"{}")
    where = first_of(comparison)[0]

    assert where.isprintable()
    assert len(where) < 700


def test_other_texts_are_compared_by_line_and_otherwise_as_bytes(tmp_path: Path) -> None:
    drawn = compare_bytes_of(tmp_path, "plot.svg", b"<date>2026-11-29</date>\n", b"<date>2026-11-30</date>\n")
    binary = compare_bytes_of(tmp_path, "job.out", b"a\xff", b"b\xff")

    assert first_of(drawn)[0] == "line 1"
    assert drawn.only_fleeting
    assert (first_of(binary), binary.compared_as) == (("byte 0", "0x61", "0x62"), "bytes")
    assert binary.detail == "compared as bytes: not UTF-8"


def test_arrays_are_named_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    recorded = {f"arr_{number}.npy": npy(np.zeros(1)) for number in range(12)}
    seen = {**recorded, "arr_10.npy": npy(np.ones(1)), "arr_2.npy": npy(np.ones(1))}
    comparison = compare_bytes_of(tmp_path, "m.npz", npz(recorded), npz(seen))

    assert first_of(comparison)[0] == "arr_2[0]"
    assert (comparison.tensors, comparison.differing_tensors) == (12, 2)
