"""conda packages become what an independent installer makes of them; hostile ones are refused in one line."""

import asyncio
import bz2
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import zstandard
from builders.conda import (
    PLACEHOLDER,
    Item,
    Prefixed,
    conda_artifact,
    dump,
    make_conda,
    noarch_package,
    tar,
    write_channel,
    zipped,
)
from builders.debian_archive import File, Folder, HardLink, Link

from reprobuild.ground.errors import InputError
from reprobuild.image import conda_archive
from reprobuild.image.conda import read_conda
from reprobuild.image.frame import frame_key
from reprobuild.image.note import Note
from reprobuild.image.spool import Spool
from reprobuild.lock.base import PythonOf
from reprobuild.lock.conda.target import with_conda
from reprobuild.tools.store import Store

PYTHON = PythonOf(
    package="python",
    executable="/opt/conda/bin/python3.11",
    site="/opt/conda/lib/python3.11/site-packages",
    scripts="/opt/conda/bin",
)
DEBIAN = PYTHON.model_copy(update={"site": "/usr/local/lib/python3.11/dist-packages"})
Found = dict[str, tuple[int, bytes | str]]


def read(package: tuple[str, bytes], folder: Path, python: PythonOf = PYTHON) -> tuple[Note, Found]:
    """The note, and each path's mode with its content or its link's target."""
    store = Store(folder / "store")
    artifact = conda_artifact(store, package)
    with Spool(artifact.filename) as spool:
        note = read_conda(store.blob(artifact.sha256), artifact, python, spool)
        found = {
            path: (entry.mode, spool.read(path) if entry.kind == "file" else entry.link)
            for path, entry in spool.entries.items()
        }
    return note, {path.removeprefix("opt/conda/"): item for path, item in found.items()}


def refusal(package: tuple[str, bytes], folder: Path, python: PythonOf = PYTHON) -> str:
    with pytest.raises(InputError) as caught:
        read(package, folder, python)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def a_bit_of_everything(suffix: str = ".conda") -> tuple[str, bytes]:
    binary = b"\x7fELF" + f"\0{PLACEHOLDER}/lib:{PLACEHOLDER}/x\0tail".encode() + bytes(range(200))
    files: dict[str, Item] = {
        "bin/tool": Prefixed(binary, "binary", 0o755),
        "bin/script": Prefixed(f"#!{PLACEHOLDER}/bin/python\n{PLACEHOLDER}\n", "text", 0o755),
        "bin/deep": Prefixed(f"#!{PLACEHOLDER}{'/deep' * 30}/python -I\nx\n", "text", 0o755),
        "etc/tool.conf": Prefixed(f"root={PLACEHOLDER}\n"),
        "lib/libtool.so.1": File(b"library", 0o755),
        "lib/libtool.so": Link("libtool.so.1"),
        "share/tool/a": "one file\n",
        "share/tool/b": HardLink("share/tool/a"),
        "share/tool/group-writable": File("x", 0o664),
        "share/tool/größe": "not ASCII\n",
        "bin/.tool-post-link.sh": File("#!/bin/sh\nregister tool\n", 0o755),
        "lib/python3.11/__pycache__/x.cpython-311.pyc": b"stale",
    }
    return make_conda("tool", "1.0", files, build="h1_0", suffix=suffix)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_a_package_is_laid_out_as_an_independent_installer_does_it(tmp_path: Path, suffix: str) -> None:
    python = make_conda("python", "3.11.2", {"bin/python3.11": File("#!/bin/sh\n", 0o755)})
    packages = [a_bit_of_everything(suffix), noarch_package(), python]
    ours: dict[str, tuple[int, bytes | str]] = {}
    for package in packages:
        ours |= read(package, tmp_path)[1]
    theirs = installed(write_channel(tmp_path / "channel", packages), tmp_path)
    # Records and launchers are spelt another way, a hard link is a copy there, and a line too long for the kernel goes
    # through sh where conda itself takes env; bytecode is left out here, and the last is py-rattler's own mark.
    other = ("conda-meta/", "bin/greet", "share/tool/b", "bin/deep", "CACHEDIR.TAG")
    same = {path for path in ours | theirs if "__pycache__" not in path and not path.startswith(other)}

    assert {path: ours.get(path) for path in same} == {path: theirs.get(path) for path in same}
    assert len(same) == 12
    assert ours["share/tool/b"][1] == "opt/conda/share/tool/a"  # theirs is a second copy
    assert not any("__pycache__" in path for path in ours)
    assert theirs.keys() >= {"bin/greet", "bin/greet-script"} <= ours.keys()


