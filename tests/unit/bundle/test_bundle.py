import io
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from builders.archives import BLOBS, Loose, blob, put_together, take_apart
from builders.bundles import ScriptedEngine, make_test_bundle
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.bundle.read import read_front, verify_bundle
from reprobuild.ground.errors import InputError
from reprobuild.steps.bundle import make_bundle
from reprobuild.steps.inspect import inspect_bundle
from reprobuild.tools.store import Store


def train(work: Path, _environment: Mapping[str, str]) -> int:
    (work / "out").mkdir(exist_ok=True)
    (work / "out" / "model.bin").write_bytes(bytes(range(256)) * 20)
    return 0


def make(folder: Path) -> Path:
    files: dict[str, str | bytes] = {"train.py": "x\n", "d.csv": "1,2\n", "bin/tool.sh": "#!/bin/sh\n"}
    project = {"outputs": ("out/model.bin",), "data": {"d": "d.csv"}}
    return make_test_bundle(folder, ScriptedEngine(train), project, files=files)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("bundle"))


def refusal(data: bytes, folder: Path) -> str:
    """What a reader says of a broken bundle; fails when it says nothing or leaves files that count."""
    path = folder / "b.tar"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        verify_bundle(path, "b.tar", folder / "blobs")
    message = str(caught.value)
    assert message.startswith("b.tar: ")
    assert "\n" not in message
    assert len(message) < 500
    assert caught.value.hint
    return message


def test_what_was_written_is_read_again(bundle: Path, tmp_path: Path) -> None:
    front, files = verify_bundle(bundle, "b.tar", tmp_path / "blobs")

    assert list(front.documents) == [
        "reprobuild.lock",
        "record.json",
        "requirements.txt",
        "source.tar",
        "outputs.tar",
        "log.txt",
        "data/d.tar",
    ]
    assert files[front.documents["log.txt"].sha256].read_bytes() == b"training\n"
    assert read_front(bundle, "b.tar") == front


def test_the_small_documents_come_first_and_headers_tell_nothing_of_this_machine(bundle: Path) -> None:
    with tarfile.open(bundle) as archive:
        members = archive.getmembers()

    assert [member.name for member in members[:2]] == ["oci-layout", "index.json"]
    assert all(member.name.startswith(BLOBS) for member in members[2:])
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.type) for m in members} == {
        (0, 0, 0, "", "", 0o644, tarfile.REGTYPE)
    }
    assert len({member.name for member in members}) == len(members)


