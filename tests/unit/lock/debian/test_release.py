from datetime import timedelta

import pytest
from builders.debian_archive import NOW, Key, clearsign, make_key, render_release

from reprobuild.ground.errors import TrustError
from reprobuild.lock.base import Suite
from reprobuild.lock.debian.release import verify_release

WEEK = timedelta(days=7)
INDICES = {"main/binary-amd64/Packages.xz": b"index"}


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


@pytest.fixture(scope="module")
def stranger() -> Key:
    return make_key("A stranger")


def suite(*keys: Key, name: str = "stable") -> Suite:
    return Suite(name=name, keys=tuple(key.fingerprint for key in keys))


def refusal(data: bytes, keys: bytes, wanted: Suite) -> str:
    with pytest.raises(TrustError) as caught:
        verify_release(data, keys, wanted, NOW)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_signed_release_vouches_for_its_indices(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)

    release = verify_release(data, key.public, suite(key), NOW)

    assert release.files["main/binary-amd64/Packages.xz"].size == 5
    assert release.by_hash


def test_a_signature_by_one_of_several_keys_is_enough(key: Key, stranger: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)

    assert verify_release(data, stranger.public + key.public, suite(stranger, key), NOW).files


def test_a_changed_byte_breaks_the_signature(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)

    assert "no good signature" in refusal(data.replace(b"Origin: Test", b"Origin: Best"), key.public, suite(key))


def test_text_around_the_signed_part_is_not_read(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)
    line = b"SHA256:\n " + b"0" * 64 + b" 1 main/binary-amd64/Packages.xz\n"

    release = verify_release(data + line, key.public, suite(key), NOW)

    assert release.files["main/binary-amd64/Packages.xz"].size == 5


def test_another_key_is_not_trusted(key: Key, stranger: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), stranger)

    assert "no good signature" in refusal(data, key.public, suite(key))


def test_a_key_that_is_shipped_for_another_suite_is_not_trusted(key: Key, stranger: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), stranger)

    assert "no good signature" in refusal(data, key.public + stranger.public, suite(key))


def test_a_base_without_the_keys_that_it_names_trusts_nothing(key: Key, stranger: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)

    assert "ships none of the keys" in refusal(data, stranger.public, suite(key))


@pytest.mark.parametrize("keys", [b"", b"junk", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"])
def test_a_broken_file_of_keys_trusts_nothing(key: Key, keys: bytes) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)

    assert refusal(data, keys, suite(key)).startswith("stable: ")


@pytest.mark.parametrize("data", [b"", b"Origin: Test\nSuite: stable\n", b"<html>login</html>", bytes(4096)])
def test_what_is_not_signed_is_refused(key: Key, data: bytes) -> None:
    assert "no good signature" in refusal(data, key.public, suite(key))


def test_every_truncation_is_refused(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=WEEK), key)

    for end in range(0, len(data) - 60, 7):
        with pytest.raises(TrustError):
            verify_release(data[:end], key.public, suite(key), NOW)


def test_an_old_release_is_refused(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW - 2 * WEEK, valid=WEEK), key)

    assert "was valid until Thu, 08 Jan 2026" in refusal(data, key.public, suite(key))


def test_a_release_without_an_end_stays_valid(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW - 100 * WEEK, valid=None), key)

    assert verify_release(data, key.public, suite(key), NOW).files


def test_a_release_from_the_future_is_refused(key: Key) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW + WEEK, valid=None), key)

    assert "in the future" in refusal(data, key.public, suite(key))


@pytest.mark.parametrize("date", ["soon", "", "Thu, 99 Jan 2026 12:00:00 UTC"])
def test_a_date_that_can_not_be_read_is_refused(key: Key, date: str) -> None:
    data = clearsign(render_release("stable", INDICES, now=NOW, valid=None, Date=date), key)

    assert "no readable Date" in refusal(data, key.public, suite(key))


def test_another_suite_under_this_name_is_refused(key: Key) -> None:
    data = clearsign(render_release("oldstable", INDICES, now=NOW, valid=WEEK), key)

    assert "serves 'oldstable'" in refusal(data, key.public, suite(key))


def test_a_suite_may_be_asked_for_by_its_other_name(key: Key) -> None:
    data = clearsign(render_release("bookworm", INDICES, now=NOW, valid=WEEK, Suite="stable"), key)

    assert verify_release(data, key.public, suite(key), NOW).files


@pytest.mark.parametrize("line", ["zz 5 main/x", "0" * 64 + " five main/x", "0" * 64, "0" * 64 + " 5"])
def test_a_broken_line_of_sums_is_refused(key: Key, line: str) -> None:
    text = render_release("stable", INDICES, now=NOW, valid=WEEK) + f" {line}\n"

    assert "broken line" in refusal(clearsign(text, key), key.public, suite(key))
