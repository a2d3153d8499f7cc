"""Locks of small packages and wheels whose bytes are already in a store."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from builders.debian_archive import Content, File, Folder, HardLink, Link, control_of, make_base, make_deb, make_key
from builders.wheels import make_wheel, wheel_name

from reprobuild.image.model import TRANSFORM_VERSION
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.index import LockIndex
from reprobuild.tools.store import Store

KEY = make_key()


def image_base(**changes: object) -> Base:
    """A base without a key of its own: nothing of it is fetched."""
    return make_base(KEY, ()).model_copy(
        update={"suites": tuple(suite.model_copy(update={"keys": ("0" * 40,)}) for suite in make_base(KEY, ()).suites)}
        | changes
    )


def deb_artifact(store: Store, deb: bytes) -> Artifact:
    """A package in the store, as a lock names it."""
    fields = dict(line.split(": ", 1) for line in control_of(deb).splitlines() if line[:1] != " ")
    name, version = fields["Package"], fields["Version"]
    filename = f"{name}_{version.partition(':')[2] or version}_{fields['Architecture']}.deb"
    return Artifact(
        kind="deb",
        name=name,
        version=version,
        filename=filename,
        size=len(deb),
        sha256=store.add_bytes(deb),
        source="stable",
        path=f"pool/{filename}",
    )


def wheel_artifact(store: Store, name: str, wheel: bytes, version: str = "1.0") -> Artifact:
    """A wheel in the store, as a lock names it."""
    return Artifact(
        kind="wheel",
        name=name,
        version=version,
        filename=wheel_name(name, version),
        size=len(wheel),
        sha256=store.add_bytes(wheel),
        source="pip",
    )


def image_lock(artifacts: Sequence[Artifact], base: Base | None = None) -> LockIndex:
    """The index of a lock of these artifacts."""
    return LockIndex(
        transform=TRANSFORM_VERSION,
        base=base or image_base(),
        python="3.11.2",
        artifacts=tuple(artifacts),
        data={},
        inputs={},
    )


def sample_lock(store: Store) -> LockIndex:
    """A lock with a bit of everything: files, links, scripts, conffiles, wheels with launchers and data."""
    files: Mapping[str, Content] = {
        "bin/tool": File("#!/bin/sh\necho tool\n", 0o4755, 7, 7),
        "etc/tool.conf": "answer = 42\n",
        "usr/lib/x86_64-linux-gnu/libtool.so.1.0": b"not really a library\n",
        "usr/lib/x86_64-linux-gnu/libtool.so.1": Link("libtool.so.1.0"),
        "usr/share/doc/tool/a": "one file\n",
        "usr/share/doc/tool/b": HardLink("usr/share/doc/tool/a"),
        "usr/share/doc/tool/" + "long" * 40: "a name that no ustar header holds\n",
        "usr/share/doc/tool/größe": "a name that is not ASCII\n",
        "var/spool/tool": Folder(0o1777),
        "usr/share/ca-certificates/test/one.crt": "-----BEGIN CERTIFICATE-----\nMQ==\n-----END CERTIFICATE-----\n",
        "usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\n",
    }
    scripts = {"conffiles": "/etc/tool.conf\n", "postinst": "#!/bin/sh\nset -e\nregister-somewhere tool\n"}
    base = image_base(copies={"/etc/passwd": "/usr/share/base-passwd/passwd.master"}, files={"/etc/timezone": "UTC\n"})
    wheel = make_wheel(
        "Sample.Pkg",
        "1.0",
        {"sample_pkg/__init__.py": "VERSION = 1\n", "sample_pkg/data.bin": bytes(range(256))},
        entry_points={"console_scripts": {"sample": "sample_pkg:main"}},
        scripts={"sample-tool": "#!python\nprint('tool')\n"},
        data={"data/share/sample.txt": "shared\n", "headers/sample.h": "#define SAMPLE\n"},
    )
    artifacts = [
        deb_artifact(store, make_deb("tool", "1:2.0-3", files, scripts=scripts, compression="none")),
        deb_artifact(store, make_deb("other", "0.1", {"lib/other/x": "x\n"}, compression="none", Multi_Arch="same")),
        wheel_artifact(store, "sample-pkg", wheel),
    ]
    return image_lock(artifacts, base)


def unpacked(image_folder: Path) -> dict[str, str]:
    """What an unpacked image holds, by path: kind, permission bits, and link target."""
    found = {}
    for path in sorted(image_folder.rglob("*")):
        mode = path.lstat().st_mode & 0o7777
        name = path.relative_to(image_folder).as_posix()
        if path.is_symlink():
            found[name] = f"link {path.readlink()}"
        else:
            found[name] = f"{'dir' if path.is_dir() else 'file'} {mode:o}"
    return found
