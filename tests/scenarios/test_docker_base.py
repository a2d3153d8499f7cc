"""A base that is an image of a registry: Debian's own docker-registry, filled with images that the tests make."""

import base64
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from builders.command import TOML, CommandLine
from builders.conda import make_conda, serve_channel
from builders.debian_archive import Content, File, Folder, HardLink, Link
from builders.host import ENVIRONMENT, interpreter, prefixes
from builders.images import unpacked
from builders.index import Index, pip_environment, serving
from builders.oci import Family, OciImage, Packing, digest, layer, make_image, make_index
from builders.registry import PASSWORD, Registry, running_registry
from builders.wheels import make_wheel, wheel_name

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
    # A virtual environment: with a site of its own, this machine's whole library need not be compiled for a run.
    "opt/pyvenv.cfg": f"home = {interpreter().parent}\n",
    "opt/bin/python3": Link(str(interpreter())),
    "opt/bin/python": Link("python3"),
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


def host_image(
    *more: dict[str, Content],
    family: Family = "oci",
    packing: Packing = "gzip",
    variables: Sequence[str] = VARIABLES,
) -> OciImage:
    layers = [layer(HOST), *(layer(members) for members in more)]
    return make_image(layers, family=family, packing=packing, environment=variables)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry") / "own") as made:
        yield made


def project(folder: Path, registry: Registry, name: str, toml: str = "", image: str = "") -> CommandLine:
    base = f"docker://{registry.name}/{name}"
    text = TOML.replace('base = "base.toml"', f'base = "{base}"\n{image}')
    return CommandLine(folder, files={"reprobuild.toml": text + toml, "train.py": TRAIN})


def say(line: CommandLine, *words: str, status: int = 0) -> str:
    done = line.run(*words)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def lock_of(line: CommandLine) -> LockIndex:
    return LockIndex.from_bytes((line.project / "lockfiles" / "reprobuild.lock").read_bytes(), "lock")


def image_of(line: CommandLine) -> Image:
    return Image.model_validate_json(line.run("image", "--json").stdout)


def root_of(line: CommandLine, folder: Path) -> Path:
    image = image_of(line)
    unpack_layers(image.layers, MEDIA_TYPES["zstd"], line.store.blob, folder)
    return folder


