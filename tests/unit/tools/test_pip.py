from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from builders.faults import Reply, Request, answering
from builders.index import Index, digest, metadata_of, serving
from builders.wheels import make_wheel, wheel_name

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.tools.fetch import HttpFetcher, Page
from reprobuild.tools.pip import PipIndex, PipSources, no_credentials, read_pip_sources
from reprobuild.tools.process import Finished

WHEEL = wheel_name("Demo.One", "1.0")
BODY = make_wheel("Demo.One", "1.0")


class FakePip:
    """Answers `pip config list` with a listing, and the question for pip's default index."""

    def __init__(self, listing: str, status: int = 0) -> None:
        self.listing, self.status = listing, status

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 600,
    ) -> Finished:
        if "config" in argv:
            return Finished(self.status, self.listing, "ERROR: bad file")
        return Finished(0, "https://default.example/simple\n", "")


def offers(sources: PipSources, name: str = "demo-one") -> list[tuple[str, str, int | None]]:
    found = PipIndex(sources, HttpFetcher(timeout=5)).offers(name)
    return [(offer.filename, offer.sha256, offer.size) for offer in found]


def test_nothing_configured_leaves_pips_own_default_index() -> None:
    assert read_pip_sources(FakePip("")).indexes == ("https://default.example/simple",)


def test_the_environment_wins_over_install_and_install_over_global() -> None:
    listing = (
        ":env:.index-url='https://env.example/'\n"
        "global.index-url='https://global.example/'\n"
        "global.extra-index-url='https://one.example/ file:///srv/simple'\n"
        "install.index-url='https://install.example/'\n"
        "global.default-timeout='7'\nglobal.trusted-host='one.example'\nglobal.proxy='http://proxy.example:3128'\n"
    )
    sources = read_pip_sources(FakePip(listing))

    assert sources.indexes == ("https://env.example/", "https://one.example/", "file:///srv/simple")
    assert (sources.timeout, sources.trusted_hosts, sources.proxy) == (7, ("one.example",), "http://proxy.example:3128")


def test_no_index_leaves_find_links_alone_and_folders_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sources = read_pip_sources(
        FakePip("global.no-index='true'\nglobal.find-links='wheels\\nhttps://links.example/a'\n")
    )

    assert sources.indexes == ()
    assert sources.find_links == (str(tmp_path / "wheels"), "https://links.example/a")


def test_a_broken_configuration_is_one_line() -> None:
    with pytest.raises(ToolError, match=r"^pip's configuration cannot be read: ERROR: bad file$"):
        read_pip_sources(FakePip("", status=1))


@pytest.mark.parametrize("json", [True, False])
def test_an_index_is_read_as_json_and_as_html(json: bool) -> None:
    with serving(Index({WHEEL: BODY}, json=json)) as index:
        sources = PipSources((index.url,), ())

        assert offers(sources) == [(WHEEL, digest(BODY), len(BODY) if json else None)]
        found = PipIndex(sources, HttpFetcher()).offers("demo-one")[0]
        assert found.url == f"http://127.0.0.1:{index.port}/files/{WHEEL}"
        assert found.metadata_sha256 == digest(metadata_of(BODY))


def test_a_page_of_links_and_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(BODY)
    with serving(Index({WHEEL: BODY, wheel_name("other", "1.0"): make_wheel("other", "1.0")})) as index:
        found = offers(PipSources((), (index.links, str(tmp_path), tmp_path.as_uri())))

    assert found == [(WHEEL, digest(BODY), None), (WHEEL, "", len(BODY)), (WHEEL, "", len(BODY))]


def test_an_index_on_disk_is_read(tmp_path: Path) -> None:
    (tmp_path / "simple" / "demo-one").mkdir(parents=True)
    page = f'<a href="../../files/{WHEEL}#sha256={digest(BODY)}">{WHEEL}</a>'
    (tmp_path / "simple" / "demo-one" / "index.html").write_text(page)
    sources = PipSources(((tmp_path / "simple").as_uri(),), ())

    assert offers(sources) == [(WHEEL, digest(BODY), None)]
    assert PipIndex(sources, HttpFetcher()).offers("demo-one")[0].url == (tmp_path / "files" / WHEEL).as_uri()
    assert offers(sources, "unknown") == []


