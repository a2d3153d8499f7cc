import pytest

from reprobuild.ground.errors import InputError
from reprobuild.image.note import Note
from reprobuild.image.view import View
from reprobuild.lock.oci_python import LINKS, find_glibc, find_python, lead_path

DEBIAN = {
    "usr/bin/python3": "symlink:python3.11",
    "usr/bin/python3.11": "file",
    "usr/lib/python3.11/os.py": "file",
}
OFFICIAL = {
    "usr/local/bin/python": "symlink:python3",
    "usr/local/bin/python3": "symlink:python3.12",
    "usr/local/bin/python3.12": "file",
    "usr/local/lib/python3.12/os.py": "file",
    "usr/local/lib/libpython3.12.so.1.0": "file",
}
PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def view(paths: dict[str, str], **texts: str) -> View:
    known = {path.replace("__", "/"): text for path, text in texts.items()}
    return View([("layer", Note(paths=paths, sonames={}, texts=known, scripts={}))])


@pytest.mark.parametrize(
    "sign",
    ["usr/lib/python3/dist-packages/README", "etc/debian_version", "var/lib/dpkg/status"],
)
def test_debians_python_has_a_place_for_what_its_packages_do_not_bring(sign: str) -> None:
    seen = view({**DEBIAN, sign: "file"}, **{"usr__bin__python3.11": "3.11.2"})
    found = find_python(seen, {}, "", "x")

    assert found
    assert found.version == "3.11.2"
    assert found.python.executable == "/usr/bin/python3.11"
    assert found.python.site == "/usr/local/lib/python3.11/dist-packages"
    assert found.python.scripts == "/usr/local/bin"


def test_another_distributions_python_has_its_wheels_beside_it() -> None:
    found = find_python(view(DEBIAN, **{"usr__bin__python3.11": "3.11.2"}), {}, "", "x")

    assert found
    assert (found.python.site, found.python.scripts) == ("/usr/lib/python3.11/site-packages", "/usr/bin")


def test_a_python_of_its_own_prefix_has_its_wheels_beside_it() -> None:
    texts = {"usr__bin__python3.11": "3.11.2", "usr__local__lib__libpython3.12.so.1.0": "3.12.5"}
    found = find_python(view({**DEBIAN, **OFFICIAL}, **texts), PATH, "", "x")

    assert found
    assert found.version == "3.12.5"
    assert found.python.executable == "/usr/local/bin/python3.12"
    assert found.python.site == "/usr/local/lib/python3.12/site-packages"
    assert found.python.scripts == "/usr/local/bin"


def test_the_one_that_the_project_names_wins() -> None:
    texts = {"usr__bin__python3.11": "3.11.2", "usr__local__lib__libpython3.12.so.1.0": "3.12.5"}
    seen = view({**DEBIAN, **OFFICIAL}, **texts)
    found = find_python(seen, PATH, "/usr/bin/python3", "x")

    assert found
    assert found.python.executable == "/usr/bin/python3.11"
    assert lead_path(PATH, found.python, seen)["PATH"] == f"{LINKS}:{PATH['PATH']}"


def test_a_virtual_environment_is_taken_for_what_it_is() -> None:
    venv = {
        "venv/pyvenv.cfg": "file",
        "venv/bin/python3": "symlink:/usr/bin/python3",
        "venv/bin/python": "symlink:python3",
    }
    seen = view({**DEBIAN, **venv}, **{"usr__bin__python3.11": "3.11.2"})
    found = find_python(seen, {"PATH": "/venv/bin:/usr/bin"}, "", "x")

    assert found
    assert found.python.executable == "/venv/bin/python3"
    assert found.python.site == "/venv/lib/python3.11/site-packages"
    assert found.python.scripts == "/venv/bin"
    assert lead_path({"PATH": "/venv/bin:/usr/bin"}, found.python, seen) == {"PATH": "/venv/bin:/usr/bin"}
    assert lead_path({"PATH": "/usr/bin"}, found.python, seen)["PATH"] == "/venv/bin:/usr/bin"


def test_a_variable_tells_the_version_where_the_bytes_do_not() -> None:
    found = find_python(view(OFFICIAL), {**PATH, "PYTHON_VERSION": "3.12.7"}, "", "x")

    assert found
    assert found.version == "3.12.7"


@pytest.mark.parametrize(
    ("paths", "variables", "named", "said"),
    [
        (OFFICIAL, PATH, "", "its exact version is told by nothing"),
        (OFFICIAL, {**PATH, "PYTHON_VERSION": "3.11.7"}, "", "its exact version is told by nothing"),
        (OFFICIAL, {**PATH, "PYTHON_VERSION": "3.12"}, "", "its exact version is told by nothing"),
        (DEBIAN, PATH, "/usr/bin/python3.12", "not a Python 3 by its name"),
        ({**DEBIAN, "usr/bin/tool": "file"}, PATH, "/usr/bin/tool", "not a Python 3 by its name"),
        ({**DEBIAN, "usr/bin/python3.12": "dir"}, PATH, "/usr/bin/python3.12", "not a Python 3 by its name"),
        ({"opt/bin/python3.11": "file"}, {"PATH": "/opt/bin"}, "", "it has no standard library in /opt/lib/python3.11"),
    ],
    ids=range(7),
)
def test_a_python_that_cannot_be_used_is_named_with_a_way_out(
    paths: dict[str, str], variables: dict[str, str], named: str, said: str
) -> None:
    with pytest.raises(InputError, match=r"^host/name: ") as caught:
        find_python(view(paths), variables, named, "host/name")
    assert said in str(caught.value)
    assert "[image] python" in caught.value.hint


@pytest.mark.parametrize(
    "paths", [{}, {"usr/bin/python3": "symlink:python3.11"}, {"usr/bin/python3": "file"}], ids=range(3)
)
def test_an_image_without_python_has_none(paths: dict[str, str]) -> None:
    assert find_python(view(paths), {}, "", "x") is None


def test_the_newest_is_taken_where_none_is_called_python3() -> None:
    names = {f"usr/bin/python3.{minor}": "file" for minor in (9, 11)} | {"usr/lib/python3.11/os.py": "file"}
    found = find_python(view(names, **{"usr__bin__python3.11": "3.11.1"}), {}, "", "x")

    assert found
    assert found.python.executable == "/usr/bin/python3.11"


@pytest.mark.parametrize(
    ("paths", "texts", "version"),
    [
        (
            {"lib": "symlink:usr/lib", "usr/lib/x86_64-linux-gnu/libc.so.6": "file"},
            {"usr/lib/x86_64-linux-gnu/libc.so.6": "2.36"},
            "2.36",
        ),
        ({"lib64/libc.so.6": "symlink:libc-2.17.so", "lib64/libc-2.17.so": "file"}, {}, "2.17"),
        ({"lib/ld-musl-x86_64.so.1": "file", "lib/libc.musl-x86_64.so.1": "file"}, {}, ""),
        ({}, {}, ""),
    ],
    ids=["debian", "old", "musl", "none"],
)
def test_the_c_library_is_found(paths: dict[str, str], texts: dict[str, str], version: str) -> None:
    note = Note(paths=paths, sonames={}, texts=texts, scripts={})

    assert find_glibc(View([("x", note)])) == version
