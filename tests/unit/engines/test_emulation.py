"""Where the interpreter of an image is, whatever links lead to it, and what stands in its place under emulation."""

from pathlib import Path

import pytest
from builders.compiled import build_library, build_program
from builders.host import ENVIRONMENT, HostSandbox, as_ordinary_user, make_root

from reprobuild.engines.emulation import REAL, emulation_options, find_inside, wrapper_text
from reprobuild.engines.engine import Container, Emulation
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.errors import ToolError

ELF = b"\x7fELF" + bytes(60)


def image(folder: Path, interpreter: str = "usr/bin/python3.11", data: bytes = ELF) -> Path:
    root = folder / "root"
    for name, content in ((interpreter, data), ("usr/bin/dash", ELF)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        (root / name).chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    (root / "usr/bin/sh").symlink_to("dash")
    return root


def emulation(interpreter: str = "/usr/bin/python3.11") -> Emulation:
    return Emulation("Haswell", Path("/usr/bin/qemu-x86_64-static"), interpreter)


def options(root: Path, interpreter: str, binds: dict[str, Path] | None = None) -> tuple[list[str], str]:
    asked = emulation(interpreter)
    container = Container(["python"], {}, "/", read_only=binds or {}, emulation=asked)
    return list(emulation_options(root, container, asked, 9)), wrapper_text(root, container, asked).decode()


def test_a_wrapper_stands_in_the_interpreters_own_place(tmp_path: Path) -> None:
    root = image(tmp_path)
    words, text = options(root, "/usr/bin/python3.11")

    assert words[-5:] == ["--perms", "0555", "--ro-bind-data", "9", "/usr/bin/python3.11"]
    assert words[3:6] == ["--ro-bind", str(root / "usr"), REAL]
    assert text == (
        '#!/bin/sh\nexec /run/reprobuild/qemu -cpu Haswell,check=off -0 "$0" /run/reprobuild/real/bin/python3.11 "$@"\n'
    )


def test_links_are_followed_inside_the_image_alone(tmp_path: Path) -> None:
    root = image(tmp_path, "opt/conda/bin/python3.12")
    (root / "opt/conda/bin/python").symlink_to("python3")
    (root / "opt/conda/bin/python3").symlink_to("/opt/conda/../conda/./bin/python3.12")
    (root / "usr/bin/python3").symlink_to("../../../../../../opt/conda/bin/python")
    words, text = options(root, "/bin/python3")

    assert words[-1] == "/opt/conda/bin/python3.12"
    assert words[4] == str(root / "opt/conda")
    assert "/run/reprobuild/real/bin/python3.12" in text


def test_a_link_never_leads_out_of_the_image(tmp_path: Path) -> None:
    root = image(tmp_path)
    (tmp_path / "secret").write_bytes(ELF)
    (root / "usr/bin/python").symlink_to(tmp_path / "secret")
    (root / "usr/bin/climbing").symlink_to("../../../secret")
    (root / "usr/bin/round").symlink_to("round")

    for name in ("python", "climbing", "round"):
        assert find_inside(f"/usr/bin/{name}", root, {}) is None
        with pytest.raises(ToolError, match="the image has no"):
            options(root, f"/usr/bin/{name}")


def test_what_is_bound_into_the_sandbox_counts(tmp_path: Path) -> None:
    root, other = image(tmp_path), image(tmp_path / "other", "usr/bin/python3.13")
    words, _ = options(root, "/opt/python/bin/python3.13", {"/opt/python": other / "usr"})

    assert words[4] == str(other / "usr")
    assert words[-1] == "/opt/python/bin/python3.13"


def test_an_interpreter_near_the_root_shows_nothing_of_this_machine(tmp_path: Path) -> None:
    root = image(tmp_path, "python")
    words, text = options(root, "/python")

    assert words[4] == str(root)
    assert "/run/reprobuild/real/python " in text


def test_an_image_without_a_shell_is_one_line(tmp_path: Path) -> None:
    root = image(tmp_path)
    (root / "usr/bin/sh").unlink()
    with pytest.raises(ToolError, match="the image has no /bin/sh") as caught:
        options(root, "/usr/bin/python3.11")

    assert caught.value.hint


def test_an_interpreter_that_is_a_script_is_one_line(tmp_path: Path) -> None:
    root = image(tmp_path, data=b"#!/bin/sh\nexec python\n")
    with pytest.raises(ToolError, match="no ELF program"):
        options(root, "/usr/bin/python3.11")


@pytest.mark.sandbox
@pytest.mark.emulation
@pytest.mark.compiler
def test_an_interpreter_finds_libraries_beside_itself_and_knows_its_name(tmp_path: Path) -> None:
    source = '#include <stdio.h>\nint f(void);\nint main(int c, char **v) { printf("%d %s %s\\n", f(), v[0], v[1]); }\n'
    root = make_root(tmp_path / "root")
    for name in ("bin", "lib"):
        (root / "opt/own" / name).mkdir(parents=True)
    library = build_library(tmp_path / "made", "libown.so", "int f(void) { return 42; }\n")
    rpath = "-Wl,-rpath,$ORIGIN/../lib"
    program = build_program(tmp_path / "made", "python3.9", source, rpath, needs=["libown.so"])
    (root / "opt/own/lib/libown.so").write_bytes(library)
    (root / "opt/own/bin/python3.9").write_bytes(program)
    (root / "opt/own/bin/python3.9").chmod(0o755)
    (root / "opt/own/bin/python").symlink_to("python3.9")
    heard: list[bytes] = []
    asked = emulation("/opt/own/bin/python")
    container = Container(["/opt/own/bin/python", "a word"], ENVIRONMENT, "/", timeout=60, emulation=asked)

    done = HostSandbox().execute(str(root), container, heard.append)

    assert (done.status, b"".join(heard).decode()) == (0, "42 /opt/own/bin/python a word\n")


@pytest.mark.sandbox
@pytest.mark.emulation
def test_an_ordinary_user_under_a_strict_umask_emulates_too() -> None:
    def run(folder: Path) -> str:
        heard: list[bytes] = []
        binds = {"/usr": Path("/usr")}
        asked = emulation("/usr/bin/uname")
        container = Container(["uname", "-m"], ENVIRONMENT, "/", read_only=binds, timeout=60, emulation=asked)
        done = Sandbox().execute(str(make_root(folder / "root")), container, heard.append)
        return f"{b''.join(heard).decode()}{done.status}"

    assert as_ordinary_user(run) == "x86_64\n0"
