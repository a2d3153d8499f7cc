import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders.faults import Reply, Request, answering, whole
from builders.serving import QuietHandler, listening

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.tools.fetch import ForbiddenError, HttpFetcher, MissingError, redact

LIMIT = 1000


@pytest.fixture
def fetch() -> Iterator[HttpFetcher]:
    with closing(HttpFetcher(timeout=0.5)) as made:
        yield made


def test_a_document_comes_with_its_media_type_and_its_place(fetch: HttpFetcher) -> None:
    with answering(lambda _: Reply(200, b"text", {"Content-Type": "text/HTML; charset=utf-8"})) as server:
        page = fetch.read(f"{server.url}/a", limit=LIMIT)

    assert page == (b"text", "text/html", f"{server.url}/a")


def test_a_redirect_is_followed_and_the_place_is_where_it_led(fetch: HttpFetcher) -> None:
    def answer(request: Request) -> Reply:
        return Reply(302, headers={"Location": "/new/a"}) if request.path == "/old/a" else Reply(200, b"x")

    with answering(answer) as server:
        assert fetch.read(f"{server.url}/old/a", limit=LIMIT).url == f"{server.url}/new/a"


def test_a_password_goes_to_its_own_host_alone(fetch: HttpFetcher) -> None:
    with answering(whole(b"x")) as other:
        elsewhere = {"Location": f"http://localhost:{other.port}/b"}
        with answering(lambda request: Reply(302, headers=elsewhere) if request.path == "/a" else Reply()) as own:
            page = fetch.read(f"http://user:secret@127.0.0.1:{own.port}/a", limit=LIMIT)

    assert own.asked[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in other.asked[0].headers
    assert "secret" not in page.url


def test_a_redirect_on_the_same_host_keeps_user_and_password(fetch: HttpFetcher) -> None:
    def answer(request: Request) -> Reply:
        return Reply(301, headers={"Location": "/b"}) if request.path == "/a" else Reply(200, b"x")

    with answering(answer) as server:
        page = fetch.read(f"http://user:secret@127.0.0.1:{server.port}/a", limit=LIMIT)

    assert page.url == f"http://user:secret@127.0.0.1:{server.port}/b"


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply(404), MissingError, "not found (404)"),
        (Reply(410), MissingError, "not found (410)"),
        (Reply(403), ForbiddenError, "answered 403"),
        (Reply(500), ToolError, "answered 500"),
        (Reply(302, headers={"Location": "/a"}), ToolError, ""),
        (Reply(200, b"x" * (LIMIT + 1)), ToolError, f"more than {LIMIT} bytes"),
        (Reply(200, b"x" * 100, cut=10), ToolError, ""),
        (Reply(200, b"x" * 100, cut=10, stall=True), ToolError, "timed out"),
        (Reply(200, b"", {"Content-Length": "nonsense"}), ToolError, ""),
    ],
    ids=range(9),
)
def test_a_failure_is_one_line_with_the_place_and_without_its_password(
    fetch: HttpFetcher, reply: Reply, kind: type[ToolError], said: str
) -> None:
    with answering(lambda _: reply) as server, pytest.raises(ToolError) as caught:
        fetch.read(f"http://user:secret@127.0.0.1:{server.port}/a?token=secret", limit=LIMIT)

    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"http://127.0.0.1:{server.port}/a: ")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_place_where_nobody_listens_is_told(fetch: HttpFetcher) -> None:
    with answering(whole(b"")) as server:
        gone = server.url
    with pytest.raises(ToolError, match=r"/a: .*refused"):
        fetch.read(f"{gone}/a", limit=LIMIT)


def test_a_stream_begins_where_it_was_asked_to(fetch: HttpFetcher) -> None:
    with answering(whole(b"0123456789")) as server, fetch.stream(f"{server.url}/a", offset=4) as (start, chunks):
        assert (start, b"".join(chunks)) == (4, b"456789")
        assert server.asked[0].headers["accept-encoding"] == "identity"


