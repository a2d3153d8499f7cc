"""Locking against a small archive on loopback that the test has built and signed."""

import lzma
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from builders.debian_archive import NOW, Key, Mirror, make_base, make_deb, make_key, serve_mirror, write_suite

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, ReprobuildError, ToolError, TrustError
from reprobuild.lock.base import Base
from reprobuild.steps.lock.debian import DebianLock, lock_debian
from reprobuild.tools.fetch import HttpFetcher
from reprobuild.tools.store import Store

PACKAGES = "main/binary-amd64/Packages.xz"
LIBC = make_deb("libc6", "2.36-9+deb12u9")
PYTHON = make_deb("python3.11", "3.11.2-6+deb12u6", Depends="libc6 (>= 2.36)")
DEBS = (LIBC, PYTHON, make_deb("libgomp1", "12.2.0-14", Depends="libc6"))


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with serve_mirror(tmp_path / "mirror") as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def lock(base: Base, key: Key, store: Store, mirrors: Sequence[str], *extra: str) -> DebianLock:
    with closing(HttpFetcher(timeout=0.5)) as fetch:
        return lock_debian(base, key.public, extra, fetch=fetch, mirrors=lambda _: mirrors, store=store, now=NOW)


def plain(key: Key, *suites: str) -> Base:
    return make_base(key, ["libc6"], suites or ("stable",))


def refused(kind: type[ReprobuildError], base: Base, key: Key, store: Store, mirrors: Sequence[str]) -> str:
    with pytest.raises(kind) as caught:
        lock(base, key, store, mirrors)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_packages_are_locked_by_name_and_hash_and_never_by_place(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key)

    made = lock(plain(key), key, store, [mirror.url], "libgomp1")

    assert [item.name for item in made.artifacts] == ["libc6", "libgomp1", "python3.11"]
    libc = made.artifacts[0]
    assert (libc.kind, libc.source, libc.filename) == ("deb", "stable", "libc6_2.36-9+deb12u9_amd64.deb")
    assert (libc.sha256, libc.size) == (sha256_bytes(LIBC), len(LIBC))
    assert (mirror.root / libc.path).read_bytes() == LIBC
    assert not any("127.0.0.1" in str(item) for item in made.artifacts)


def test_the_python_and_the_glibc_of_the_image_are_told(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key)

    made = lock(plain(key), key, store, [mirror.url])

    assert (made.python, made.glibc) == ("3.11.2", (2, 36))


def test_every_pocket_is_read_and_the_newest_version_wins(mirror: Mirror, key: Key, store: Store) -> None:
    fixed = make_deb("libc6", "2.36-9+deb12u10")
    write_suite(mirror.root, "stable", DEBS, key)
    write_suite(mirror.root, "stable-updates", [], key)
    write_suite(mirror.root, "stable-security", [fixed], key)

    made = lock(plain(key, "stable", "stable-updates", "stable-security"), key, store, [mirror.url])

    assert [(item.version, item.source) for item in made.artifacts if item.name == "libc6"] == [
        ("2.36-9+deb12u10", "stable-security")
    ]


def test_the_same_offers_give_the_same_lock_whatever_their_order(tmp_path: Path, key: Key) -> None:
    locks = []
    for number, debs in enumerate((DEBS, DEBS[::-1])):
        with serve_mirror(tmp_path / f"mirror{number}") as mirror:
            write_suite(mirror.root, "stable", debs, key)
            mirrors = [mirror.url, f"{mirror.url}/gone"][:: 1 - 2 * number]
            locks.append(lock(plain(key), key, Store(tmp_path / f"store{number}"), mirrors, "libgomp1"))

    assert locks[0] == locks[1]


def test_an_index_that_the_store_has_is_not_fetched_again(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key)

    first = lock(plain(key), key, store, [mirror.url])
    asked = len(mirror.asked)

    assert lock(plain(key), key, store, [mirror.url]) == first
    assert mirror.asked[asked:] == ["dists/stable/InRelease"]


@pytest.mark.parametrize("by_hash", [True, False])
def test_an_index_is_asked_for_by_hash_where_the_archive_offers_it(
    mirror: Mirror, key: Key, store: Store, by_hash: bool
) -> None:
    write_suite(mirror.root, "stable", DEBS, key, by_hash=by_hash)

    lock(plain(key), key, store, [mirror.url])

    assert ("by-hash" in mirror.asked[-1]) is by_hash


def test_an_index_missing_by_hash_is_taken_by_name(mirror: Mirror, key: Key, store: Store) -> None:
    folder = write_suite(mirror.root, "stable", DEBS, key)
    for path in folder.rglob("by-hash/*/*"):
        path.unlink()

    assert lock(plain(key), key, store, [mirror.url]).artifacts


def test_a_folder_is_a_mirror_too(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key)

    assert lock(plain(key), key, store, [mirror.root.as_uri()]).artifacts
    assert mirror.asked == []


def stall(mirror: Mirror) -> None:
    mirror.stalled.add("dists/stable/InRelease")


def lose(mirror: Mirror) -> None:
    mirror.missing.add("dists/stable/InRelease")


def tamper(mirror: Mirror) -> None:
    release = mirror.root / "dists/stable/InRelease"
    mirror.replaced["dists/stable/InRelease"] = release.read_bytes().replace(b"Origin: Test", b"Origin: Evil")