def test_an_unchanged_base_is_never_asked_for_again(tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        registry.push("base", "1", host_image())
        line = project(tmp_path, registry, "base:1")
        say(line, "lock")
        before = (line.project / "lockfiles" / "reprobuild.lock").read_bytes()
        registry.push("base", "1", host_image({"etc/hostname": "other\n"}))
    # From here on nobody listens.
    (line.project / "data.txt").write_text("1")
    text = (line.project / "reprobuild.toml").read_text()
    (line.project / "reprobuild.toml").write_text(text + '[data.d]\npath = "data.txt"\n')

    assert "changed: [data]" in say(line, "lock", "--check", status=10)
    say(line, "lock")
    assert say(line, "lock", "--check").startswith("lockfiles/reprobuild.lock is up to date")
    after = lock_of(line)
    assert after.data
    assert after.model_copy(update={"data": {}, "inputs": {}}) == LockIndex.from_bytes(before, "x").model_copy(
        update={"inputs": {}}
    )
    assert say(line, "image").startswith("sha256:")


def test_upgrade_asks_again_and_says_what_changed(registry: Registry, tmp_path: Path) -> None:
    old = registry.push("upgrade", "1", host_image({"a": "1"}, {"b": "1"}))
    line = project(tmp_path, registry, "upgrade:1")
    say(line, "lock")
    image = say(line, "image")
    same = say(line, "lock", "--upgrade", "base")
    new = host_image({"a": "1"}, {"b": "2"}, {"c": "3"}, variables=[*VARIABLES, "EDITION=2"])
    digest_of_new = registry.push("upgrade", "1", new)
    told = say(line, "lock", "--upgrade", "base")

    assert f"is what it was, {old[:19]}" in same
    assert f"base: {old[:19]} → {digest_of_new[:19]}: 2 layers kept, 2 new, 1 gone" in told
    assert "base: EDITION: none → 2" in told
    assert lock_of(line).base.environment["EDITION"] == "2"
    assert say(line, "image") != image
    assert json.loads(line.run("lock", "--json").stdout)["base"]["manifest"] == digest_of_new[7:]


def test_another_tag_is_another_base_and_a_digest_needs_no_tag(registry: Registry, tmp_path: Path) -> None:
    one, two = (registry.push("tags", tag, host_image({"etc/hostname": tag})) for tag in ("1", "2"))
    line = project(tmp_path, registry, "tags:1")
    say(line, "lock")
    path = line.project / "reprobuild.toml"
    path.write_text(path.read_text().replace("tags:1", "tags:2"))

    assert "changed: [image] base" in say(line, "lock", "--check", status=10)
    assert f"is {two}" in say(line, "lock")
    path.write_text(path.read_text().replace("tags:2", f"tags@{one}"))
    assert f"is {one}" in say(line, "lock")
    assert root_of(line, tmp_path / "root").joinpath("etc/hostname").read_text() == "1"


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_of_an_index_the_image_for_this_platform_is_locked(registry: Registry, tmp_path: Path, family: Family) -> None:
    images = {
        "linux/arm64": make_image([layer({"other": "x"})], family=family, architecture="arm64"),
        "linux/amd64": host_image(family=family),
    }
    index = registry.push_index(f"index/{family}", "1", images, make_index(images, family))
    line = project(tmp_path, registry, f"index/{family}:1")
    say(line, "lock")
    origin = lock_of(line).origin

    assert origin
    assert f"sha256:{origin.index}" == index
    assert f"sha256:{origin.manifest}" == digest(images["linux/amd64"].manifest)
    assert origin.platform == "linux/amd64"


@pytest.mark.parametrize("packing", ["zstd", "plain"])
def test_the_packing_of_a_layer_changes_no_image(registry: Registry, tmp_path: Path, packing: Packing) -> None:
    registry.push(f"packing/{packing}", "gzip", host_image())
    registry.push(f"packing/{packing}", "other", host_image(packing=packing))
    lines = [project(tmp_path / tag, registry, f"packing/{packing}:{tag}") for tag in ("gzip", "other")]
    told = [(say(line, "lock"), say(line, "image")) for line in lines]

    ids = [image for _, image in told]
    assert ids[0] == ids[1]


def test_a_lock_is_built_elsewhere_behind_a_mirror_with_a_login(registry: Registry, tmp_path: Path) -> None:
    image = host_image({"etc/hostname": "mirrored\n"})
    registry.push("team/base", "mirrored", image)
    line = project(tmp_path, registry, "team/base:mirrored")
    say(line, "lock")
    expected = say(line, "image")
    (tmp_path / "docker").mkdir()
    with running_registry(tmp_path / "mirror", f"me:{PASSWORD}") as mirror:
        mirror.push("cache/team/base", "mirrored", image)
        place = {
            f"REPROBUILD_REGISTRY_{registry.name}".replace(".", "_").replace(":", "_"): f"http://{mirror.name}/cache"
        }
        line.environment |= {"REPROBUILD_STORE": str(tmp_path / "elsewhere"), **place}
        line.environment["DOCKER_CONFIG"] = str(tmp_path / "docker")
        wanting = say(line, "image", status=4)
        auth = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": {mirror.name: {"auth": auth}}}))
        seen = say(line, "image")

    assert f"error: {mirror.name}: wants a login for team/base" in wanting
    assert f"docker login {mirror.name}" in wanting
    assert seen == expected
    lock = (line.project / "lockfiles" / "reprobuild.lock").read_text()
    assert mirror.name not in lock
    assert PASSWORD not in lock


def test_a_blob_that_is_gone_is_one_line_with_a_hint(registry: Registry, tmp_path: Path) -> None:
    image = host_image({"only": "here"})
    registry.push("gone", "1", image)
    line = project(tmp_path, registry, "gone:1")
    say(line, "lock")
    registry.forget("gone", image.blobs[2])
    line.environment["REPROBUILD_STORE"] = str(tmp_path / "elsewhere")
    told = say(line, "image", status=3)

    assert f"error: {registry.name}/gone: layer 2 is gone from the registry" in told
    assert "lock --upgrade base" in told
    again = say(project(tmp_path / "again", registry, "gone:1"), "lock", status=3)
    assert f"gone:1: {registry.name} names the blob {digest(image.blobs[2])[7:19]} and has it not" in again


def test_an_image_that_is_not_there_is_one_line_and_the_old_lock_stays(registry: Registry, tmp_path: Path) -> None:
    registry.push("there", "1", host_image())
    line = project(tmp_path, registry, "there:1")
    say(line, "lock")
    before = (line.project / "lockfiles" / "reprobuild.lock").read_bytes()
    path = line.project / "reprobuild.toml"
    path.write_text(path.read_text().replace("there:1", "there:2"))
    told = say(line, "lock", status=4)

    assert f"error: {registry.name}/there:2: {registry.name} has no such image\nhint: " in told
    assert (line.project / "lockfiles" / "reprobuild.lock").read_bytes() == before


@pytest.mark.parametrize(
    ("image", "toml", "said"),
    [
        (make_image([layer({"a": "x"})]), "", "no Python is on its PATH"),
        (make_image([layer({"lib": Link("usr/lib")}), layer({"lib/x": "x"})]), "", "lib is no folder, but a symlink"),
        (make_image([b"nonsense"]), "", "layer 1: not a layer that can be read"),
        (make_image([layer(HOST)], architecture="arm64"), "", "an image for linux/arm64, not for linux/amd64"),
        (make_image([layer(HOST)]), 'python = "/usr/bin/python3.1"', "not a Python 3 by its name"),
    ],
    ids=range(5),
)
def test_an_image_that_no_training_can_run_in_is_refused_and_nothing_is_written(
    registry: Registry, tmp_path: Path, image: OciImage, toml: str, said: str
) -> None:
    name = digest(image.manifest)[7:19]
    registry.push(f"bad/{name}", "1", image)
    line = project(tmp_path, registry, f"bad/{name}:1", image=toml)
    told = say(line, "lock", status=3)

    assert told.startswith("error: ")
    assert said in told
    assert told.count("\n") <= 2
    assert not (line.project / "lockfiles").exists()
    assert [path.name for path in line.unfinished if path.name != "partial"] == []


def test_a_wheel_takes_the_place_of_what_the_base_has(registry: Registry, tmp_path: Path) -> None:
    site = f"opt/lib/{interpreter().name}/site-packages"
    older: dict[str, Content] = {
        f"{site}/demo/old.py": "x",
        f"{site}/demo-1.0.dist-info/METADATA": "x",
        f"{site}/demo-1.0.dist-info/RECORD": "demo/old.py,,\ndemo-1.0.dist-info/METADATA,,\n",
        f"{site}/kept/__init__.py": "x",
    }
    registry.push("wheels", "1", host_image(older))
    line = project(tmp_path, registry, "wheels:1")
    path = line.project / "reprobuild.toml"
    path.write_text(path.read_text() + '[python]\nrequirements = ["requirements.in"]\n')
    (line.project / "requirements.in").write_text("demo\n")
    with serving(Index()) as index:
        index.add(wheel_name("demo", "2.0"), make_wheel("demo", "2.0", {"demo/__init__.py": "VERSION = 2\n"}))
        line.environment = pip_environment(tmp_path, line.environment, INDEX_URL=index.url)
        say(line, "lock")
        root = root_of(line, tmp_path / "root")

    assert sorted(item.name for item in (root / site).iterdir()) == ["demo", "demo-2.0.dist-info", "kept"]
    assert [item.name for item in (root / site / "demo").iterdir()] == ["__init__.py"]
    assert any(layer.holds == ("without demo-1.0",) for layer in image_of(line).layers)


def test_the_cuda_of_a_base_is_known_by_its_variable(registry: Registry, tmp_path: Path) -> None:
    registry.push("cuda", "1", host_image(variables=[*VARIABLES, "CUDA_VERSION=12.4.1"]))
    line = project(tmp_path, registry, "cuda:1")
    told = say(line, "lock")

    assert "CUDA 12.4, needs driver 525" in told
    assert (cuda := lock_of(line).cuda)
    assert cuda.version == "12.4"


def test_musl_takes_no_wheels(registry: Registry, tmp_path: Path) -> None:
    members = {path: value for path, value in HOST.items() if not path.endswith("libc.so.6")}
    registry.push("musl", "1", make_image([layer(members)], environment=VARIABLES))
    line = project(tmp_path, registry, "musl:1")
    say(line, "lock")
    path = line.project / "reprobuild.toml"
    (line.project / "requirements.in").write_text("numpy\n")
    path.write_text(path.read_text() + '[python]\nrequirements = ["requirements.in"]\n')

    assert "it has no glibc that tells its version, so no wheel is known to fit it" in say(line, "lock", status=3)


def test_a_broken_lock_does_not_let_the_tag_become_something_else(registry: Registry, tmp_path: Path) -> None:
    registry.push("broken", "1", host_image())
    line = project(tmp_path, registry, "broken:1")
    say(line, "lock")
    line.change_lock(transform="1")
    told = say(line, "lock", status=3)

    assert "it said what docker://" in told
    assert "--upgrade base" in told
    assert "base layers" in say(line, "lock", "--upgrade", "base")


def tool(home: Path) -> Callable[[Sequence[str]], str]:
    """What another tool prints; its settings are below `home`."""

    def run(argv: Sequence[str]) -> str:
        environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(home)}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    return run


