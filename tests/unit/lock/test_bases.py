import tomllib
from pathlib import Path

import pysequoia
import pytest

from reprobuild.ground.errors import InputError
from reprobuild.lock.base import Base
from reprobuild.lock.bases import read_base, shipped_bases

BASES = ["debian12-python311", "debian13-python313"]
SHIPPED = Path(str(shipped_bases()))


def text(name: str = BASES[0]) -> str:
    return (SHIPPED / f"{name}.toml").read_text()


def refusal(name: str, project: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_base(name, project)
    assert "\n" not in str(caught.value)
    return f"{caught.value} / {caught.value.hint}"


def parse_refusal(toml: str | bytes, project: Path) -> str:
    (project / "mine.toml").write_bytes(toml.encode() if isinstance(toml, str) else toml)
    (project / "debian12.gpg").write_bytes(b"keys")
    return refusal("mine.toml", project)


@pytest.mark.parametrize("name", BASES)
def test_a_shipped_base_is_found_by_its_name_from_any_project(name: str, tmp_path: Path) -> None:
    base, keys = read_base(name, tmp_path)

    assert base.name == name
    assert keys


@pytest.mark.parametrize("name", BASES)
def test_a_shipped_base_ships_every_key_that_it_names(name: str, tmp_path: Path) -> None:
    base, keys = read_base(name, tmp_path)

    shipped = {certificate.fingerprint.upper() for certificate in pysequoia.Cert.split_bytes(keys)}
    assert {key for suite in base.suites for key in suite.keys} <= shipped


@pytest.mark.parametrize("name", BASES)
def test_a_shipped_base_reads_every_pocket(name: str, tmp_path: Path) -> None:
    base, _ = read_base(name, tmp_path)

    codename = base.suites[0].name
    assert [suite.name for suite in base.suites] == [codename, f"{codename}-updates", f"{codename}-security"]


@pytest.mark.parametrize("name", BASES)
def test_a_shipped_base_says_everything_about_its_own_python(name: str, tmp_path: Path) -> None:
    base, _ = read_base(name, tmp_path)

    version = base.python.package.removeprefix("python")
    assert base.python.executable == f"/usr/bin/python{version}"
    assert f"python{version}/" in base.python.site
    assert "python3" in base.packages


@pytest.mark.parametrize("name", BASES)
def test_a_shipped_base_names_no_place(name: str) -> None:
    assert "://" not in text(name)


def test_the_two_bases_differ_in_their_python() -> None:
    pythons = {tomllib.loads(text(name))["python"]["package"] for name in BASES}

    assert len(pythons) == 2


def test_a_base_survives_the_lock(tmp_path: Path) -> None:
    base, _ = read_base(BASES[0], tmp_path)

    assert Base.from_bytes(base.to_bytes(), "lock") == base


def test_a_project_may_bring_its_own_base(tmp_path: Path) -> None:
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "mine.toml").write_text(text().replace('name = "debian12-python311"', 'name = "mine"', 1))
    (tmp_path / "bases" / "debian12.gpg").write_bytes(b"keys")

    base, keys = read_base("bases/mine.toml", tmp_path)

    assert (base.name, keys) == ("mine", b"keys")


def test_an_unknown_name_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    assert refusal("debian12-python312", tmp_path) == (
        "debian12-python312: no such base / did you mean 'debian12-python311'?"
    )


def test_a_name_like_no_other_is_told_with_all_there_are(tmp_path: Path) -> None:
    assert refusal("windows", tmp_path).endswith(
        "/ there are: cuda12-debian12-python311, cuda13-debian12-python311, debian12-python311, debian13-python313"
    )


@pytest.mark.parametrize("name", ["../images/debian12-python311", "missing.toml", ""])
def test_what_is_not_a_base_is_told(name: str, tmp_path: Path) -> None:
    assert "no such base" in refusal(name, tmp_path)


def test_a_base_without_its_file_of_keys_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text())

    assert "mine.toml: keys: debian12.gpg is not a file beside it" in refusal("mine.toml", tmp_path)