def test_an_index_that_does_not_know_a_project_offers_nothing_and_the_next_is_asked() -> None:
    with serving(Index()) as empty, serving(Index({WHEEL: BODY})) as full:
        assert len(offers(PipSources((empty.url, full.url), ()))) == 1


def test_a_stalled_index_is_an_error_and_not_an_empty_one() -> None:
    stalled = Index({WHEEL: BODY}, stalled={"/simple/demo-one/"})
    with serving(stalled) as index, pytest.raises(ToolError, match="timed out"):
        PipIndex(PipSources((index.url,), ()), HttpFetcher(timeout=0.2)).offers("demo-one")


def test_a_page_that_is_no_page_is_refused() -> None:
    class Liar(HttpFetcher):
        def read(self, url: str, *, limit: int, accept: str = "*/*") -> Page:
            return Page(b'{"files": 3}', "application/vnd.pypi.simple.v1+json", url)

    with pytest.raises(InputError, match="not a page of the simple repository API") as caught:
        PipIndex(PipSources(("https://user:secret@index.example/simple",), ()), Liar()).offers("demo-one")

    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_an_index_with_credentials_are_asked_for_with_them_on_its_own_host_alone() -> None:
    class Links(HttpFetcher):
        def read(self, url: str, *, limit: int, accept: str = "*/*") -> Page:
            links = f'<a href="/f/{WHEEL}">{WHEEL}</a><a href="https://files.example/{WHEEL}">{WHEEL}</a>'
            return Page(links.encode(), "text/html", url)

    found = PipIndex(PipSources(("https://user:secret@index.example/simple",), ()), Links()).offers("demo-one")

    assert [offer.url for offer in found] == [
        f"https://user:secret@index.example/f/{WHEEL}",
        f"https://files.example/{WHEEL}",
    ]


def test_messages_lose_the_credentials_of_the_sources() -> None:
    sources = PipSources(("https://user:secret@index.example/simple",), ())

    assert no_credentials("GET https://user:secret@index.example/x", sources) == "GET https://index.example/x"


LINK = f'<a href="../../files/{WHEEL}">{WHEEL}</a>'.encode()
HTML = {"Content-Type": "text/html"}


def test_a_link_is_relative_to_the_page_that_a_redirect_led_to() -> None:
    def answer(request: Request) -> Reply:
        old = request.path.startswith("/old/")
        return Reply(301, headers={"Location": "/a/new/simple/demo-one/"}) if old else Reply(200, LINK, HTML)

    with answering(answer) as server, closing(HttpFetcher(timeout=5)) as fetch:
        found = PipIndex(PipSources((f"{server.url}/old",), ()), fetch).offers("demo-one")

    assert [offer.url for offer in found] == [f"{server.url}/a/new/files/{WHEEL}"]


def test_an_index_that_does_not_tell_has_nothing_and_the_next_is_asked() -> None:
    def answer(request: Request) -> Reply:
        return Reply(403) if request.path.startswith("/shy/") else Reply(200, LINK, HTML)

    with answering(answer) as server, closing(HttpFetcher(timeout=5)) as fetch:
        sources = PipSources((f"{server.url}/shy", f"{server.url}/simple"), (f"{server.url}/shy/links",))
        with pytest.raises(ToolError, match="answered 403"):
            PipIndex(sources, fetch).offers("demo-one")
        found = PipIndex(PipSources(sources.indexes, ()), fetch).offers("demo-one")

    assert [offer.filename for offer in found] == [WHEEL]


def test_a_page_of_links_that_is_gone_offers_nothing() -> None:
    def answer(request: Request) -> Reply:
        return Reply(404) if request.path == "/links" else Reply(200, LINK, HTML)

    with answering(answer) as server, closing(HttpFetcher(timeout=5)) as fetch:
        found = PipIndex(PipSources((f"{server.url}/simple",), (f"{server.url}/links",)), fetch).offers("demo-one")

    assert len(found) == 1
