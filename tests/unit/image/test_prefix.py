import time

import pytest

from reprobuild.image.prefix import replace_in_binary, replace_in_text

OLD = "/placeholder/that/is/longer"
NEW = "/opt/conda"


def test_text_gets_the_new_prefix_wherever_the_old_one_stands() -> None:
    text = f"#!{OLD}/bin/python -I\nprefix = '{OLD}'\nelse = '{OLD[:-1]}'\n"

    assert replace_in_text(text.encode(), OLD, NEW).decode() == (
        f"#!/opt/conda/bin/python -I\nprefix = '/opt/conda'\nelse = '{OLD[:-1]}'\n"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wider_encodings_are_found_too(encoding: str) -> None:
    text = f"a {OLD}/b\0c".encode(encoding)
    width = len("\0".encode(encoding))

    assert replace_in_text(text, OLD, NEW) == f"a {NEW}/b\0c".encode(encoding)
    filled = f"a {NEW}/b\0".encode(encoding) + bytes(width * (len(OLD) - len(NEW))) + "c".encode(encoding)
    assert replace_in_binary(text, OLD, NEW) == filled


def test_a_program_keeps_its_length_and_the_rest_of_the_string_moves_up() -> None:
    data = b"\x7fELF\0" + f"{OLD}/lib:{OLD}/share".encode() + b"\0next\0"
    patched = replace_in_binary(data, OLD, NEW)

    assert len(patched) == len(data)
    assert patched == b"\x7fELF\0/opt/conda/lib:/opt/conda/share" + bytes(2 * (len(OLD) - len(NEW)) + 1) + b"next\0"


def test_what_ends_without_a_nul_is_no_string_of_a_program() -> None:
    assert replace_in_binary(OLD.encode(), OLD, NEW) == OLD.encode()


def test_strings_that_never_end_cost_no_more_than_others() -> None:
    data = (OLD + "/").encode() * 200_000
    begun = time.monotonic()

    assert replace_in_binary(data, OLD, NEW) == data
    assert time.monotonic() - begun < 5  # looked through once for each prefix, it would take an hour


def test_a_text_that_a_prefix_of_one_letter_would_blow_up_is_refused() -> None:
    with pytest.raises(ValueError, match="a text of more than 268435456 bytes"):
        replace_in_text(b"a" * (32 << 20), "a", NEW)


def test_a_prefix_that_does_not_fit_into_a_program_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than the one it was built for"):
        replace_in_binary(b"/short/lib\0", "/short", NEW)


def test_a_first_line_that_the_kernel_would_cut_off_goes_through_env() -> None:
    folder = "/deep" * 30
    script = f"#!{OLD}{folder}/python3.11 -I\nbody\n".encode()

    assert replace_in_text(script, OLD, NEW) == b"#!/usr/bin/env python3.11 -I\nbody\n"
    assert replace_in_text(b"no script " * 30, OLD, NEW) == b"no script " * 30


def test_a_program_without_the_prefix_is_left_as_it_is() -> None:
    assert replace_in_binary(b"\x7fELF" + bytes(range(256)), OLD, NEW) == b"\x7fELF" + bytes(range(256))