def swap_index(mirror: Mirror) -> None:
    packed = mirror.root / "dists/stable" / PACKAGES
    for path in [packed, *packed.parent.rglob("by-hash/*/*")]:
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 1
        mirror.replaced[str(path.relative_to(mirror.root))] = bytes(body)


def cut_index(mirror: Mirror) -> None:
    packed = mirror.root / "dists/stable" / PACKAGES
    for path in [packed, *packed.parent.rglob("by-hash/*/*")]:
        mirror.replaced[str(path.relative_to(mirror.root))] = path.read_bytes()[:-8]


def swell_index(mirror: Mirror) -> None:
    packed = mirror.root / "dists/stable" / PACKAGES
    for path in [packed, *packed.parent.rglob("by-hash/*/*")]:
        mirror.replaced[str(path.relative_to(mirror.root))] = path.read_bytes() + bytes(1 << 20)


def lose_index(mirror: Mirror) -> None:
    packed = mirror.root / "dists/stable" / PACKAGES
    for path in [packed, *packed.parent.rglob("by-hash/*/*")]:
        mirror.missing.add(str(path.relative_to(mirror.root)))


FAULTS: list[tuple[Callable[[Mirror], None], type[ReprobuildError], str]] = [
    (stall, ToolError, "/dists/stable/InRelease: timed out"),
    (lose, ToolError, "/dists/stable/InRelease: not found (404)"),
    (tamper, TrustError, "stable: InRelease has no good signature"),
    (swap_index, InputError, f"stable: {PACKAGES}: the mirror's file is"),
    (cut_index, InputError, f"stable: {PACKAGES}: the mirror's file is"),
    (swell_index, ToolError, "more than"),
    (lose_index, ToolError, f"stable: {PACKAGES}: not on the mirror"),
]


@pytest.mark.parametrize(("fault", "kind", "said"), FAULTS)
def test_a_broken_mirror_is_one_line_and_leaves_nothing_in_the_store(
    mirror: Mirror,
    key: Key,
    store: Store,
    fault: Callable[[Mirror], None],
    kind: type[ReprobuildError],
    said: str,
) -> None:
    write_suite(mirror.root, "stable", DEBS, key)
    fault(mirror)

    assert said in refused(kind, plain(key), key, store, [mirror.url])
    assert not [path for path in store.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("fault", [fault for fault, _, _ in FAULTS])
def test_the_next_mirror_is_asked_when_one_is_broken(
    mirror: Mirror, key: Key, store: Store, fault: Callable[[Mirror], None]
) -> None:
    write_suite(mirror.root, "stable", DEBS, key)
    fault(mirror)

    with serve_mirror(mirror.root) as whole:
        assert lock(plain(key), key, store, [mirror.url, whole.url]).artifacts


def test_a_password_in_a_mirrors_address_is_not_told(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key)
    lose(mirror)
    secret = mirror.url.replace("http://", "http://user:hunter2@")

    assert "hunter2" not in refused(ToolError, plain(key), key, store, [secret])


def test_another_key_is_not_trusted(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, make_key("A stranger"))

    assert "no good signature" in refused(TrustError, plain(key), key, store, [mirror.url])


def test_a_mirror_that_stopped_being_updated_is_told(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key, now=NOW - timedelta(days=30))

    assert "was valid until" in refused(TrustError, plain(key), key, store, [mirror.url])


def test_another_suite_in_this_ones_place_is_told(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key, Codename="oldstable")

    assert "serves 'oldstable'" in refused(TrustError, plain(key), key, store, [mirror.url])


@pytest.mark.parametrize(
    "packed",
    [b"not xz", lzma.compress(b"Package: x\n" * 99)[:-9], lzma.compress(b"") + b"more"],
    ids=["not-xz", "cut-off", "something-after"],
)
def test_a_signed_index_that_does_not_unpack_is_told(mirror: Mirror, key: Key, store: Store, packed: bytes) -> None:
    write_suite(mirror.root, "stable", DEBS, key, packages=packed)

    assert "stable: Packages.xz is" in refused(InputError, plain(key), key, store, [mirror.url])


def test_a_release_without_the_component_is_told(mirror: Mirror, key: Key, store: Store) -> None:
    write_suite(mirror.root, "stable", DEBS, key, component="contrib")

    assert f"InRelease vouches for no {PACKAGES}" in refused(InputError, plain(key), key, store, [mirror.url])


@pytest.mark.parametrize(
    ("field", "value"),
    [("Filename", "../../etc/passwd"), ("Filename", "/etc/passwd"), ("Size", "-1"), ("SHA256", "abc")],
)
def test_a_stanza_that_names_no_usable_file_is_told(
    mirror: Mirror, key: Key, store: Store, field: str, value: str
) -> None:
    folder = write_suite(mirror.root, "stable", DEBS, key)
    lines = lzma.decompress((folder / PACKAGES).read_bytes()).decode().splitlines()
    text = "\n".join(f"{field}: {value}" if line.startswith(f"{field}:") else line for line in lines)
    write_suite(mirror.root, "stable", DEBS, key, packages=lzma.compress(text.encode()))

    assert f"stable: libc6: {field} is" in refused(InputError, plain(key), key, store, [mirror.url])


def test_no_mirror_at_all_is_told(key: Key, store: Store) -> None:
    assert refused(ToolError, plain(key), key, store, []) == "stable: no mirror"
