import base64
import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from builders.faults import Reply, Request, Server, answering, whole
from builders.oci import TYPES, digest, make_image

from reprobuild.ground.errors import InputError, ReprobuildError, ToolError
from reprobuild.lock.oci_documents import MAX_DOCUMENT
from reprobuild.tools.download import download
from reprobuild.tools.fetch import MissingError, open_client, read_raw
from reprobuild.tools.logins import Login
from reprobuild.tools.registry import LONGEST_WAIT, TRIES, Repository, Sent, place_of
from reprobuild.tools.registry_login import Challenge, parse_challenges
from reprobuild.tools.store import Store

IMAGE = make_image([b"no tar at all"])
MEDIA = {"Content-Type": IMAGE.media}
ME = Login("me", "secret", "", "config.json")
BASIC = "Basic " + base64.b64encode(b"me:secret").decode()
Answer = Callable[[Request], Reply]


class World:
    """Registries that answer so, a client of the first of them, and what it waited for."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack, self.waited, self.asked_for = stack, list[float](), list[tuple[str, str]]()

    def serve(self, answer: Answer) -> Server:
        return self.stack.enter_context(answering(answer))

    def repository(self, answer: Answer, login: Login | None = None, prefix: str = "") -> tuple[Repository, Server]:
        server = self.serve(answer)
        client = self.stack.enter_context(closing(open_client(timeout=0.5, follow_redirects=False)))

        def logins(registry: str, repository: str) -> Login | None:
            self.asked_for.append((registry, repository))
            return login

        return Repository(server.url + prefix, "team/base", client, logins, self.waited.append), server


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def good(_: Request) -> Reply:
    return Reply(200, IMAGE.manifest, MEDIA)


def after(count: int, first: Reply) -> Answer:
    """The same answer some times, and then the manifest."""
    left = [first] * count

    def answer(request: Request) -> Reply:
        return left.pop() if left else good(request)

    return answer


def wanting(header: str, right: str, then: Answer = good) -> Answer:
    """A registry that answers 401 to whoever does not say what is right."""

    def answer(request: Request) -> Reply:
        if request.headers.get("authorization") == right:
            return then(request)
        return Reply(401, b"who are you?", {"WWW-Authenticate": header})

    return answer


def refused(repository: Repository, kind: type[ReprobuildError] = ToolError) -> ReprobuildError:
    """What is said of a manifest that cannot be had: one line with a hint, and without the password."""
    with pytest.raises(ReprobuildError) as caught:
        repository.manifest("1")
    assert type(caught.value) is kind, caught.value
    text = str(caught.value) + caught.value.hint
    assert "secret" not in text
    assert "\n" not in text
    assert str(caught.value).startswith(("http://127.0.0.1", "127.0.0.1"))
    return caught.value


def test_a_manifest_comes_with_its_type_and_digest_and_without_a_login(world: World) -> None:
    repository, server = world.repository(good, ME)

    assert repository.manifest("1") == Sent(IMAGE.manifest, IMAGE.media, hashlib.sha256(IMAGE.manifest).hexdigest())
    (asked,) = server.asked
    assert asked.path == "/v2/team/base/manifests/1"
    assert set(asked.headers["accept"].split(", ")) == {
        types[kind] for types in TYPES.values() for kind in ("index", "manifest")
    }
    assert "authorization" not in asked.headers
    assert world.asked_for == []


def test_a_mirror_may_have_its_repositories_below_a_path(world: World) -> None:
    repository, server = world.repository(good, prefix="/proxy/public")
    repository.manifest("1")

    assert server.asked[0].path == "/v2/proxy/public/team/base/manifests/1"


@pytest.mark.parametrize(
    ("registry", "configured", "place"),
    [
        ("registry.example", "", "https://registry.example"),
        ("registry.example:5000", "", "https://registry.example:5000"),
        ("localhost:5000", "", "http://localhost:5000"),
        ("127.0.0.1:5000", "", "http://127.0.0.1:5000"),
        ("[::1]:5000", "", "http://[::1]:5000"),
        ("localhost.example", "", "https://localhost.example"),
        ("registry.example", "http://mirror.example/a/", "http://mirror.example/a"),
    ],
)
def test_a_registry_is_spoken_to_in_plain_http_only_here_or_where_the_user_says_so(
    registry: str, configured: str, place: str
) -> None:
    assert place_of(registry, configured) == place


def test_a_password_is_told_when_the_registry_asks(world: World) -> None:
    repository, server = world.repository(wanting('Basic realm="here, and there"', BASIC), ME)
    repository.manifest("1")
    repository.manifest("1")

    assert [request.headers.get("authorization") for request in server.asked] == [None, BASIC, BASIC]
    assert world.asked_for == [(f"127.0.0.1:{server.port}", "team/base")]


@pytest.mark.parametrize(("login", "said"), [(None, "wants a login"), (ME, "refuses the login for team/base from con")])
@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_a_login_that_is_missing_or_wrong_is_told(world: World, login: Login | None, said: str, scheme: str) -> None:
    tokens = world.serve(lambda _: Reply(401))
    repository, _ = world.repository(wanting(f'{scheme} realm="{tokens.url}/t"', "another"), login)
    error = refused(repository)

    assert said in str(error)
    assert "docker login 127.0.0.1:" in error.hint


def tokens_for(right: str | None, **answer: object) -> Answer:
    def give(request: Request) -> Reply:
        if right is not None and request.headers.get("authorization") != right:
            return Reply(401)
        return Reply(200, json.dumps({"token": "abc", **answer}).encode())

    return give


def bearer(world: World, tokens: Server) -> Answer:
    return wanting(
        f'Bearer realm="{tokens.url}/token?a=b",service="the service",scope="repository:team/base:pull"', "Bearer abc"
    )


@pytest.mark.parametrize("login", [None, ME], ids=["nobody", "me"])
def test_a_token_is_fetched_where_the_registry_says(world: World, login: Login | None) -> None:
    tokens = world.serve(tokens_for(BASIC if login else None))
    repository, server = world.repository(bearer(world, tokens), login)
    repository.manifest("1")

    (asked,) = tokens.asked
    assert parse_qs(urlsplit(asked.path).query) == {
        "a": ["b"],
        "service": ["the service"],
        "scope": ["repository:team/base:pull"],
    }
    assert asked.headers.get("authorization") == (BASIC if login else None)
    assert [request.headers.get("authorization") for request in server.asked] == [None, "Bearer abc"]


def test_a_token_that_has_grown_old_is_fetched_again(world: World) -> None:
    tokens = world.serve(tokens_for(None))
    repository, server = world.repository(bearer(world, tokens))
    repository._authorization = "Bearer old"
    repository.manifest("1")

    assert [request.headers.get("authorization") for request in server.asked] == ["Bearer old", "Bearer abc"]


def test_an_identity_token_is_exchanged_and_never_in_a_url(world: World) -> None:
    tokens = world.serve(tokens_for(None, token="", access_token="abc"))
    repository, _ = world.repository(bearer(world, tokens), Login("", "", "secret token", "config.json"))
    repository.manifest("1")

    (asked,) = tokens.asked
    assert "secret" not in asked.path
    assert parse_qs(asked.body.decode()) == {
        "service": ["the service"],
        "scope": ["repository:team/base:pull"],
        "grant_type": ["refresh_token"],
        "client_id": ["reprobuild"],
        "refresh_token": ["secret token"],
    }


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply(500), ToolError, "answered 500"),
        (Reply(302, headers={"Location": "http://127.0.0.1:9/"}), ToolError, "answered 302"),
        (Reply(200, b"nonsense"), InputError, "not strict JSON"),
        (Reply(200, b"{}"), InputError, "holds no token"),
        (Reply(200, b"[]"), InputError, "holds no token"),
        (Reply(200, b'{"token": "a\\r\\nb"}'), InputError, "holds no token"),
        (Reply(200, b"x" * ((1 << 20) + 1)), ToolError, "more than 1048576 bytes"),
    ],
    ids=range(7),
)
def test_a_token_server_that_answers_nonsense_is_named(
    world: World, reply: Reply, kind: type[ReprobuildError], said: str
) -> None:
    tokens = world.serve(lambda _: reply)
    repository, _ = world.repository(bearer(world, tokens), ME)

    assert said in str(refused(repository, kind))
    assert len(tokens.asked) == 1


@pytest.mark.parametrize("realm", ["ftp://a/t", "file:///etc/passwd", "", "/t", "http:///t"])
def test_a_login_is_sent_to_no_place_that_is_not_safe(world: World, realm: str) -> None:
    repository, server = world.repository(wanting(f'Bearer realm="{realm}"', "x"), ME)

    assert refused(repository)
    assert [request.headers.get("authorization") for request in server.asked] == [None]


def test_a_way_to_log_in_that_is_not_known_is_named(world: World) -> None:
    repository, _ = world.repository(wanting('Negotiate abc==, NTLM x="y"', "x"), ME)

    assert "negotiate" in str(refused(repository))


def test_a_login_never_follows_a_redirect(world: World) -> None:
    other = world.serve(good)
    elsewhere = {"Location": f"http://localhost:{other.port}/moved?secret=1"}
    repository, server = world.repository(wanting("Basic", BASIC, lambda _: Reply(307, headers=elsewhere)), ME)

    assert repository.manifest("1").data == IMAGE.manifest
    assert server.asked[-1].headers["authorization"] == BASIC
    assert [request.path for request in other.asked] == ["/moved?secret=1"]
    assert "authorization" not in other.asked[0].headers


def test_another_port_is_another_host_and_the_way_back_brings_no_login(world: World) -> None:
    places: list[str] = []
    other = world.serve(lambda _: Reply(302, headers={"Location": places[0] + "/back"}))

    def answer(request: Request) -> Reply:
        return good(request) if request.path == "/back" else Reply(302, headers={"Location": other.url + "/a"})

    repository, server = world.repository(wanting("Basic", BASIC, answer), ME)
    places.append(server.url)
    error = refused(repository)

    assert "answered 401" in str(error)
    assert "authorization" not in other.asked[0].headers
    assert server.asked[-1].path == "/back"
    assert "authorization" not in server.asked[-1].headers


def test_a_redirect_on_the_same_host_keeps_the_login(world: World) -> None:
    def answer(request: Request) -> Reply:
        return good(request) if request.path == "/moved" else Reply(301, headers={"Location": "/moved"})

    repository, server = world.repository(wanting("Basic", BASIC, answer), ME)
    repository.manifest("1")

    assert server.asked[-1].headers["authorization"] == BASIC


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://mirror.example/a", "gopher://x/a"])
def test_a_redirect_to_no_web_server_is_refused(world: World, target: str) -> None:
    repository, _ = world.repository(lambda _: Reply(302, headers={"Location": target}))

    assert "no safe place" in str(refused(repository))


def test_redirects_in_a_circle_end(world: World) -> None:
    repository, server = world.repository(lambda request: Reply(302, headers={"Location": request.path}))

    assert "redirects" in str(refused(repository))
    assert len(server.asked) < 10


@pytest.mark.parametrize(
    ("told", "waits"),
    [({"Retry-After": "7"}, [7.0, 7.0]), ({}, [2.0, 4.0]), ({"Retry-After": "nonsense"}, [2.0, 4.0])],
    ids=["told", "untold", "nonsense"],
)
def test_a_registry_that_is_busy_is_left_alone_for_a_while(
    world: World, told: dict[str, str], waits: list[float]
) -> None:
    repository, _ = world.repository(after(2, Reply(429, headers=told)))

    assert repository.manifest("1").data == IMAGE.manifest
    assert world.waited == waits


def test_a_date_until_which_to_wait_is_understood(world: World) -> None:

    repository, _ = world.repository(
        after(1, Reply(429, headers={"Retry-After": formatdate(time.time() + 9, usegmt=True)}))
    )
    repository.manifest("1")

    assert 5 < world.waited[0] <= 9


@pytest.mark.parametrize(
    ("status", "headers", "asked", "said", "hint"),
    [
        (429, {}, TRIES, "answered 429: too many requests", "try again later"),
        (429, {"Retry-After": "3600"}, 1, "answered 429: too many requests", "left alone for 3600 s"),
        (429, {"Retry-After": str(int(LONGEST_WAIT))}, TRIES, "answered 429", "left alone for 30 s"),
        (500, {}, TRIES, f"answered 500, {TRIES} times", "try again later"),
        (503, {}, TRIES, f"answered 503, {TRIES} times", "try again later"),
        (501, {}, 1, "answered 501", "try again later"),
        (418, {}, 1, "answered 418", "try again later"),
    ],
)
def test_a_registry_that_stays_unwell_is_given_up_in_one_line(
    world: World, status: int, headers: dict[str, str], asked: int, said: str, hint: str
) -> None:
    repository, server = world.repository(lambda _: Reply(status, headers=headers))
    error = refused(repository)

    assert said in str(error)
    assert hint in error.hint
    assert len(server.asked) == asked
    assert sum(world.waited) <= TRIES * LONGEST_WAIT


def test_a_server_that_recovers_is_no_failure(world: World) -> None:
    repository, _ = world.repository(after(TRIES - 1, Reply(502)))

    assert repository.manifest("1").data == IMAGE.manifest


def test_what_is_not_there_is_missing(world: World) -> None:
    repository, _ = world.repository(lambda _: Reply(404))

    with pytest.raises(MissingError, match=r"manifests/1: not found \(404\)"):
        repository.manifest("1")


def test_another_manifest_than_the_one_asked_for_is_refused(world: World) -> None:
    repository, _ = world.repository(good)

    with pytest.raises(InputError, match="asked for the manifest 000000000000, and its bytes have the digest"):
        repository.manifest("1", sha256="0" * 64)


def test_a_digest_that_the_registry_tells_wrongly_is_refused(world: World) -> None:
    told = {**MEDIA, "Docker-Content-Digest": f"sha256:{'1' * 64}"}
    repository, _ = world.repository(lambda _: Reply(200, IMAGE.manifest, told))

    assert "says 111111111111 and sends" in str(refused(repository, InputError))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"x" * (MAX_DOCUMENT + 1)),
        Reply(200, b"x" * (MAX_DOCUMENT + 1), {"Content-Length": str(1 << 50)}),
        Reply(200, b"x" * 100, cut=10),
        Reply(200, b"x" * 100, cut=10, stall=True),
        Reply(200, b"", {"Content-Length": "nonsense"}),
    ],
    ids=["large", "endless", "cut", "stalled", "nonsense"],
)
def test_a_manifest_that_never_ends_or_ends_early_is_one_line(world: World, reply: Reply) -> None:
    repository, _ = world.repository(lambda _: reply)

    assert refused(repository)


def test_a_document_that_comes_a_byte_at_a_time_is_not_waited_for() -> None:
    def drop_by_drop() -> Iterator[bytes]:
        while True:
            time.sleep(0.01)
            yield b" "

    answer = httpx.Response(200, content=drop_by_drop(), request=httpx.Request("GET", "http://registry.example/x"))
    with pytest.raises(ToolError, match=r"not all of it came within 0\.05 s"):
        read_raw(answer, 1 << 20, slowest=0.05)


def test_a_body_is_never_unpacked_on_the_way(world: World) -> None:
    packed = gzip.compress(b"x" * 1000)
    repository, server = world.repository(lambda _: Reply(200, packed, {**MEDIA, "Content-Encoding": "gzip"}))

    assert repository.manifest("1").data == packed
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_nobody_listening_is_one_line(world: World) -> None:
    repository, _ = world.repository(good)
    world.stack.pop_all().close()
    there = Repository(repository.url.partition("/v2/")[0], "a", open_client(timeout=0.5, follow_redirects=False))

    assert "is it up?" in refused(there).hint


BODY = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(BODY).hexdigest()


def fetch(repository: Repository, folder: Path, size: int | None = len(BODY)) -> bytes:
    place = repository.blob_url(SHA256)
    return download("layer", [place], SHA256, size, fetch=repository, store=Store(folder)).read_bytes()


def test_a_blob_is_resumed_where_it_broke_with_a_login_for_the_registry_alone(world: World, tmp_path: Path) -> None:
    def stored(request: Request) -> Reply:
        reply = whole(BODY)(request)
        return reply if request.offset else Reply(reply.status, reply.body, reply.headers, cut=300_000)

    storage = world.serve(stored)
    moved = {"Location": f"{storage.url}/signed?key=secret"}
    repository, server = world.repository(wanting("Basic", BASIC, lambda _: Reply(307, headers=moved)), ME)

    assert fetch(repository, tmp_path) == BODY
    assert [request.offset for request in storage.asked] == [0, 300_000]
    assert all("authorization" not in request.headers for request in storage.asked)
    assert server.asked[-1].path == f"/v2/team/base/blobs/{digest(BODY)}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"x" * len(BODY), "sends sha256 "),
        (BODY + b"x", f"sends more than {len(BODY)} bytes"),
        (BODY[:-1], f"ended after {len(BODY) - 1} of {len(BODY)} bytes"),
    ],
    ids=["other", "more", "less"],
)
def test_a_blob_of_other_bytes_or_size_is_refused(world: World, tmp_path: Path, body: bytes, said: str) -> None:
    repository, _ = world.repository(whole(body))

    with pytest.raises(InputError, match=said):
        fetch(repository, tmp_path)
    assert not Store(tmp_path).has(SHA256)


def test_a_storage_that_wants_a_login_of_its_own_gets_none(world: World, tmp_path: Path) -> None:
    storage = world.serve(wanting("Basic", BASIC))
    moved = {"Location": f"{storage.url}/signed?key=secret"}
    repository, _ = world.repository(lambda _: Reply(307, headers=moved), ME)

    with pytest.raises(ToolError, match="answered 401") as caught:
        fetch(repository, tmp_path)
    assert "secret" not in str(caught.value)
    assert world.asked_for == []


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            ['Bearer realm="https://a/t",service="s,x",scope="r:a:pull,push"'],
            [("bearer", "https://a/t", "s,x", "r:a:pull,push")],
        ),
        (["Basic realm=simple"], [("basic", "simple", "", "")]),
        (["Basic"], [("basic", "", "", "")]),
        (['Basic realm="a", Bearer realm="b"'], [("basic", "a", "", ""), ("bearer", "b", "", "")]),
        (['basic realm="a"', 'BEARER Realm = "b" , scope=x'], [("basic", "a", "", ""), ("bearer", "b", "", "x")]),
        ([""], []),
        (["", "=,=,,,"], []),
    ],
    ids=range(7),
)
def test_challenges_are_read_as_servers_spell_them(headers: list[str], found: list[tuple[str, ...]]) -> None:
    assert parse_challenges(headers) == [Challenge(*each) for each in found]