def tree(folder: Path) -> dict[str, str]:
    """What an unpacked image holds, leaving out what ours adds and what engines set as they like."""
    added = ("proc", "sys", "dev", "run", "work", "data", "tmp", "var/tmp", "root", "opt/reprobuild")
    return {path: kind for path, kind in unpacked(folder).items() if not path.startswith(added) and path != "var"}


LAYERS: list[dict[str, Content]] = [
    {**HOST, "gone": "x", "d/old": "x", "d/e/old": "x", "f/g/h": "x", "swap": Folder(), "swap/x": "x", "l": Link("d")},
    {
        ".wh.gone": "",
        "d/.wh..wh..opq": "",
        "d/new": "x",
        "f/.wh.g": "",
        "swap": "a file now\n",
        "l/": Folder(),
        "l/x": "x",
    },
    {
        "etc/hostname": "second\n",
        "h1": "linked\n",
        "h2": HardLink("h1"),
        "f/g/": Folder(0o750),
        "f/g/new": "x",
        ".wh.never": "",
        "d/new": File("y", 0o755),
    },
]


def test_umoci_sees_the_base_that_we_see(registry: Registry, tmp_path: Path) -> None:
    image = make_image([layer(members, user=0) for members in LAYERS], environment=VARIABLES)
    registry.push("view", "1", image)
    line = project(tmp_path, registry, "view:1")
    say(line, "lock")
    ours = root_of(line, tmp_path / "root")
    source = f"docker://{registry.name}/view:1"
    run = tool(tmp_path)
    run(["skopeo", "copy", "--src-tls-verify=false", source, f"oci:{tmp_path}/layout:1"])
    run(["umoci", "raw", "unpack", "--image", f"{tmp_path}/layout:1", str(tmp_path / "umoci")])

    assert tree(ours) == tree(tmp_path / "umoci")
    assert (ours / "h1").stat().st_ino == (ours / "h2").stat().st_ino


