"""What is recorded comes back, whoever reads it and whenever."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator.core.messages import Exchange, Finding, Peer, Request, Response, Tls
from simulator.core.settings import ConfigurationError
from simulator.core.state import State
from simulator.store.opening import open_journal, open_store
from simulator.store.protocols import Journal, Store
from simulator.store.records import row_of
from simulator.store.sqlite.store import SqliteStore
from tests.store.conftest import exchange


def test_an_exchange_comes_back_as_it_was(store: Store, journal: Journal) -> None:
    finding = Finding("field-unknown", "body", "/x", "why", refused=True, versions="2+", docs="d")
    sent = exchange(findings=[finding], version_sent="7", version=7, error="E", client="dep:a")
    with store.transaction() as state:
        state.record(sent)

    assert journal.get(1) == sent
    assert journal.get(2) is None


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param({}, [1, 2, 3, 4], id="all"),
        pytest.param({"operation": "dep.fetch"}, [2], id="operation"),
        pytest.param({"status": "404"}, [3], id="status"),
        pytest.param({"error": "INVALID_CURSOR"}, [2], id="error"),
        pytest.param({"finding": "field-unknown"}, [3], id="finding"),
        pytest.param({"finding": "field"}, [], id="part-of-a-finding"),
        pytest.param({"organisation": "other"}, [4], id="organisation"),
        pytest.param({"service": "dep", "q": "DEVICES"}, [2], id="text"),
        pytest.param({"q": "get /x"}, [3], id="method-and-target"),
        pytest.param({"q": "É"}, [4], id="text-beyond-ascii"),
        pytest.param({"q": "%"}, [], id="no-wildcards"),
    ],
)
def test_exchanges_are_found_by_what_they_are(
    store: Store, journal: Journal, match: dict[str, str], expected: list[int]
) -> None:
    finding = Finding("field-unknown", "body", "/x", "why")
    with store.transaction() as state:
        state.record(exchange())
        state.record(exchange("/server/devices", operation="dep.fetch", error="INVALID_CURSOR"))
        state.record(exchange("/x", response=Response(404), findings=[finding]))
        state.record(exchange(organisation="other", route="GET /É"))

    assert [one.seq for one in journal.read(match=match)] == expected
    assert journal.count(match) == len(expected)
    assert [one.seq for one in journal.read(2, 1)] == [3]
    assert journal.last() == 4


def test_a_filter_that_does_not_exist_is_refused(store: Store, journal: Journal) -> None:
    with pytest.raises(ValueError, match="cannot be matched by colour"):
        journal.read(match={"colour": "blue"})


def test_the_journal_shows_what_is_committed_only(store: Store, journal: Journal) -> None:
    with ThreadPoolExecutor(1) as reader:

        def ask_and_fail(state: State) -> None:
            state.record(exchange())
            asked.append(reader.submit(journal.last))
            raise LookupError

        asked: list[Future[int]] = []
        with pytest.raises(LookupError), store.transaction() as opened:
            ask_and_fail(opened)

        assert asked[0].result() == 0


def test_exchanges_of_several_threads_are_numbered_without_gaps(
    store: Store, journal: Journal
) -> None:
    def add(_: int) -> int:
        with store.transaction() as state:
            state.put("thing", str(state.reserve("n")), {})
            return state.record(exchange())

    with ThreadPoolExecutor(4) as threads:
        numbers = list(threads.map(add, range(40)))

    with store.transaction() as state:
        assert state.count("thing") == 40
    assert sorted(numbers) == [one.seq for one in journal.read()] == list(range(1, 41))


def test_wiping_all_leaves_the_journal(store: Store, journal: Journal) -> None:
    with store.transaction() as state:
        state.put("thing", "a", {})
        state.of("elsewhere").put("thing", "b", {})
        state.record(exchange())
        state.wipe()

        assert state.get("thing", "a") is None
        assert state.count("thing") == state.of("elsewhere").count("thing") == 0
    assert journal.last() == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(0, 2**31)
FLAGS = st.booleans()
BYTES = st.binary(max_size=50)
HEADERS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
REQUESTS = st.builds(
    Request,
    method=TEXT,
    target=TEXT,
    headers=HEADERS,
    body=BYTES,
    scheme=TEXT,
    peer=st.builds(
        Peer,
        address=TEXT,
        port=NUMBERS,
        connection=NUMBERS,
        tls=st.none() | st.builds(Tls, TEXT, TEXT, TEXT, TEXT, BYTES),
    ),
    http=TEXT,
    problem=TEXT,
    problem_about=TEXT,
)
EXCHANGES = st.builds(
    Exchange,
    at_ms=NUMBERS,
    request=REQUESTS,
    organisation=TEXT,
    client=TEXT,
    service=TEXT,
    operation=TEXT,
    route=TEXT,
    version_sent=st.none() | TEXT,
    version=NUMBERS,
    findings=st.lists(
        st.builds(Finding, TEXT, TEXT, TEXT, TEXT, refused=FLAGS, versions=TEXT, docs=TEXT),
        max_size=2,
    ),
    error=TEXT,
    response=st.builds(Response, NUMBERS, HEADERS, BYTES, FLAGS),
)


@settings(max_examples=60, deadline=None)
@given(recorded=st.lists(EXCHANGES, min_size=1, max_size=3))
def test_every_field_of_every_exchange_comes_back(recorded: list[Exchange]) -> None:
    with closing(open_store(None)) as store:
        with store.transaction() as state:
            numbers = [state.record(one) for one in recorded]

        assert store.journal().read() == recorded
        assert numbers == list(range(1, len(recorded) + 1))


def test_what_has_its_default_takes_no_room() -> None:
    plain = Exchange(1, Request("GET", "/", (), b"", "https", Peer("::1", 1, 1)))

    record = msgspec.msgpack.decode(row_of(plain)[-1])

    assert record == {
        "at_ms": 1,
        "request": {
            "method": "GET",
            "target": "/",
            "headers": [],
            "body": b"",
            "scheme": "https",
            "peer": {"address": "::1", "port": 1, "connection": 1},
        },
        "response": {"status": 500},
    }


def test_records_that_name_every_default_are_read(store: Store, journal: Journal) -> None:
    push = Exchange(
        1,
        Request("POST", "/3/device/a", (("a", "b"),), b"{}", "https", Peer("::1", 1, 1), "2"),
        1,
        organisation="demo",
        service="apns",
        operation="apns.push",
        route="POST /3/device/{token}",
        response=Response(200, (("apns-id", "a"),), streams=1000),
    )
    peer = {"address": "::1", "port": 1, "connection": 1, "tls": None, "first": True}
    request = {
        "method": "POST",
        "target": "/3/device/a",
        "headers": [["a", "b"]],
        "body": b"{}",
        "scheme": "https",
        "peer": peer | {"settings": "", "others": 0},
        "http": "2",
        "problem": "",
        "problem_about": "",
    }
    response = {
        "status": 200,
        "headers": [["apns-id", "a"]],
        "body": b"",
        "close": False,
        "goaway": None,
        "streams": 1000,
        "silent": False,
        "wakes": "",
        "delivery": None,
    }
    record = {
        "at_ms": 1,
        "request": request,
        "seq": 1,
        "organisation": "demo",
        "client": "",
        "service": "apns",
        "operation": "apns.push",
        "route": "POST /3/device/{token}",
        "version_sent": None,
        "version": 0,
        "findings": [],
        "error": "",
        "session": "",
        "faults": [],
        "response": response,
    }
    with store.transaction() as state:
        state.record(push)
    whole = msgspec.msgpack.encode(record)
    cast("SqliteStore", store)._connection.execute("UPDATE exchange SET record = ?", (whole,))

    assert journal.get(1) == push


def test_half_a_surrogate_pair_is_written_out(store: Store, journal: Journal) -> None:
    odd = exchange("/\udc80", client="\ud800", findings=[Finding("a", "b", "\udfff", "d")])

    with store.transaction() as state:
        state.record(odd)

    kept = journal.get(1)
    assert kept is not None
    assert (kept.request.target, kept.client) == ("/\\udc80", "\\ud800")
    assert kept.findings[0].at == "\\udfff"
    assert kept.request == replace(odd.request, target="/\\udc80")
    assert kept.response == odd.response


def test_two_readers_follow_a_writer(path: Path) -> None:
    store = open_store(path)
    total = 200

    def follow(journal: Journal) -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            seen += [one.seq for one in journal.read(len(seen), 50)]
        journal.close()
        return seen

    with ThreadPoolExecutor(2) as readers:
        following = [readers.submit(follow, open_journal(path)) for _ in range(2)]
        for _ in range(total // 2):
            with store.transaction() as state:
                state.record(exchange())
                state.record(exchange())

        assert [one.result() for one in following] == [list(range(1, total + 1))] * 2
    store.close()


def test_a_reader_of_a_file_closes_its_own_connection_only(store: Store, journal: Journal) -> None:
    store.journal().close()

    with store.transaction() as state:
        state.record(exchange())

    assert journal.last() == 1


WRITER = """
import sys
from pathlib import Path
from simulator.core.messages import Exchange, Peer, Request
from simulator.store.opening import open_store
from simulator.store.protocols import Journal, Store
store = open_store(Path(sys.argv[1]))
request = Request("GET", "/", (), b"x" * 500, "http", Peer("127.0.0.1", 1, 1))
while True:
    with store.transaction() as state:
        for _ in range(20):
            seq = state.record(Exchange(0, request))
            state.put("count", "n", {"n": seq})
            state.reserve("n")
    print(seq, flush=True)
