import re
import shutil
import subprocess
from pathlib import Path

import pytest
from builders.debian_archive import Content, Link, make_deb
from builders.images import image_base

from reprobuild.ground.errors import InputError
from reprobuild.image.deb import read_deb
from reprobuild.image.ldcache import compare_names, render_cache, search_folders
from reprobuild.image.made import certificates, libraries, make_rest, script_notes
from reprobuild.image.note import Note
from reprobuild.image.spool import Spool
from reprobuild.lock.base import Base

LIBRARY = Path("/usr/lib/x86_64-linux-gnu")


def note_of(folder: Path, name: str = "tool", files: dict[str, Content] | None = None, script: str = "") -> Note:
    """The note of a package with these files and this postinst."""
    path = folder / f"{name}.deb"
    path.write_bytes(
        make_deb(name, files=files or {}, scripts={"postinst": script} if script else {}, compression="none")
    )
    with Spool(name) as spool:
        return read_deb(path, name, spool)


def rest(base: Base, *notes: Note) -> dict[str, str]:
    """The made entries: text of files, target of links, `dir MODE`."""
    with Spool("image") as spool:
        make_rest(base, notes, spool)
        return {
            path: spool.read(path).decode("latin-1")
            if entry.kind == "file"
            else entry.link or f"{entry.kind} {entry.mode:o}"
            for path, entry in spool.entries.items()
        }


def test_the_links_of_a_merged_system_and_the_folders_that_engines_mount_are_made(tmp_path: Path) -> None:
    made = rest(image_base(), note_of(tmp_path, files={"lib64/ld.so": "x"}))

    assert {name: made.get(name) for name in ("bin", "sbin", "lib64")} == {
        "bin": "usr/bin",
        "sbin": "usr/sbin",
        "lib64": "usr/lib64",
    }
    assert "lib32" not in made
    assert (made["tmp"], made["proc"], made["root"]) == ("dir 1777", "dir 755", "dir 700")


def test_accounts_and_configuration_are_copied_from_the_packaged_masters(tmp_path: Path) -> None:
    base = image_base(
        copies={"/etc/passwd": "/usr/share/base-passwd/passwd.master"}, files={"/etc/hosts": "127.0.0.1\tlocalhost\n"}
    )
    made = rest(base, note_of(tmp_path, files={"usr/share/base-passwd/passwd.master": "root:*:0:0::/root:/bin/sh\n"}))

    assert made["etc/passwd"] == "root:*:0:0::/root:/bin/sh\n"
    assert made["etc/hosts"] == "127.0.0.1\tlocalhost\n"


def test_a_copy_whose_master_is_in_no_package_names_it() -> None:
    with pytest.raises(InputError, match="copies: no package holds /usr/share/nothing"):
        rest(image_base(copies={"/etc/passwd": "/usr/share/nothing"}))


def test_alternatives_link_to_the_first_target_that_is_there(tmp_path: Path) -> None:
    base = image_base(links={"/usr/bin/awk": ("/usr/bin/gawk", "/usr/bin/mawk"), "/usr/bin/vi": ("/usr/bin/vim",)})
    made = rest(base, note_of(tmp_path, files={"usr/bin/mawk": "x"}))

    assert made["usr/bin/awk"] == "/usr/bin/mawk"
    assert "usr/bin/vi" not in made


def test_python_and_python3_are_always_on_the_path(tmp_path: Path) -> None:
    made = rest(image_base(), note_of(tmp_path, files={"usr/bin/python3": Link("python3.11")}))

    assert made["usr/local/bin/python"] == "/usr/bin/python3.11"
    assert "usr/local/bin/python3" not in made


def test_every_packaged_certificate_is_in_the_bundle_in_the_order_of_names() -> None:
    texts = {f"usr/share/ca-certificates/m/{name}.crt": f"{name}\n" for name in ("b", "a")}

    assert certificates({**texts, "usr/share/ca-certificates/README": "no"}) == b"a\nb\n"