def installed(channel: Path, folder: Path) -> Found:
    """What py-rattler installs from a channel, as if it were in /opt/conda; modes without what umask takes."""
    from rattler import Gateway, SourceConfig, install, solve

    async def work() -> None:
        gateway = Gateway(cache_dir=folder / "repodata", default_config=SourceConfig(sharded_enabled=False))
        specs = ["tool", "greeting", "python"]
        records = await solve([channel.as_uri()], specs, gateway=gateway, platforms=["linux-64", "noarch"])
        await install(
            records,
            folder / "prefix",
            cache_dir=folder / "cache",
            show_progress=False,
            execute_link_scripts=False,
            alternative_target_prefix="/opt/conda",
        )

    asyncio.run(work())
    found: Found = {}
    for path in sorted((folder / "prefix").rglob("*")):
        name = path.relative_to(folder / "prefix").as_posix()
        if path.is_symlink():
            found[name] = (0o777, str(path.readlink()))
        elif path.is_file():
            found[name] = (0o755 if path.stat().st_mode & 0o100 else 0o644, path.read_bytes())
    return found


def test_the_record_of_a_package_is_read_by_others(tmp_path: Path) -> None:
    from rattler import PrefixRecord

    _, found = read(a_bit_of_everything(), tmp_path)
    mode, data = found["conda-meta/tool-1.0-h1_0.json"]
    path = tmp_path / "tool-1.0-h1_0.json"
    assert isinstance(data, bytes)
    path.write_bytes(data)
    record = PrefixRecord.from_path(path)

    assert mode == 0o644
    assert (record.name.normalized, str(record.version), record.file_name) == ("tool", "1.0", "tool-1.0-h1_0.conda")
    assert {str(file) for file in record.files} == found.keys() - {"conda-meta/tool-1.0-h1_0.json"}
    assert "127.0.0.1" not in data.decode()


def test_digests_before_and_after_the_prefix_are_recorded(tmp_path: Path) -> None:
    _, found = read(a_bit_of_everything(), tmp_path)
    data = found["conda-meta/tool-1.0-h1_0.json"][1]
    entry = next(item for item in json.loads(data)["paths_data"]["paths"] if item["_path"] == "etc/tool.conf")

    assert entry["sha256"] == hashlib.sha256(f"root={PLACEHOLDER}\n".encode()).hexdigest()
    assert entry["sha256_in_prefix"] == hashlib.sha256(b"root=/opt/conda\n").hexdigest()


def test_scripts_are_kept_told_and_not_run(tmp_path: Path) -> None:
    note, found = read(a_bit_of_everything(), tmp_path)

    assert note.package == "conda tool"
    assert note.scripts == {"post-link": "#!/bin/sh\nregister tool\n"}
    assert "bin/.tool-post-link.sh" in found


def test_modules_for_any_python_go_to_the_site_folder_of_this_one(tmp_path: Path) -> None:
    site = "/opt/conda/lib/python3.13t/site-packages"
    python = PYTHON.model_copy(update={"site": site, "executable": "/opt/conda/bin/python3.13"})
    _, found = read(noarch_package(), tmp_path, python)
    launcher = found["bin/greet"][1]

    assert "lib/python3.13t/site-packages/greeting/__init__.py" in found
    assert isinstance(launcher, bytes)
    assert launcher.startswith(b"#!/opt/conda/bin/python3.13\n")
    assert found["bin/greet-script"][1] == b"#!/opt/conda/bin/python\nprint('script')\n"


def test_another_python_is_another_frame_for_conda_packages(tmp_path: Path) -> None:
    from builders.images import image_base

    artifact = conda_artifact(Store(tmp_path / "store"), noarch_package())
    keys = [frame_key(artifact, with_conda(image_base(), version)) for version in ("3.11.2", "3.12.1")]
    # The package's record in the image tells where it came from and its size.
    others = [artifact.model_copy(update=update) for update in ({"source": "other"}, {"size": 1})]
    keys += [frame_key(other, with_conda(image_base(), "3.11.2")) for other in others]

    assert len({*keys}) == 4


def test_old_packages_name_their_files_and_prefixes_another_way(tmp_path: Path) -> None:
    old = "/opt/anaconda1anaconda2anaconda3"
    files = {"bin/a": f"{old}/x\n", "bin/b": "/other/prefix\n", "bin/c": "no prefix\n"}
    has_prefix = b'bin/a\n"/other/prefix" text "bin/b"\n'
    _, found = read(
        make_conda("old", "1.0", files, suffix=".tar.bz2", info={"paths.json": None, "has_prefix": has_prefix}),
        tmp_path,
    )

    assert [found[f"bin/{name}"][1] for name in "abc"] == [b"/opt/conda/x\n", b"/opt/conda\n", b"no prefix\n"]


