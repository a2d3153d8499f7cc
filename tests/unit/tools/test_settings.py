import os
import pwd
from pathlib import Path

from reprobuild.tools.settings import read_settings


def test_without_home_the_store_is_in_the_folder_that_the_system_knows() -> None:
    known = Path(pwd.getpwuid(os.getuid()).pw_dir)

    assert read_settings({}).store == known / ".local/share/reprobuild"
    assert read_settings({"HOME": ""}) == read_settings({})


def test_home_and_its_variables_win(tmp_path: Path) -> None:
    assert read_settings({"HOME": str(tmp_path)}).store == tmp_path / ".local/share/reprobuild"
    assert read_settings({"HOME": str(tmp_path), "XDG_DATA_HOME": "/data"}).store == Path("/data/reprobuild")
    assert read_settings({"HOME": str(tmp_path), "REPROBUILD_STORE": "/big"}).store == Path("/big")


def test_a_registry_is_where_the_settings_say_and_its_variable_wins(tmp_path: Path) -> None:
    path = tmp_path / ".config/reprobuild/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[registries]\n"a.example:5000" = "https://b.example/x"\n')
    home = {"HOME": str(tmp_path)}

    assert read_settings(home).registry("a.example:5000") == "https://b.example/x"
    assert read_settings(home).registry("a.example") == ""
    variable = {"REPROBUILD_REGISTRY_A_EXAMPLE_5000": "http://c.example"}
    assert read_settings(home | variable).registry("a.example:5000") == "http://c.example"


def test_logins_are_where_docker_and_podman_keep_them(tmp_path: Path) -> None:
    plain = read_settings({"HOME": str(tmp_path)}).logins
    named = read_settings(
        {
            "HOME": str(tmp_path),
            "REGISTRY_AUTH_FILE": "/auth.json",
            "DOCKER_CONFIG": "/docker",
            "XDG_RUNTIME_DIR": "/run/user/1",
            "XDG_CONFIG_HOME": "/config",
        }
    ).logins

    assert plain == (tmp_path / ".docker/config.json", tmp_path / ".config/containers/auth.json")
    assert [str(path) for path in named] == [
        "/auth.json",
        "/docker/config.json",
        "/run/user/1/containers/auth.json",
        "/config/containers/auth.json",
    ]
