import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from builders.debian_archive import (
    Compression,
    Content,
    File,
    Folder,
    HardLink,
    Link,
    compress,
    make_deb,
    render_ar,
    render_tar,
)
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Kind
from reprobuild.image.deb import read_deb
from reprobuild.image.note import Note
from reprobuild.image.spool import Spool


def read(deb: bytes, folder: Path) -> tuple[Note, dict[str, tuple[Kind, int, str, bytes]]]:
    """The note, and each entry's kind, mode, link and content."""
    path = folder / "blob"
    path.write_bytes(deb)
    with Spool("tool.deb") as spool:
        note = read_deb(path, "tool.deb", spool)
        found = {
            name: (entry.kind, entry.mode, entry.link, spool.read(name) if entry.kind == "file" else b"")
            for name, entry in spool.entries.items()
        }
    return note, found


def refusal(deb: bytes, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(deb, folder)
    return str(caught.value)


@pytest.mark.parametrize("compression", ["xz", "gz", "zst", "none"])
def test_each_compression_gives_the_same_entries(tmp_path: Path, compression: Compression) -> None:
    deb = make_deb("tool", files={"usr/bin/tool": File("x", 0o755)}, compression=compression)

    assert read(deb, tmp_path)[1]["usr/bin/tool"] == ("file", 0o755, "", b"x")


def test_owners_setuid_and_times_are_left_behind(tmp_path: Path) -> None:
    _, found = read(make_deb("tool", files={"usr/bin/su": File("x", 0o6755, 5, 5), "var/t": Folder(0o1777)}), tmp_path)

    assert found["usr/bin/su"][1] == 0o755
    assert found["var/t"][1] == 0o1777


def test_top_level_folders_are_merged_into_usr_for_files_links_and_hard_links(tmp_path: Path) -> None:
    files: dict[str, Content] = {"bin/a": "x", "bin/b": HardLink("bin/a"), "lib/c": Link("/lib/d"), "lib64": Folder()}
    _, found = read(make_deb("tool", files=files), tmp_path)

    assert found["usr/bin/a"][0] == "file"
    assert found["usr/bin/b"] == ("hardlink", 0o644, "usr/bin/a", b"")
    assert found["usr/lib/c"][:3] == ("symlink", 0o777, "/lib/d")
    assert not {"bin", "lib", "bin/a", "lib64"} & found.keys()


def test_links_of_a_merged_system_are_left_to_the_image(tmp_path: Path) -> None:
    _, found = read(make_deb("usrmerge", files={"bin": Link("usr/bin"), "usr/bin/x": "x"}), tmp_path)

    assert "bin" not in found


def test_dpkg_finds_the_package_its_files_and_its_conffiles(tmp_path: Path) -> None:
    files: dict[str, Content] = {"etc/tool.conf": "a = 1\n", "bin/tool": "x"}
    deb = make_deb("tool", "1:2-3", files, scripts={"conffiles": "/etc/tool.conf\n", "postinst": "#!/bin/sh\n"})
    note, found = read(deb, tmp_path)

    listed = found["var/lib/dpkg/info/tool.list"][3].decode().splitlines()
    assert listed[0] == "/."
    assert {"/etc/tool.conf", "/bin/tool"} <= set(listed)
    assert found["var/lib/dpkg/info/tool.postinst"][:2] == ("file", 0o755)
    assert "Package: tool\nStatus: install ok installed\nVersion: 1:2-3\n" in note.status
    digest = hashlib.md5(b"a = 1\n", usedforsecurity=False).hexdigest()
    assert note.status.endswith(f"Conffiles:\n /etc/tool.conf {digest}\n")


def test_a_package_for_several_architectures_has_its_own_in_the_names_of_its_info_files(tmp_path: Path) -> None:
    _, found = read(make_deb("libx", files={"usr/lib/x": "x"}, Multi_Arch="same"), tmp_path)

    assert "var/lib/dpkg/info/libx:amd64.list" in found


def test_scripts_are_kept_for_the_report_and_not_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    note, _ = read(make_deb("tool", files={"a": "x"}, scripts={"postinst": f"#!/bin/sh\ntouch {mark}\n"}), tmp_path)

    assert note.scripts == {"postinst": f"#!/bin/sh\ntouch {mark}\n"}
    assert not mark.exists()


CONTROL = compress(render_tar({"control": "Package: tool\nVersion: 1\nArchitecture: amd64\n"}), "none")


def hostile(data: bytes, control: bytes = CONTROL) -> bytes:
    return render_ar({"debian-binary": b"2.0\n", "control.tar": control, "data.tar": data})


def tar_of(kind: bytes, name: str, link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member, io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("deb", "said"),
    [
        (b"", "not a .deb"),
        (b"!<arch>\n", "it has no control.tar"),
        (hostile(tar_of(b"0", "../../etc/passwd")), "not a path inside"),
        (hostile(tar_of(b"0", "usr/../../x")), "not a path inside"),
        (hostile(tar_of(b"0", "//etc//passwd")), "not a path inside"),
        (hostile(tar_of(b"3", "dev/null")), "neither a file, a folder nor a link"),
        (hostile(tar_of(b"6", "pipe")), "neither a file, a folder nor a link"),
        (hostile(tar_of(b"1", "a", "../../etc/shadow")), "a hard link to ../../etc/shadow, which is no file before it"),
        (hostile(tar_of(b"0", "a")[:512] + tar_of(b"0", "a")), "a is in it twice"),
        (hostile(tar_of(b"0", "a"), compress(render_tar({"control": "Version: 1\n"}), "none")), "names no package"),
        (hostile(render_tar({"a": "x" * 2000})[:-11000]), "tool.deb: data.tar: "),
        (render_ar({"debian-binary": b"2.0\n", "control.tar": CONTROL}), "it has no data.tar"),
        (render_ar({"control.tar": CONTROL, "data.tar.lz4": b"x"}), "data.tar.lz4: unknown compression"),
        (render_ar({"control.tar": CONTROL, "data.tar.xz": b"no xz"}), "data.tar.xz: "),
        (render_ar({"control.tar": CONTROL, "data.tar.gz": b"no gzip"}), "data.tar.gz: "),
        (render_ar({"control.tar": CONTROL, "data.tar.zst": b"no zstd"}), "data.tar.zst: "),
        (hostile(tar_of(b"0", "a"))[:-20], "is it truncated?"),
        (hostile(tar_of(b"0", "a"))[:100], "it ends early"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_hostile_or_broken_package_is_refused_with_its_name(tmp_path: Path, deb: bytes, said: str) -> None:
    message = refusal(deb, tmp_path)

    assert message.startswith("tool.deb: ")
    assert said in message
    assert "\n" not in message


def test_a_link_of_a_package_may_point_anywhere_because_nothing_follows_it(tmp_path: Path) -> None:
    assert read(hostile(tar_of(b"2", "a", "/../../etc")), tmp_path)[1]["a"][2] == "/../../etc"


def test_a_full_disk_is_not_called_a_broken_package(tmp_path: Path) -> None:
    class FullSpool(Spool):
        def add(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    path = tmp_path / "blob"
    path.write_bytes(make_deb("tool", files={"a": "x"}))
    with FullSpool("tool.deb") as spool, pytest.raises(OSError, match="No space left"):
        read_deb(path, "tool.deb", spool)


WHOLE = make_deb("tool", files={"usr/bin/tool": "x" * 2000, "etc/c": "y"}, scripts={"conffiles": "/etc/c\n"})


def attempt(deb: bytes) -> dict[str, tuple[Kind, int, str, bytes]] | None:
    """What a perhaps broken package holds, or None when it was refused in one line; anything else is an accident."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return read(deb, Path(folder))[1]
        except InputError as error:
            return None if "\n" not in str(error) else {}


@given(cut=st.integers(0, len(WHOLE) - 1))
def test_every_truncation_is_refused_or_leaves_nothing_out(cut: int) -> None:
    assert attempt(WHOLE[:cut]) in (None, attempt(WHOLE))


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_is_refused_or_read_without_an_accident(at: int, bit: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] ^= 1 << bit

    assert attempt(bytes(changed)) != {}