def test_what_a_package_does_not_list_is_not_installed(tmp_path: Path) -> None:
    _, found = read(make_conda("few", files={"a": "listed"}, unlisted={"b": "not listed"}), tmp_path)

    assert found.keys() == {"a", "conda-meta/few-1.0-0.json"}


MAKE = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]) / "unit" / "image")]
from builders.conda import conda_artifact
from builders.images import image_base
from reprobuild.ground.digests import sha256_file
from reprobuild.image.frame import FRAME, make_frame
from reprobuild.lock.conda.target import with_conda
from reprobuild.tools.store import Store
from test_conda import a_bit_of_everything, noarch_package

store = Store(Path(sys.argv[2]))
for number, package in enumerate([a_bit_of_everything(), a_bit_of_everything(".tar.bz2"), noarch_package()]):
    artifact = conda_artifact(store, package)
    folder = store.root / str(number)
    make_frame(artifact, store.blob(artifact.sha256), with_conda(image_base(), "3.11.2"), folder)
    print(sha256_file(folder / FRAME), (folder / "note.json").read_text(), (folder / "facts.json").read_text())
"""


def frames(store: Path, folder: str, umask: int, **variables: str) -> str:
    """What another process makes of three packages."""
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(Path(__file__).parents[2]), str(store)],
        cwd=folder,
        umask=umask,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_bytes_wherever_they_are_made(tmp_path: Path) -> None:
    here = frames(tmp_path / "one", str(tmp_path), 0o022)
    there = frames(
        tmp_path / "zwei größe", "/", 0o077, TZ="Pacific/Chatham", LC_ALL="C", PYTHONHASHSEED="7", HOME="/nonexistent"
    )

    assert here == there
    assert here.count("\n") >= 3


HOSTILE: dict[str, tuple[Mapping[str, Item], Mapping[str, Item], str]] = {
    "a path that leads out": ({"a": "x"}, {"../../etc/passwd": "x"}, "not a path inside the archive"),
    "a path from the root": ({"a": "x"}, {"/etc/passwd": "x"}, "not a path inside the archive"),
    "a link from the root": ({"a": Link("/etc/passwd")}, {}, "out of the prefix"),
    "a link that leads out": ({"lib/a": Link("../../../etc/passwd")}, {}, "out of the prefix"),
    "a hard link to nothing": ({"b": HardLink("a")}, {}, "which is no file before it"),
    "a hard link out": ({"b": HardLink("../../etc/passwd")}, {}, "which is no file before it"),
    "a listed path that leads out": ({"a/../../b": "x"}, {}, "not a path inside the archive"),
}


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_members_are_refused(tmp_path: Path, case: str, suffix: str) -> None:
    files, unlisted, message = HOSTILE[case]

    assert message in refusal(make_conda("evil", files=files, unlisted=unlisted, suffix=suffix), tmp_path)


def special(kind: bytes) -> tuple[str, bytes]:
    """A package with a member of another kind."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("dev/x")
        member.type = kind
        archive.addfile(member)
    path, _ = make_conda("evil", files={"a": "x"})
    info = tar({"info/index.json": index("evil"), "info/paths.json": dump({"paths": []})})
    return path, zipped("evil-1.0-0", info, buffer.getvalue())


def index(name: str) -> bytes:
    return dump({"name": name, "version": "1.0", "build": "0", "build_number": 0, "subdir": "linux-64"})


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    assert refusal(special(kind), tmp_path).endswith("dev/x: neither a file, a folder nor a link")


def paths(*entries: Mapping[str, object]) -> dict[str, bytes | None]:
    return {"paths.json": dump({"paths_version": 1, "paths": list(entries)})}


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (paths({"_path": "a", "sha256": "0" * 64}), "a: its sha256 is"),
        (paths({"_path": "a", "size_in_bytes": 99}), "a: 1 bytes, its paths.json says 99"),
        (paths({"_path": "a"}, {"_path": "gone"}), "gone is listed in it and missing"),
        (paths({"_path": "a"}, {"_path": "a"}), "a is listed twice"),
        (paths({"_path": "a", "path_type": "socket"}), "path_type"),
        (paths({"_path": "a", "sha256": "zz"}), "sha256"),
        ({"paths.json": b"[]"}, "not a JSON object"),
        ({"paths.json": b'{"paths": 4}'}, "not a list"),
        ({"paths.json": b"nonsense"}, "not strict JSON"),
        ({"index.json": None}, "no info/index.json"),
        ({"index.json": b"{}"}, "info/index.json: name"),
        ({"index.json": index("other")}, "it says that it is other-1.0-0.conda"),
        ({"index.json": b"[" * 100}, "deeper than"),
    ],
)
def test_a_package_that_is_not_what_it_says_is_refused(
    tmp_path: Path, info: Mapping[str, bytes | None], message: str
) -> None:
    assert message in refusal(make_conda("pkg", files={"a": "x"}, info=info), tmp_path)


