import pytest

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.requirements import check_file_name, included_files, parse_pins, parse_requirements

HASH = "a" * 64


def test_comments_and_continued_lines_are_read_as_pip_reads_them() -> None:
    text = "# head\nnumpy >= 1.26 \\\n  , < 3  # why\n\nredis[hiredis]; python_version < '4'\n"

    assert [str(need) for need in parse_requirements(text, "r.in")] == [
        "numpy<3,>=1.26",
        'redis[hiredis]; python_version < "4"',
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--index-url https://user:secret@index.example/simple", "r.in:2: --index-url"),
        ("-ihttps://user:secret@index.example/simple", "r.in:2: -i:"),
        ("--find-links=https://user:secret@index.example/", "r.in:2: --find-links"),
        ("-e ./package", "r.in:2: -e"),
        ("numpy @ https://user:secret@index.example/numpy.whl", "r.in:2: numpy: a direct reference"),
        ("https://user:secret@index.example/numpy.whl", "r.in:2: not a requirement"),
        ("git+https://user:secret@index.example/numpy", "r.in:2: not a requirement"),
        ("./wheels/numpy.whl", "r.in:2: not a requirement"),
        ("numpy=1", "r.in:2: not a requirement"),
        ("${NAME}==1", "r.in:2: not a requirement"),
        ("numpy==1 --hash=sha256:00", "r.in:2: --hash"),
    ],
)
def test_places_and_broken_lines_are_refused_with_file_and_line_and_no_secret(line: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_requirements(f"rich\n{line}\n", "r.in")

    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_included_files_are_relative_to_the_file_that_names_them() -> None:
    text = "-r base.txt\n--requirement=../all.in\n-c limits.txt\n-cmore.txt\n--constraint more.in\n"

    assert list(included_files(text, "deps/r.in")) == [
        ("deps/base.txt", False),
        ("all.in", False),
        ("deps/limits.txt", True),
        ("deps/more.txt", True),
        ("deps/more.in", True),
    ]


@pytest.mark.parametrize("name", ["../r.in", "/etc/r.in", "https://user:secret@index.example/r.txt", "a/../../r.in"])
def test_a_file_outside_the_project_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a file inside the project") as caught:
        list(included_files(f"-r {name}\n", "r.in"))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["setup.py", "pyproject.toml", "setup.cfg"])
def test_a_project_file_whose_code_a_resolver_would_run_is_no_requirement_file(name: str) -> None:
    with pytest.raises(InputError, match="not a requirement file"):
        check_file_name(name, name)


def test_pins_are_read_with_their_hashes() -> None:
    pins = parse_pins(f"Scikit_Learn[x]==1.9.1 \\\n    --hash=sha256:{HASH}\n", "requirements.txt")

    assert pins["scikit-learn"].hashes == {HASH}
    assert str(pins["scikit-learn"].version) == "1.9.1"


def test_one_project_may_stand_there_once_for_each_set_of_extras_but_only_with_one_pin() -> None:
    lines = [f"toolkit[blas]==1.0 --hash=sha256:{HASH}", f"toolkit[fft]==1.0 --hash=sha256:{HASH}"]

    assert list(parse_pins("\n".join(lines), "requirements.txt")) == ["toolkit"]
    for other in (f"toolkit==2.0 --hash=sha256:{HASH}", f"toolkit==1.0 --hash=sha256:{'b' * 64}"):
        with pytest.raises(InputError, match=r"requirements\.txt:3: toolkit is pinned twice"):
            parse_pins("\n".join([*lines, other]), "requirements.txt")


@pytest.mark.parametrize(
    "line",
    [
        "numpy==1.0",
        f"numpy>=1.0 --hash=sha256:{HASH}",
        f"numpy --hash=sha256:{HASH}",
        f"numpy==1.* --hash=sha256:{HASH}",
        f"numpy==1.0,!=2 --hash=sha256:{HASH}",
        "numpy==1.0 --hash=md5:00",
        f"numpy @ https://index.example/numpy.whl --hash=sha256:{HASH}",
        f"--index-url https://index.example/ --hash=sha256:{HASH}",
        f"numpy==1.0 --hash=sha256:{HASH}\nNumPy==2.0 --hash=sha256:{HASH}",
    ],
)
def test_a_lock_with_anything_unpinned_or_unhashed_is_refused(line: str) -> None:
    with pytest.raises(InputError, match=r"^requirements.txt:[12]:"):
        parse_pins(line + "\n", "requirements.txt")