def test_the_same_run_makes_the_same_bytes_in_another_place(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.umask(0o077)
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    monkeypatch.chdir(tmp_path)
    time.tzset()
    try:
        again = tmp_path / "again.tar"
        run = bundle.parent / "project" / ".reprobuild" / "runs" / "0001"
        make_bundle(run, Store(bundle.parent / "store"), again)
    finally:
        os.umask(before)
        monkeypatch.undo()
        time.tzset()

    assert again.read_bytes() == bundle.read_bytes()


def test_two_machines_make_the_same_image_source_and_outputs(bundle: Path, tmp_path: Path) -> None:
    one, other = read_front(bundle, "one"), read_front(make(tmp_path / "other"), "other")
    same = ("reprobuild.lock", "requirements.txt", "source.tar", "outputs.tar", "log.txt", "data/d.tar")

    assert one.image == other.image
    assert {name: one.documents[name] for name in same} == {name: other.documents[name] for name in same}


def test_inspect_needs_the_front_alone(bundle: Path, tmp_path: Path) -> None:
    front = put_together(take_apart(bundle)[:8])[:-1024]
    path = tmp_path / "front.tar"
    with path.open("wb") as stream:
        stream.write(front)
        stream.truncate(1 << 40)  # a sparse file of a tebibyte: whoever reads on never ends

    assert inspect_bundle(path) == inspect_bundle(bundle)
    assert len(front) < 64 << 10


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
Change = Callable[[Loose], object]


def swap(a: int, b: int) -> Change:
    """Two members change places."""

    def change(loose: Loose) -> None:
        def order(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
            members[a], members[b] = members[b], members[a]
            return members

        loose.order = order

    return change


def without(number: int) -> Change:
    return lambda loose: setattr(loose, "order", lambda members: members[:number] + members[number + 1 :])


def with_more(name: str, body: bytes = b"more") -> Change:
    return lambda loose: setattr(loose, "order", lambda members: [*members, (name, body)])


def titled(name: str) -> Change:
    return lambda loose: loose.bundle["layers"][2]["annotations"].update({"org.opencontainers.image.title": name})


HOSTILE: dict[str, Change] = {
    "the layout is another's": lambda loose: setattr(loose, "layout", b'{"imageLayoutVersion": "1.0.0"}'),
    "the index has a second manifest": lambda loose: loose.index["manifests"].append(loose.index["manifests"][0]),
    "the index has no manifest": lambda loose: loose.__dict__.update(order=lambda m: [m[0], ("index.json", b"{}")]),
    "the index has an unknown key": lambda loose: loose.index.update(extra=1),
    "the index has an unknown annotation": lambda loose: loose.index["manifests"][0]["annotations"].update(x="y"),
    "the index lacks the bundle's digest": lambda loose: loose.index["manifests"][0].update(annotations={}),
    "the image is an index": lambda loose: loose.index["manifests"][0].update(mediaType="application/x"),
    "the schema has another version": lambda loose: loose.manifest.update(schemaVersion=1),
    "the manifest has an unknown key": lambda loose: loose.manifest.update(extra=1),
    "the config has another type": lambda loose: loose.manifest["config"].update(mediaType="application/x"),
    "the config is for another system": lambda loose: loose.config.update(os="windows"),
    "the config has an entry point": lambda loose: loose.config["config"].update(Entrypoint=["/evil"]),
    "the config has another layer": lambda loose: loose.config["rootfs"]["diff_ids"].append("sha256:" + "0" * 64),
    "a layer unpacks to something else": lambda loose: loose.config["rootfs"].update(diff_ids=["sha256:" + "0" * 64]),
    "a layer claims too little": lambda loose: loose.bundle["annotations"].update(
        {"vnd.reprobuild.unpacked-size": "9"}
    ),
    "a layer claims too much": lambda loose: loose.bundle["annotations"].update(
        {"vnd.reprobuild.unpacked-size": "9" * 14}
    ),
    "a layer claims no number": lambda loose: loose.bundle["annotations"].update({"vnd.reprobuild.unpacked-size": "x"}),
    "a layer claims what is no digit": lambda loose: loose.bundle["annotations"].update(
        {"vnd.reprobuild.unpacked-size": "\u00b2"}
    ),
    "a layer has another type": lambda loose: loose.manifest["layers"][0].update(mediaType="application/x-tar"),
    "a layer has annotations": lambda loose: loose.manifest["layers"][0].update(annotations={"a": "b"}),
    "a layer is no zstd": lambda loose: loose.replace_layer(b"no zstd at all"),
    "a layer is a bomb": lambda loose: loose.replace_layer(bomb()),
    "a layer has another size": lambda loose: loose.manifest["layers"][0].update(size=7),
    "the bundle is another artifact": lambda loose: loose.bundle.update(artifactType="application/x"),
    "the bundle has no documents": lambda loose: loose.bundle.update(layers=[]),
    "the bundle has an unknown annotation": lambda loose: loose.bundle["annotations"].update(x="y"),
    "a document has no name": titled(""),
    "two documents have one name": titled("record.json"),
    "a document is no part of a bundle": titled("../../etc/passwd"),
    "a document has another size": lambda loose: loose.bundle["layers"][3].update(size=1),
    "a small document is huge": lambda loose: loose.replace_document("record.json", b" " * (65 << 20)),
    "the lock does not come first": lambda loose: loose.bundle["layers"].reverse(),
    "a digest is of another kind": lambda loose: loose.bundle["layers"][2].update(digest="md5:" + "0" * 32),
    "two members change places": swap(6, 7),
    "the index comes first": swap(0, 1),
    "a document is missing": without(8),
    "the last layer is missing": without(-1),
    "the empty config is missing": without(5),
    "something follows that nothing describes": with_more(*blob(b"surplus")),
    "a file lies outside": with_more("../evil"),
    "an absolute file": with_more("/etc/cron.d/evil"),
    "a member is there twice": with_more("index.json", b"{}"),
}


@pytest.mark.parametrize("title", ["record.json", "reprobuild.lock"])
@pytest.mark.parametrize("body", [DEEP, b"{}", b"null", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}'])
def test_inspect_refuses_a_small_document_that_is_none(bundle: Path, tmp_path: Path, title: str, body: bytes) -> None:
    loose = Loose(bundle)
    loose.replace_document(title, body)
    (tmp_path / "b.tar").write_bytes(loose.to_bytes())

    with pytest.raises(InputError, match=rf"^b\.tar: {title}: ") as caught:
        inspect_bundle(tmp_path / "b.tar")
    assert caught.value.hint


def bomb() -> bytes:
    """A layer of zeros that is a thousandth of what it unpacks to."""
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(bytes(64 << 20))


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_bundle_is_refused(bundle: Path, tmp_path: Path, change: Change) -> None:
    loose = Loose(bundle)
    assert loose.to_bytes() == bundle.read_bytes()
    change(loose)

    refusal(loose.to_bytes(), tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_file_is_refused(bundle: Path, tmp_path: Path, kind: bytes) -> None:
    raw = io.BytesIO()
    with tarfile.open(bundle) as source, tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as target:
        for number, member in enumerate(source):
            content = source.extractfile(member)
            if number == 6:
                member.type, member.size, member.linkname = kind, 0, "/etc/passwd"
                content = None
            target.addfile(member, content)

    refusal(raw.getvalue(), tmp_path)


def test_another_spelling_of_the_same_archive_is_refused(bundle: Path, tmp_path: Path) -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=form) as target:
            for name, body in take_apart(bundle):
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(body), 1
                target.addfile(member, io.BytesIO(body))
        (tmp_path / str(form)).mkdir()
        refusal(raw.getvalue(), tmp_path / str(form))


@given(data=st.data())
def test_every_truncation_is_refused(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path, data: st.DataObject
) -> None:
    whole = bundle.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert refusal(whole[:cut], tmp_path_factory.mktemp("cut"))


def test_a_truncation_at_every_block_is_refused(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    for cut in range(0, len(whole), 512):
        (tmp_path / str(cut)).mkdir()
        refusal(whole[:cut], tmp_path / str(cut))


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "every"])
def test_a_flipped_byte_is_refused_wherever_it_is(bundle: Path, tmp_path: Path, step: int) -> None:
    whole = bytearray(bundle.read_bytes())
    # Nearly all zeros are padding, where one place is like another.
    for at in [at for at in range(0, len(whole), step) if whole[at] or at % 50 == 0]:
        whole[at] ^= 0x41
        refusal(bytes(whole), tmp_path)
        shutil.rmtree(tmp_path / "blobs", ignore_errors=True)
        whole[at] ^= 0x41


def test_bytes_behind_the_end_are_refused(bundle: Path, tmp_path: Path) -> None:
    assert "follows the end" in refusal(bundle.read_bytes() + b"x", tmp_path)


def test_a_bundle_that_cannot_be_written_leaves_the_old_one(bundle: Path, tmp_path: Path) -> None:
    run = bundle.parent / "project" / ".reprobuild" / "runs" / "0001"
    target = tmp_path / "bundle.tar"
    target.write_bytes(b"old")
    store = Store(tmp_path / "empty")

    with pytest.raises(InputError, match="its image is not in the store"):
        make_bundle(run, store, target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.tar"]


def test_what_docker_would_load_is_what_we_verify(bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "gzip.tar"
    run = bundle.parent / "project" / ".reprobuild" / "runs" / "0001"
    make_bundle(run, Store(bundle.parent / "store"), target, "gzip")
    members = take_apart(target)
    position = [name for name, _ in members].index("manifest.json")
    name, body = members[position]

    for other in (body.replace(b'"RepoTags": null', b'"RepoTags": ["evil:latest"]'), b"[]\n"):
        members[position] = (name, other)
        assert "manifest.json" in refusal(put_together(members), tmp_path)
        shutil.rmtree(tmp_path / "blobs")
    refusal(put_together(members[:position] + members[position + 1 :]), tmp_path)