def test_a_server_without_ranges_begins_at_zero(fetch: HttpFetcher) -> None:
    with (
        answering(lambda _: Reply(200, b"0123")) as server,
        fetch.stream(f"{server.url}/a", offset=2) as (start, chunks),
    ):
        assert (start, b"".join(chunks)) == (0, b"0123")


def test_a_file_that_is_shorter_than_the_offset_begins_at_zero(fetch: HttpFetcher) -> None:
    with answering(whole(b"01")) as server, fetch.stream(f"{server.url}/a", offset=9) as (start, chunks):
        assert (start, b"".join(chunks)) == (0, b"01")


@pytest.mark.parametrize("told", ["bytes 0-3/4", "bytes 3-3/4", "", "nonsense"])
def test_an_answer_with_another_range_is_refused(fetch: HttpFetcher, told: str) -> None:
    def answer(_: Request) -> Reply:
        return Reply(206, b"x", {"Content-Range": told})

    with (
        answering(answer) as server,
        pytest.raises(ToolError, match="asked for bytes from 2"),
        fetch.stream(f"{server.url}/a", offset=2),
    ):
        pass


def test_files_are_read_like_pages(tmp_path: Path, fetch: HttpFetcher) -> None:
    (tmp_path / "a b").write_bytes(b"0123")
    url = (tmp_path / "a b").as_uri()

    assert fetch.read(url, limit=LIMIT).body == b"0123"
    with fetch.stream(url, offset=2) as (start, chunks):
        assert (start, b"".join(chunks)) == (2, b"23")
    with pytest.raises(MissingError, match="not found"):
        fetch.read((tmp_path / "none").as_uri(), limit=LIMIT)
    with pytest.raises(ToolError, match="Is a directory"):
        fetch.read(tmp_path.as_uri(), limit=LIMIT)


def authorization(tmp_path: Path, netrc: str, url: Callable[[int], str]) -> str:
    (tmp_path / "netrc").write_text(netrc)
    (tmp_path / "netrc").chmod(0o600)
    with answering(whole(b"x")) as server, closing(HttpFetcher(netrc=tmp_path / "netrc", timeout=0.5)) as fetch:
        fetch.read(url(server.port), limit=LIMIT)
    return server.asked[0].headers.get("authorization", "")


def test_netrc_gives_a_password_where_the_url_has_none(tmp_path: Path) -> None:
    netrc = "machine 127.0.0.1 login user password secret\n"
    from_netrc = authorization(tmp_path, netrc, lambda port: f"http://127.0.0.1:{port}/a")
    from_url = authorization(tmp_path, netrc, lambda port: f"http://other:word@127.0.0.1:{port}/a")

    assert from_netrc == "Basic dXNlcjpzZWNyZXQ="
    assert from_url == "Basic b3RoZXI6d29yZA=="


def test_a_broken_netrc_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="netrc: "):
        authorization(tmp_path, "nonsense here\n", lambda port: f"http://127.0.0.1:{port}/a")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:word@host.example:8080/a?token=x#y", "http://host.example:8080/a"),
        ("https://host.example/a", "https://host.example/a"),
        ("file:///a/b", "file:///a/b"),
    ],
)
def test_what_is_shown_of_a_url_has_no_secret(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_a_document_that_comes_a_byte_at_a_time_is_given_up() -> None:
    released = threading.Event()

    class Dripping(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not released.wait(0.02):
                self.wfile.write(b"x")

    with (
        listening(Dripping, released) as port,
        closing(HttpFetcher(timeout=30, patience=0.3)) as fetch,
        pytest.raises(ToolError) as caught,
    ):
        fetch.read(f"http://127.0.0.1:{port}/simple/", limit=1 << 20)

    assert str(caught.value) == f"http://127.0.0.1:{port}/simple/: not all of it came within 0.3 s"
