"""A base that is an image of a registry: Debian's own docker-registry, filled with images that the tests make."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.command import TOML, CommandLine
from builders.debian_archive import Content, File, Folder, Link
from builders.host import ENVIRONMENT, interpreter, prefixes
from builders.oci import Family, OciImage, Packing, layer, make_image
from builders.registry import Registry, running_registry

from reprobuild.image.model import MEDIA_TYPES, Image
from reprobuild.image.unpack import unpack_layers
from reprobuild.lock.index import LockIndex

pytestmark = pytest.mark.engine
SITE = interpreter().parent.parent
HOST: dict[str, Content] = {
    "bin": Link("usr/bin"),
    "lib": Link("usr/lib"),
    "lib64": Link("usr/lib64"),
    "usr/lib": Folder(),
    "usr/lib64": Folder(),
    **{str(path)[1:]: Folder() for path in prefixes()},
    str(interpreter())[1:]: File(b"\x7fELF\0" + platform.python_version().encode() + b"\0", 0o755),
    f"{SITE}/lib/{interpreter().name}/os.py"[1:]: "# what is here is this machine's, when the image runs\n",
    "opt/bin/python3": Link(str(interpreter())),
    "usr/lib/x86_64-linux-gnu/libc.so.6": b"\x7fELF\0GNU C Library (Test) stable release version 2.36.\n\0",
    "etc/hostname": "first\n",
}
"""A base in whose place this machine's programs run."""
VARIABLES = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
TRAIN = """\
import json, sys
open("out.txt", "w").write(open("/etc/hostname").read())
json.dump({"loss": 0.5}, open("metrics.json", "w"))
"""


def host_image(*more: dict[str, Content], family: Family = "oci", packing: Packing = "gzip") -> OciImage:
    layers = [layer(HOST), *(layer(members) for members in more)]
    return make_image(layers, family=family, packing=packing, environment=VARIABLES)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry") / "own") as made:
        yield made


def project(folder: Path, registry: Registry, name: str, toml: str = "") -> CommandLine:
    base = f"docker://{registry.name}/{name}"
    text = TOML.replace('base = "base.toml"', f'base = "{base}"')
    return CommandLine(folder, files={"reprobuild.toml": text + toml, "train.py": TRAIN})


def say(line: CommandLine, *words: str, status: int = 0) -> str:
    done = line.run(*words)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def lock_of(line: CommandLine) -> LockIndex:
    return LockIndex.from_bytes((line.project / "lockfiles" / "reprobuild.lock").read_bytes(), "lock")


def root_of(line: CommandLine, folder: Path) -> Path:
    image = Image.model_validate_json(line.run("image", "--json").stdout)
    unpack_layers(image.layers, MEDIA_TYPES["zstd"], line.store.blob, folder)
    return folder


@pytest.mark.sandbox
def test_a_run_on_an_image_is_bundled_and_replayed(registry: Registry, tmp_path: Path) -> None:
    manifest = registry.push("team/base", "1", host_image({"etc/hostname": "second\n"}))
    line = project(tmp_path, registry, "team/base:1", 'outputs = ["out.txt"]\nmetrics = "metrics.json"\n')
    told = say(line, "lock")
    say(line, "run")
    replay = say(line, "replay", str(line.project / "bundle.tar"))

    assert f"docker://{registry.name}/team/base:1 is {manifest}" in told
    assert "   2 base layers" in told
    assert (line.runs[-1] / "outputs.tar").read_bytes().find(b"second\n") > 0
    assert "verdict: identical" in replay
    assert lock_of(line).python == platform.python_version()