"""


def killed(path: Path) -> int:
    """Let a writer work until it is killed, and return what it had answered."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        answered = [int(one.stdout.readline()) for _ in range(25)]
        os.kill(one.pid, signal.SIGKILL)
    return answered[-1]


def test_a_killed_writer_loses_nothing_that_it_answered(path: Path) -> None:
    answered = killed(path)

    journal = open_journal(path)
    numbers = [one.seq for one in journal.read(limit=1_000_000)]
    journal.close()
    store = open_store(path)
    with store.transaction() as state:
        counted = state.get("count", "n")
        reserved = state.reserve("n")
        following = state.record(exchange())
    store.close()

    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= answered
    assert counted is not None
    assert counted.body["n"] == len(numbers)
    assert (reserved, following) == (len(numbers) + 1, len(numbers) + 1)


def nothing(path: Path) -> None:
    """Leave the place as it is."""


def rubbish(path: Path) -> None:
    path.write_bytes(b"no database, whatever its name says" * 100)


def test_a_journal_in_memory_is_read_by_its_control_api() -> None:
    with pytest.raises(ConfigurationError, match="give --url") as refused:
        open_journal(Path(":memory:", "mdmsim.db"))

    assert "mdmsim serve" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(nothing, "there is no journal at .*: run mdmsim serve", id="missing"),
        pytest.param(rubbish, "is no SQLite database", id="rubbish"),
        pytest.param(Path.touch, "is empty: restore it", id="empty"),
        pytest.param(Path.mkdir, "cannot be opened", id="directory"),
    ],
)
def test_a_journal_that_is_not_there_is_not_made(
    path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(ConfigurationError, match=message):
        open_journal(path)

    assert (path.read_bytes() if path.is_file() else None) == before
