import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from builders.faults import Reply, Request, answering, whole

from reprobuild.ground.errors import InputError, ReprobuildError, ToolError
from reprobuild.tools.download import TRIES, download
from reprobuild.tools.fetch import HttpFetcher, MissingError
from reprobuild.tools.store import Store

BODY = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(BODY).hexdigest()
Answer = Callable[[Request], Reply]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def get(store: Store) -> Iterator[Callable[..., bytes]]:
    """Downloads from servers that answer so; what was advanced is in `get.told`."""
    with ExitStack() as stack, closing(HttpFetcher(timeout=0.5)) as fetch:

        def run(*answers: Answer, size: int | None = len(BODY), advance: Callable[[int], object] = id) -> bytes:
            servers = [stack.enter_context(answering(answer)) for answer in answers]
            urls = [f"http://user:secret@127.0.0.1:{server.port}/file" for server in servers]
            return download("file.whl", urls, SHA256, size, fetch=fetch, store=store, advance=advance).read_bytes()

        yield run


def partial(store: Store) -> Path:
    return store.root / "tmp" / "partial" / SHA256


def once(*replies: Reply | Answer) -> Answer:
    """One answer after another, the last of them for ever."""
    left = list(replies)

    def answer(request: Request) -> Reply:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if isinstance(reply, Reply) else reply(request)

    return answer


def test_a_download_gets_its_name_and_leaves_nothing_unfinished(store: Store, get: Callable[..., bytes]) -> None:
    told: list[int] = []

    assert get(whole(BODY), advance=told.append) == BODY
    assert sum(told) == len(BODY)
    assert not partial(store).exists()
    assert store.has(SHA256)


def test_what_is_in_the_store_is_not_asked_for(store: Store, get: Callable[..., bytes]) -> None:
    store.add_bytes(BODY)

    assert get() == BODY


@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_connection_that_breaks_is_taken_up_where_it_broke(get: Callable[..., bytes], size: int | None) -> None:
    asked: list[int] = []

    def answer(request: Request) -> Reply:
        asked.append(request.offset)
        reply = whole(BODY)(request)
        return reply if len(asked) > 2 else Reply(reply.status, reply.body, reply.headers, cut=300_000)

    assert get(answer, size=size) == BODY
    assert asked == [0, 300_000, 600_000]


def test_a_server_that_always_breaks_off_is_given_up(store: Store, get: Callable[..., bytes]) -> None:
    asked: list[int] = []

    def answer(request: Request) -> Reply:
        asked.append(request.offset)
        reply = whole(BODY)(request)
        return Reply(reply.status, reply.body, reply.headers, cut=10)

    with pytest.raises(ReprobuildError):
        get(answer)
    assert len(asked) == TRIES
    assert partial(store).stat().st_size == 10 * TRIES
    assert get(whole(BODY)) == BODY


def test_a_server_that_stalls_is_left_for_the_next(get: Callable[..., bytes]) -> None:
    assert get(lambda _: Reply(200, BODY, cut=0, stall=True), whole(BODY)) == BODY


def test_a_server_that_stalls_alone_is_told_in_one_line(store: Store, get: Callable[..., bytes]) -> None:
    with pytest.raises(ToolError, match="timed out") as caught:
        get(lambda _: Reply(200, BODY, cut=0, stall=True))

    assert "secret" not in str(caught.value)
    assert not store.has(SHA256)


def test_a_server_without_ranges_sends_everything_again(store: Store, get: Callable[..., bytes]) -> None:
    partial(store).parent.mkdir(parents=True)
    partial(store).write_bytes(BODY[:1000])

    assert get(lambda _: Reply(200, BODY)) == BODY


@pytest.mark.parametrize("left", [b"other bytes", BODY + b"more", b"x" * len(BODY)], ids=["begin", "more", "all"])
def test_an_unfinished_file_of_other_bytes_spoils_nothing(store: Store, get: Callable[..., bytes], left: bytes) -> None:
    partial(store).parent.mkdir(parents=True)
    partial(store).write_bytes(left)

    assert get(whole(BODY)) == BODY


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"x" * len(BODY), "sends sha256 "),
        (BODY + b"x", f"sends more than {len(BODY)} bytes"),
        (BODY[:-1], f"ended after {len(BODY) - 1} of {len(BODY)} bytes"),
        (b"", f"ended after 0 of {len(BODY)} bytes"),
    ],
    ids=["other", "more", "less", "nothing"],
)
def test_other_bytes_are_refused_by_name_and_get_none(
    store: Store, get: Callable[..., bytes], body: bytes, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        get(whole(body))

    assert str(caught.value).startswith("file.whl: http://127.0.0.1")
    assert said in str(caught.value)
    assert caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint
    assert not store.has(SHA256)
    assert get(whole(BODY)) == BODY


@pytest.mark.parametrize("first", [Reply(404), Reply(500), Reply(403), Reply(200, b"x" * len(BODY)), Reply(200, b"")])
def test_the_next_source_is_asked_when_the_first_fails(get: Callable[..., bytes], first: Reply) -> None:
    assert get(lambda _: first, whole(BODY)) == BODY


def test_a_file_that_nobody_has_is_missing(get: Callable[..., bytes]) -> None:
    with pytest.raises(MissingError):
        get(lambda _: Reply(404), lambda _: Reply(410))
    with pytest.raises(MissingError, match=r"file\.whl: no source has it"):
        get()


def test_many_at_once_ask_once(store: Store) -> None:
    found: list[bytes] = []
    with answering(whole(BODY)) as server, closing(HttpFetcher(timeout=5)) as fetch:

        def work() -> None:
            place = download("file.whl", [f"{server.url}/f"], SHA256, len(BODY), fetch=fetch, store=store)
            found.append(place.read_bytes())

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [BODY] * 6
    assert len(server.asked) == 1


SCRIPT = """
import sys
from pathlib import Path
from reprobuild.tools.download import download
from reprobuild.tools.fetch import HttpFetcher
from reprobuild.tools.store import Store
download("file.whl", [sys.argv[1]], sys.argv[2], None, fetch=HttpFetcher(), store=Store(Path(sys.argv[3])))
"""


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_download_has_no_name_and_is_resumed(
    store: Store, get: Callable[..., bytes], name: signal.Signals
) -> None:
    reached = threading.Event()

    def answer(request: Request) -> Reply:
        reached.set()
        return Reply(200, BODY, cut=500_000, stall=True)

    with answering(answer) as server:
        argv = [sys.executable, "-c", SCRIPT, f"{server.url}/f", SHA256, str(store.root)]
        process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        assert reached.wait(30)
        while not partial(store).exists() or not partial(store).stat().st_size:
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, name)
        process.wait(30)

    assert not store.has(SHA256)
    begins: list[int] = []

    def resume(request: Request) -> Reply:
        begins.append(request.offset)
        return whole(BODY)(request)

    assert get(resume) == BODY
    assert begins[0] > 0


def test_a_full_disk_is_told_as_one(store: Store, get: Callable[..., bytes]) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            get(whole(BODY))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert not store.has(SHA256)
    assert get(whole(BODY)) == BODY