@pytest.mark.sandbox
def test_a_run_on_an_image_is_replayed_and_podman_sees_the_same_files(registry: Registry, tmp_path: Path) -> None:
    image = make_image([layer(members, user=0) for members in LAYERS], environment=VARIABLES)
    manifest = registry.push("team/base", "1", image)
    line = project(tmp_path, registry, "team/base:1", 'outputs = ["out.txt"]\nmetrics = "metrics.json"\n')
    told = say(line, "lock")
    say(line, "run")
    replay = say(line, "replay", str(line.project / "bundle.tar"))

    ours = root_of(line, tmp_path / "root")
    run = tool(tmp_path)
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as near:
        places = ["--root", f"{near}/root", "--runroot", f"{near}/run", "--tmpdir", f"{near}/tmp"]
        manners = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        podman = ["podman", *places, *manners]
        run([*podman, "load", "--input", str(line.project / "bundle.tar")])
        name = run([*podman, "images", "--quiet"]).split()[0]
        place = run([*podman, "image", "mount", name]).strip()
        theirs = tree(Path(place))
        run([*podman, "image", "umount", name])

    assert theirs == tree(ours)
    assert f"docker://{registry.name}/team/base:1 is {manifest}" in told
    assert "   3 base layers" in told
    assert (line.runs[-1] / "outputs.tar").read_bytes().find(b"second\n") > 0
    assert "verdict: identical" in replay
    assert lock_of(line).python == platform.python_version()


def test_a_conda_environment_on_an_image_leaves_the_image_as_it_was(registry: Registry, tmp_path: Path) -> None:
    registry.push("with-conda", "1", host_image())
    tool = make_conda("tool", files={"bin/tool": File("#!/bin/sh\necho tool\n", 0o755)})
    python = make_conda("python", "3.12.1", files={"bin/python3.12": "not run here\n"})
    with serve_channel(tmp_path / "channel", [tool, python]) as mirror:
        line = project(tmp_path, registry, "with-conda:1", '[conda]\nenvironment = "environment.yml"\n')
        line.environment |= {"REPROBUILD_CONDA_TESTS": f"{mirror.url}/tests", "HOME": str(tmp_path)}
        environment = line.project / "environment.yml"
        environment.write_text("channels: [tests]\ndependencies: [tool, python]\n")
        say(line, "lock")
        first = lock_of(line)
        say(line, "lock")
        again = lock_of(line)
        environment.write_text("channels: [tests]\ndependencies: [tool]\n")
        say(line, "lock")
        without = lock_of(line)
        found = unpacked(root_of(line, tmp_path / "root"))

    assert again == first
    assert first.base.python.executable == "/opt/conda/bin/python3.12"
    assert first.base.environment["PATH"].count("/opt/conda/bin") == 1
    assert first.plain is not None
    assert (without.base.python, without.python) == (first.plain.base.python, first.plain.python)
    assert without.base.environment["PATH"] == f"/opt/conda/bin:{first.plain.base.environment['PATH']}"
    assert found["opt/conda/bin/tool"] == "file 755"
    assert found["opt/conda/conda-meta/history"] == "file 644"