def test_a_package_whose_script_does_more_is_told_unless_the_base_explains_it(tmp_path: Path) -> None:
    notes = [note_of(tmp_path, name, script="#!/bin/sh\nadduser x\n") for name in ("one", "two")]
    told = script_notes(image_base(explained={"one": "no accounts are needed"}), notes)

    assert [(note.package, note.script, note.line) for note in told] == [("two", "postinst", "adduser x")]


def test_the_status_file_lists_packages_by_name(tmp_path: Path) -> None:
    made = rest(image_base(), note_of(tmp_path, "zeta"), note_of(tmp_path, "alpha"))

    assert re.findall(r"^Package: (.*)$", made["var/lib/dpkg/status"], re.MULTILINE) == ["alpha", "zeta"]


def test_dpkg_query_reads_the_database(tmp_path: Path) -> None:
    dpkg = shutil.which("dpkg-query")
    assert dpkg, "a Debian machine has dpkg"
    made = rest(image_base(), note_of(tmp_path, "zeta"), note_of(tmp_path, "alpha"))
    (tmp_path / "dpkg" / "info").mkdir(parents=True)
    (tmp_path / "dpkg" / "status").write_text(made["var/lib/dpkg/status"])
    (tmp_path / "dpkg" / "info" / "format").write_text("1\n")
    shown = subprocess.run(
        [dpkg, "--admindir", str(tmp_path / "dpkg"), "--show"], capture_output=True, text=True, check=True
    )

    assert shown.stdout == "alpha\t1.0-1\nzeta\t1.0-1\n"


def test_included_folders_come_before_the_built_in_ones_and_comments_are_skipped() -> None:
    texts = {
        "etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n/last # of ours\n",
        "etc/ld.so.conf.d/b.conf": "/b\n",
        "etc/ld.so.conf.d/a.conf": "# comment\n/a\n",
        "etc/ld.so.conf.d/c.txt": "/c\n",
    }

    assert search_folders(texts)[:4] == ["/a", "/b", "/last", "/lib/x86_64-linux-gnu"]


@pytest.mark.parametrize(
    ("one", "other"), [("libb.so", "liba.so"), ("liba.so.10", "liba.so.9"), ("liba.so.1", "liba.so"), ("lib1", "libx")]
)
def test_names_have_the_order_in_which_the_linker_searches(one: str, other: str) -> None:
    assert compare_names(one, other) > 0 > compare_names(other, one)
    assert compare_names(one, one) == 0


def test_ldconfig_reads_the_cache_and_would_have_written_the_same_entries(tmp_path: Path) -> None:
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin")
    assert ldconfig, "libc-bin has it"
    root = tmp_path / "root"
    place = root / "usr/lib/x86_64-linux-gnu"
    place.mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    names = [path for path in sorted(LIBRARY.glob("lib*.so.*")) if path.is_file() and path.stat().st_size < 300_000][
        :60
    ]
    files: dict[str, Content] = {}
    for path in names:
        shutil.copyfile(path, place / path.name)
        files[f"usr/lib/x86_64-linux-gnu/{path.name}"] = path.read_bytes()
    (root / "etc").mkdir()
    # `-X` makes no links: what ldconfig finds then is what is there, as in an image.
    subprocess.run([ldconfig, "-X", "-r", str(root)], check=True, capture_output=True)
    theirs = entries(ldconfig, root)
    note = note_of(tmp_path, files=files)
    (root / "etc/ld.so.cache").write_bytes(render_cache(libraries([note], note.texts, note.paths)))

    assert len(theirs) > 20
    assert entries(ldconfig, root) == theirs


def entries(ldconfig: str, root: Path) -> dict[str, str]:
    """Name to path, as ldconfig prints a cache."""
    shown = subprocess.run([ldconfig, "-r", str(root), "-p"], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^\t(\S+) \(libc6,x86-64.*?\) => (\S+)$", shown, re.MULTILINE)
    return {name: Path(path).name for name, path in rows}
