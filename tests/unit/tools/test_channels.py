"""Where a channel is, by the user's settings, conda's files and variables, and conda's own default."""

from pathlib import Path

import pytest
from builders.serving import QuietHandler

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.ground.urls import scrub, without_credentials
from reprobuild.tools.channels import Channels, default_place
from reprobuild.tools.condarc import Condarc, read_condarc
from reprobuild.tools.fetch import HttpFetcher, redact
from reprobuild.tools.settings import Settings, read_settings


def channels(home: Path, **environment: str) -> Channels:
    variables = {"HOME": str(home), **environment}
    return Channels(read_settings(variables), read_condarc(variables, home))


def test_the_users_own_places_win_over_condas_configuration(tmp_path: Path) -> None:
    (tmp_path / ".condarc").write_text("channel_alias: http://alias.example/\n")
    (tmp_path / ".config" / "reprobuild").mkdir(parents=True)
    (tmp_path / ".config/reprobuild/config.toml").write_text('[conda]\n"my_team" = ["http://own.example/x/"]\n')

    assert channels(tmp_path).places("conda-forge") == ("http://alias.example/conda-forge",)
    assert channels(tmp_path).places("my_team") == ("http://own.example/x",)
    assert channels(tmp_path, REPROBUILD_CONDA_MY_TEAM="http://a.example http://b.example").places("my_team") == (
        "http://a.example",
        "http://b.example",
    )


def test_stronger_files_and_variables_win_as_conda_reads_them(tmp_path: Path) -> None:
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/.condarc").write_text(
        "channel_alias: http://weak.example\ncustom_channels: {team: 'http://weak.example'}\n"
    )
    (tmp_path / ".condarc").write_text("custom_channels: {team: 'http://strong.example/conda'}\nssl_verify: true\n")
    (tmp_path / "named").write_text("default_channels: ['http://d.example/main', r]\n")

    found = channels(tmp_path, CONDARC=str(tmp_path / "named"))
    assert found.places("team") == ("http://strong.example/conda/team",)
    assert found.places("team/label/dev") == ("http://strong.example/conda/team/label/dev",)
    assert found.places("other") == ("http://weak.example/other",)
    assert found.places("defaults") == ("http://d.example/main", "http://weak.example/r")
    assert channels(tmp_path, CONDA_CHANNEL_ALIAS="http://v.example").places("other") == ("http://v.example/other",)


def test_a_name_may_stand_for_several_channels() -> None:
    condarc = Condarc("http://a.example", multichannels={"both": ("one", "http://b.example/two")})

    assert condarc.places("both") == ("http://a.example/one", "http://b.example/two")


def test_without_any_configuration_the_librarys_default_is_used(tmp_path: Path) -> None:
    place = channels(tmp_path).places("conda-forge")

    assert place == (default_place("conda-forge"),)
    assert place[0].endswith("/conda-forge")


def test_defaults_needs_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^channel defaults: no place is known$"):
        channels(tmp_path).places("defaults")


def test_a_place_that_is_no_url_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^channel a: its place is no http, https or file URL$") as caught:
        channels(tmp_path, REPROBUILD_CONDA_A="/srv/channel").places("a")
    assert "REPROBUILD_CONDA_A" in caught.value.hint


@pytest.mark.parametrize("text", ["a: [", "- a", "\0", "[" * 4000])
def test_a_broken_condarc_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / ".condarc").write_text(text)

    with pytest.raises(InputError, match=r"/\.condarc: not "):
        read_condarc({}, tmp_path)


def test_credentials_are_for_use_and_never_shown() -> None:
    url = "https://user:secret@channel.example:8443/t/secret-token/team"

    assert without_credentials(url) == "https://channel.example:8443/team"
    assert scrub(f"error for ({url}/noarch): no") == "error for (https://channel.example:8443/team/noarch): no"
    assert redact(f"{url}/noarch/x.conda") == "https://channel.example:8443/team/noarch/x.conda"


def test_a_solver_looks_at_the_first_mirror_that_answers() -> None:
    import threading

    from builders.serving import listening

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path.startswith("/alive/") else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Handler, threading.Event()) as port:
        places = tuple(f"http://127.0.0.1:{port}/{name}" for name in ("dead", "alive", "other"))
        found = Channels(Settings(Path("/"), conda={"a": places}))
        fetch = HttpFetcher()

        assert found.members("a", fetch) == (places[1],)
        assert Channels(Settings(Path("/"), conda={"a": places[:1]})).members("a", fetch) == places[:1]
        fetch.close()