@pytest.mark.parametrize("line", ["greet", "greet = greeting", "../x = a:b", "a/b = c:d", "x = os:system('id')"])
def test_an_entry_point_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    package = make_conda("pkg", files={"site-packages/a.py": ""}, noarch="python", entry_points=[line])

    assert "is no entry point" in refusal(package, tmp_path)


def test_a_module_for_any_python_needs_one_of_conda(tmp_path: Path) -> None:
    assert "none is locked" in refusal(noarch_package(), tmp_path, DEBIAN)


def test_a_prefix_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    entry = {"_path": "a", "prefix_placeholder": "/x", "file_mode": "binary"}
    package = make_conda("pkg", files={"a": b"/x/lib\0"}, info=paths(entry))

    assert "longer than the one it was built for" in refusal(package, tmp_path)


@pytest.mark.parametrize(
    ("suffix", "broken"),
    [
        (".conda", b""),
        (".conda", b"PK nonsense"),
        (".conda", make_conda("pkg")[1][:-40]),
        (".tar.bz2", b""),
        (".tar.bz2", b"BZh9 nonsense"),
        (".tar.bz2", make_conda("pkg", suffix=".tar.bz2")[1][:-20]),
        (".tar.bz2", bz2.compress(b"no tar " * 200)),
    ],
)
def test_broken_packages_are_refused(tmp_path: Path, suffix: str, broken: bytes) -> None:
    assert refusal((f"linux-64/pkg-1.0-0{suffix}", broken), tmp_path).startswith(f"pkg-1.0-0{suffix}: ")


def test_a_broken_stream_inside_is_refused(tmp_path: Path) -> None:
    _, whole = make_conda("pkg", files={"a": os.urandom(50_000)})
    position = whole.index(b"pkg-pkg-1.0-0.tar.zst") + 5000
    damaged = whole[:position] + bytes(64) + whole[position + 64 :]

    assert refusal(("linux-64/pkg-1.0-0.conda", damaged), tmp_path).startswith("pkg-1.0-0.conda: ")


@pytest.mark.parametrize("names", [[], ["info-a.tar.zst"], ["info-a.tar.zst", "info-b.tar.zst"]])
def test_a_zip_that_is_no_package_is_refused(tmp_path: Path, names: list[str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, zstandard.compress(tar({"info/index.json": index("pkg")})))

    assert "tar.zst, wanted 1" in refusal(("linux-64/pkg-1.0-0.conda", buffer.getvalue()), tmp_path)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_a_bomb_ends_at_its_limit(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conda_archive, "MAX_CONTENT", 1 << 20)
    package = make_conda("bomb", files={"a": bytes(3 << 20)}, suffix=suffix)

    assert len(package[1]) < 10_000
    assert refusal(package, tmp_path).endswith("unpacks to more than 1048576 bytes")


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_more_files_than_any_package_has_are_refused(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conda_archive, "MAX_FILES", 20)
    package = make_conda("many", files={f"f{number:02}": "" for number in range(30)}, suffix=suffix)

    assert refusal(package, tmp_path).endswith("more than 20 files")


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.pax_headers = {"comment": "x" * (2 << 20)}
        archive.addfile(member)
    info = tar({"info/index.json": index("evil"), "info/paths.json": dump({"paths": []})})

    assert "a header of" in refusal(
        ("linux-64/evil-1.0-0.conda", zipped("evil-1.0-0", info, buffer.getvalue())), tmp_path
    )


def test_a_folder_may_be_listed_and_is_made(tmp_path: Path) -> None:
    package = make_conda(
        "pkg",
        files={"a": "x", "var/empty": Folder()},
        info=paths({"_path": "a"}, {"_path": "var/empty", "path_type": "directory"}),
    )

    assert read(package, tmp_path)[1]["var/empty"] == (0o755, "")