@pytest.mark.parametrize("keys", ["../secret.gpg", "/etc/passwd"])
def test_keys_lie_beside_their_base(tmp_path: Path, keys: str) -> None:
    (tmp_path / "mine.toml").write_text(text().replace("debian12.gpg", keys))

    assert f"keys: {keys} is not a file beside it" in refusal("mine.toml", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('component = "main"', 'component = "main"\ncomponents = "main"', "mine.toml: components: "),
        ('component = "main"', "", "mine.toml: component: "),
        ('component = "main"', "component = 1", "mine.toml: component: "),
        ('component = "main"', 'component = "../x"', "mine.toml: component: "),
        ('name = "bookworm"\n', 'name = "bookworm/../x"\n', "mine.toml: suites.0.name: "),
        ('keys = ["05AB', 'keys = ["05ab', "mine.toml: suites.2.keys.0: "),
        ('executable = "/usr', 'executable = "usr', "mine.toml: python.executable: "),
        ("[python]", "[python]\nversion = 3", "mine.toml: python.version: "),
        ('keys = "debian12.gpg"', "", "mine.toml: keys: "),
        ('name = "debian12-python311"', "name = ", "mine.toml: not TOML: "),
    ],
)
def test_a_base_is_read_strictly(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in text()

    assert parse_refusal(text().replace(old, new, 1), tmp_path).startswith(said)


def test_a_base_that_is_not_text_is_told(tmp_path: Path) -> None:
    assert "mine.toml: not TOML" in parse_refusal(b"\xff\xfe", tmp_path)


@pytest.mark.parametrize("major", [12, 13])
def test_a_base_with_cuda_is_the_cpu_base_and_nvidias_wheels(tmp_path: Path, major: int) -> None:
    plain, keys = read_base(BASES[0], tmp_path)
    base, same = read_base(f"cuda{major}-debian12-python311", tmp_path)

    assert base.cuda
    assert base.cuda.major == major
    assert "NVIDIA_VISIBLE_DEVICES" in base.environment
    assert same == keys
    assert base.model_copy(update={"name": plain.name, "cuda": None, "environment": plain.environment}) == plain
    assert base.environment.items() >= (plain.environment | {"PATH": base.environment["PATH"]}).items()
    assert "://" not in text(base.name).replace("https://docs.nvidia.com", "")


def test_a_base_inherits_tables_key_by_key_and_replaces_everything_else(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'extends = "debian12-python311"\nname = "mine"\npackages = ["bash"]\n[environment]\nLANG = "C"\nX = "1"\n'
    )
    (tmp_path / "again.toml").write_text('extends = "mine.toml"\nname = "again"\n[environment]\nX = "2"\n')
    plain, keys = read_base(BASES[0], tmp_path)

    base, same = read_base("again.toml", tmp_path)

    assert (base.name, base.packages, same) == ("again", ("bash",), keys)
    assert base.environment == plain.environment | {"LANG": "C", "X": "2"}
    assert base.python == plain.python


def test_a_base_that_extends_another_may_bring_keys_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "debian12-python311"\nkeys = "mine.gpg"\n')
    (tmp_path / "mine.gpg").write_bytes(b"mine")

    assert read_base("mine.toml", tmp_path)[1] == b"mine"


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ('"debian12-python312"', "mine.toml: extends: debian12-python312: no such base / did you mean"),
        ('"other.toml"', "mine.toml: extends: other.toml: no such base / "),
        ('"mine.toml"', "mine.toml: extends: mine.toml → mine.toml has no end"),
        ("1", "mine.toml: extends: not the name of a base"),
        ('""', "mine.toml: extends: : no such base"),
    ],
)
def test_what_cannot_be_extended_is_told(tmp_path: Path, extends: str, said: str) -> None:
    assert parse_refusal(f"extends = {extends}\n", tmp_path).startswith(said)


@pytest.mark.parametrize(
    ("cuda", "said"),
    [
        ("[cuda]\nmajor = 12\nrequirements = []", "mine.toml: cuda.requirements: "),
        ("[cuda]\nmajor = 3\nrequirements = ['x']", "mine.toml: cuda.major: "),
        ("[cuda]\nmajor = 12\nrequirements = ['x']\ndriver = 3", "mine.toml: cuda.driver: "),
    ],
)
def test_the_cuda_of_a_base_is_read_strictly(tmp_path: Path, cuda: str, said: str) -> None:
    assert parse_refusal(f'extends = "debian12-python311"\n{cuda}\n', tmp_path).startswith(said)
