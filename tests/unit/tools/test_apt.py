from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from reprobuild.ground.errors import ToolError
from reprobuild.tools.apt import find_mirrors
from reprobuild.tools.process import Finished
from reprobuild.tools.settings import Settings

WITH_LISTS = """\
https://mirror.example/debian/|main|stable|bookworm|stable
https://mirror.example/debian/|contrib|stable|bookworm|stable
https://user:secret@mirror.example/security/|main|bookworm-security|bookworm-security|stable-security
mirror+file:/etc/apt/mirrors.list|main|bookworm|bookworm|stable
cdrom:[disc]/|main|bookworm|bookworm|stable
file:/srv/debian/|main|bookworm|bookworm|stable
"""
WITHOUT_LISTS = """\
https://mirror.example/debian/|main|stable|$(CODENAME)|$(SUITE)
https://mirror.example/debian/|main|sid|$(CODENAME)|$(SUITE)
"""
SETTINGS = Settings(store=Path("/store"))


def apt(argv: Sequence[str], **_: object) -> Finished:
    assert argv[:2] == ["apt-get", "indextargets"]
    return Finished(0, WITHOUT_LISTS if "--no-release-info" in argv else WITH_LISTS, "")


def no_apt(argv: Sequence[str], **_: object) -> Finished:
    raise ToolError(f"{argv[0]}: not found")


def empty_apt(argv: Sequence[str], **_: object) -> Finished:
    return Finished(100, "", "E: broken sources")


def mirrors(suite: str, runner: Callable[..., Finished] = apt, settings: Settings = SETTINGS) -> Sequence[str]:
    return find_mirrors(suite, "main", settings, runner)


def named(debian: Mapping[str, tuple[str, ...]]) -> Settings:
    return Settings(store=Path("/store"), debian=debian)


def test_a_codename_is_found_where_the_sources_say_stable() -> None:
    assert mirrors("bookworm") == ["https://mirror.example/debian", "file:/srv/debian"]


def test_a_suite_is_found_before_apt_has_any_lists() -> None:
    assert mirrors("sid") == ["https://mirror.example/debian"]


def test_credentials_are_kept_for_use() -> None:
    assert mirrors("bookworm-security") == ["https://user:secret@mirror.example/security"]


def test_the_users_own_mirror_comes_first() -> None:
    settings = named({"bookworm": ("http://127.0.0.1:9/debian/",)})

    assert mirrors("bookworm", settings=settings)[0] == "http://127.0.0.1:9/debian"


def test_without_apt_the_configuration_is_enough() -> None:
    assert mirrors("trixie", no_apt, named({"trixie": ("https://mirror.example/d",)})) == ["https://mirror.example/d"]


@pytest.mark.parametrize("runner", [apt, no_apt, empty_apt])
def test_an_unknown_suite_says_what_to_set(runner: Callable[..., Finished]) -> None:
    with pytest.raises(ToolError, match="trixie-security: no mirror is known") as caught:
        mirrors("trixie-security", runner)
    assert "REPROBUILD_DEBIAN_TRIXIE_SECURITY" in caught.value.hint
    assert "secret" not in str(caught.value)
