"""What a database that several replicas share can do, or can suffer."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from queue import Queue
from typing import Any

import psycopg
import pytest

from simulator.core.messages import Exchange
from simulator.core.settings import ConfigurationError
from simulator.core.state import Entity, State, StoreAdmin
from simulator.journal.chain import Chain
from simulator.store.errors import StoreError
from simulator.store.opening import is_url, open_journal, open_store
from simulator.store.postgres import readers, store
from simulator.store.postgres.connection import numbered
from simulator.store.postgres.store import PostgresStore
from simulator.store.protocols import Store
from tests.postgres import PASSWORD, PostgresServer, program
from tests.store.conftest import exchange


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new()


@pytest.fixture
def replicas(url: str) -> Iterator[list[Store]]:
    with ExitStack() as stack:
        opened = [open_store(url) for _ in range(3)]
        for one in opened:
            stack.callback(one.close)
        yield opened


def read(store: Store, key: str = "a") -> int | None:
    with store.transaction() as state:
        found = state.get("thing", key)
    return found.body["n"] if found else None


def write(store: Store, number: int, key: str = "a") -> None:
    with store.transaction() as state:
        state.put("thing", key, {"n": number}, {"n": str(number)})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda state: state.put("thing", "a", {"n": 2}), 2, id="put"),
        pytest.param(lambda state: state.put_many("thing", [("a", {"n": 2}, {})]), 2, id="many"),
        pytest.param(lambda state: state.delete("thing", "a"), None, id="delete"),
        pytest.param(lambda state: state.delete_many("thing", ["a"]), None, id="delete-many"),
        pytest.param(lambda state: state.wipe(), None, id="wipe"),
        pytest.param(lambda state: state.wipe(""), None, id="wipe-one"),
        pytest.param(lambda state: state.reset(), 0, id="reset"),
    ],
)
def test_what_one_changes_no_other_remembers(
    replicas: list[Store], change: Callable[[StoreAdmin], object], expected: int | None
) -> None:
    one, other, third = replicas
    write(one, 0)
    with one.transaction() as state:
        state.set_baseline()
    write(one, 1)
    assert [read(each) for each in replicas] == [1, 1, 1]

    with other.transaction() as state:
        change(state)

    assert [read(each) for each in (one, third, other)] == [expected] * 3


def test_what_was_not_there_is_found_once_another_has_put_it(replicas: list[Store]) -> None:
    one, other, _ = replicas
    assert read(one) is None

    write(other, 1)

    assert read(one) == 1


def test_what_nobody_else_changed_is_remembered(replicas: list[Store]) -> None:
    one, other, _ = replicas
    write(one, 1, "kept")
    write(one, 1, "changed")
    assert (read(one, "kept"), read(one, "changed")) == (1, 1)

    write(other, 2, "changed")

    assert read(one, "changed") == 2
    assert isinstance(one, PostgresStore)
    assert isinstance(one._cache["", "thing", "kept"], Entity)


def test_more_changes_than_are_remembered_drop_all(
    replicas: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CACHED", 3)
    one, other, _ = replicas
    for key in "abcd":
        write(one, 1, key)
    with other.transaction() as state:
        state.put_many("thing", ((key, {"n": 2}, None) for key in "abcd"))

    assert [read(one, key) for key in "abcd"] == [2, 2, 2, 2]


class Learning:
    """What a store shows of entities with secrets."""

    kinds = frozenset({"secret"})

    def __init__(self) -> None:
        self.learnt: list[Any] = []

    def learn(self, kind: str, key: str, body: Mapping[str, Any]) -> None:
        self.learnt.append((kind, key, body))

    def cleaned(
        self, exchanges: Sequence[Exchange], records: Sequence[bytes]
    ) -> dict[int, Exchange]:
        assert len(exchanges) == len(records)
        return {}


def test_others_serve_the_state_that_one_has_put_in_its_place(
    url: str, replicas: list[Store]
) -> None:
    one, guard = replicas[0], Learning()
    write(one, 1)
    with one.transaction() as state:
        number = state.begin_staging()
        with state.staged(number) as made:
            made.put("thing", "a", {"n": 2})
            made.put("secret", "new", {"n": 3})
    with closing(open_store(url, guard=guard)) as other:
        write(other, 1, "meanwhile")
        assert (read(other), guard.learnt) == (1, [])
        with one.transaction() as state:
            state.take_staged(number)

        assert [read(each) for each in (other, replicas[2])] == [2, 2]
        assert read(other, "meanwhile") is None
        assert guard.learnt == [("secret", "new", {"n": 3})]


def test_numbers_are_given_out_once(replicas: list[Store]) -> None:
    taken = []
    for each in (*replicas, *replicas):
        with each.transaction() as state:
            taken.append(state.reserve("n"))

    assert taken == [1, 2, 3, 4, 5, 6]
    assert len({each.replica for each in replicas if isinstance(each, PostgresStore)}) == 3


def test_all_write_one_journal_without_gaps(url: str, replicas: list[Store]) -> None:
    """Each takes from one purse as long as there is something in it; all are asked at once."""
    with replicas[0].transaction() as state:
        state.put("purse", "a", {"left": 40})
    start = threading.Barrier(3)

    def take(each: Store) -> int:
        start.wait(10)
        taken = 0
        for number in range(30):
            with suppress(LookupError), each.transaction() as state:
                purse = state.get("purse", "a")
                assert purse is not None
                if purse.body["left"]:
                    state.put("purse", "a", {"left": purse.body["left"] - 1})
                    taken += 1
                state.record(exchange(f"/{number}"))
                if number % 10 == 9:
                    taken -= purse.body["left"] > 0
                    raise LookupError
        return taken

    with ThreadPoolExecutor(3) as pool:
        taken = list(pool.map(take, replicas))

    assert sum(taken) == 40
    with closing(open_journal(url)) as journal:
        assert [one.seq for one in journal.read(0, 1000)] == list(range(1, 82))
        chain = Chain()
        assert sum(len(batch) for batch in journal.walk(chain)) == 81
        assert journal.evidence(chain).complete


def test_a_reader_keeps_nobody_waiting_and_sees_one_moment(replicas: list[Store]) -> None:
    one, other, _ = replicas
    write(one, 1)
    with closing(one.journal()) as journal, journal.at_one_moment() as now:
        before = (now.last(), now.revision(), list(now.scan("thing")))
        with other.transaction() as state:
            state.put("thing", "b", {})
            state.record(exchange())
        assert (now.last(), now.revision(), list(now.scan("thing"))) == before
        assert (journal.last(), journal.revision()) == (1, 2)


@pytest.mark.parametrize("odd", ["", "two words", "å", "x" * 9000], ids=["", "two", "å", "long"])
def test_others_are_told_of_each_topic_however_many(replicas: list[Store], odd: str) -> None:
    """Who waits for anything else sleeps on: of device streams there may be thousands."""
    one, other, _ = replicas
    heard: Queue[list[str] | None] = Queue()
    topics = {f"{number:064x}" for number in range(300)}
    assert isinstance(other, PostgresStore)
    listening = threading.Thread(target=other.peers.listen, args=(heard.put,))
    listening.start()
    try:
        assert heard.get(timeout=10) is None  # what came before it listened

        with one.transaction() as state:
            state.put("thing", "a", {})
            state.announce(topics | ({odd} if odd else set()))

        told = heard.get(timeout=10)
        if odd:
            assert told is None
        else:
            assert told is not None
            while len(told) < len(topics):
                told += heard.get(timeout=10) or ()
            assert sorted(told) == sorted(topics)
    finally:
        other.peers.close()
        listening.join(10)


class Relay:
    """Stands between a store and the server, and cuts the connection at the next commit."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = f"postgresql://owner:{PASSWORD}@127.0.0.1:{port}/{database}?sslmode=disable"
        self.cut = ""
        """``before`` or ``after`` the server hears of the commit."""
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._threads.append(threading.Thread(target=self._relay, args=(client,)))
                self._threads[-1].start()

    def _relay(self, client: socket.socket) -> None:
        address = ("127.0.0.1", self._server.port)
        with client, socket.create_connection(address) as server:
            back = threading.Thread(target=self._copy, args=(server, client))
            back.start()
            while data := client.recv(65536):
                if self.cut and b"COMMIT\0" in data:
                    how, self.cut = self.cut, ""
                    client.shutdown(socket.SHUT_WR)
                    if how == "after":
                        server.sendall(data)
                        server.shutdown(socket.SHUT_WR)
                        back.join(10)
                    break
                server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(10)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in (self._accepting, *self._threads):
            thread.join(10)


@contextmanager
def relayed(server: PostgresServer, database: str) -> Iterator[tuple[Relay, PostgresStore]]:
    server.run(f"CREATE DATABASE {database}")
    relay = Relay(server, database)
    try:
        with closing(PostgresStore(relay.url)) as opened:
            yield relay, opened
    finally:
        relay.close()


def test_a_commit_whose_end_nobody_heard_is_one(postgres: PostgresServer) -> None:
    with relayed(postgres, "cut_after") as (relay, opened):
        relay.cut = "after"
        with opened.transaction() as state:
            state.put("thing", "a", {"n": 1})
            state.record(exchange())
        with opened.transaction() as state:
            assert state.record(exchange()) == 2
        assert read(opened) == 1


def test_a_commit_that_the_server_never_heard_of_is_none(postgres: PostgresServer) -> None:
    with relayed(postgres, "cut_before") as (relay, opened):
        relay.cut = "before"
        with pytest.raises(StoreError):
            write(opened, 1)
        assert read(opened) is None
        with opened.transaction() as state:
            assert state.record(exchange()) == 1


_END_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = 'mdmsim' AND pid <> pg_backend_pid()"""


def test_a_connection_that_dies_in_a_transaction_takes_it_along(
    postgres: PostgresServer, replicas: list[Store]
) -> None:
    one = replicas[0]
    write(one, 1)

    def write_and_lose(state: State) -> None:
        state.put("thing", "a", {"n": 2})
        state.record(exchange())
        postgres.run(_END_OTHERS)
        state.scan("thing")

    with pytest.raises(StoreError) as caught, one.transaction() as state:
        write_and_lose(state)

    assert caught.value.reason == "unreachable"
    assert read(one) == 1
    with one.transaction() as state:
        assert state.record(exchange()) == 1


def test_a_connection_that_died_between_transactions_is_made_anew(
    postgres: PostgresServer, replicas: list[Store]
) -> None:
    one, other, _ = replicas
    write(one, 1)
    assert read(one) == 1
    with closing(one.journal()) as journal:
        assert journal.last() == 0
        postgres.run(_END_OTHERS)

        write(other, 2)

        assert read(one) == 2
        assert journal.last() == 0


def test_who_waits_too_long_for_the_others_is_told_so(replicas: list[Store]) -> None:
    one, other, _ = replicas
    assert isinstance(other, PostgresStore)
    other._connection.execute("SET lock_timeout = '50ms'")
    with one.transaction() as state:
        state.put("thing", "a", {"n": 1})
        with pytest.raises(StoreError) as caught, other.transaction():
            pass

    assert caught.value.reason == "busy"
    assert read(other) == 1


def test_readers_wait_for_a_connection_and_not_for_ever(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MOST", 1)
    monkeypatch.setattr(readers, "WAIT_S", 0.05)
    with closing(open_store(url)) as opened, closing(opened.journal()) as journal:
        with journal.at_one_moment(), pytest.raises(StoreError) as caught:
            journal.last()
        assert caught.value.reason == "crowded"
        assert journal.last() == 0


def test_a_server_that_takes_no_more_connections_is_told(postgres: PostgresServer) -> None:
    with suppress(psycopg.errors.DuplicateObject):
        postgres.run("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")

    about = refusal(postgres.url(user="crowded"))

    assert "too many connections for role" in about
    assert about.endswith("or let it take more (max_connections)")


def test_a_reset_after_an_error_finds_what_is_there(replicas: list[Store]) -> None:
    one, other, _ = replicas
    write(one, 1)
    with suppress(KeyError), one.transaction() as state:
        state.put("thing", "a", {"n": 2})
        raise KeyError
    write(other, 3)

    assert read(one) == 3


@pytest.mark.parametrize("texts", [["", "\0", "\0\0", "\x01", "\x01\x01", "\x02", "a"]])
def test_text_keeps_its_order(url: str, texts: list[str]) -> None:
    high = ["\ue000", "\U0010fffd", "\U0010fffe", "\U0010fffe\0", "\U0010ffff", "\U0010ffff\0"]
    keys = [one for one in (*texts, *high) if one]
    with closing(open_store(url)) as opened, opened.transaction() as state:
        for key in reversed(keys):
            state.put("thing", key, {}, {"by": key})

        assert [one.key for one in state.scan("thing")] == keys
        assert [one.key for one in state.scan("thing", after="\0", limit=1)] == ["\0\0"]
        assert [one.key for one in state.find("thing", "by", prefix="\U0010fffe")] == [
            "\U0010fffe",
            "\U0010fffe\0",
        ]


def test_values_stand_where_their_marks_are() -> None:
    assert numbered("a = ? AND b = ? AND c = '?:x'") == ("a = $1 AND b = $2 AND c = '?:x'", ())
    sql = "SELECT :a, x::bigint WHERE :b OR y = :a"
    assert numbered(sql) == ("SELECT $1, x::bigint WHERE $2 OR y = $1", ("a", "b"))


def refusal(url: str, open_it: Callable[[str], Any] = open_store) -> str:
    """Return why *url* is refused, which is one line without the password."""
    with pytest.raises(ConfigurationError) as caught:
        open_it(url)
    about = str(caught.value)
    assert "\n" not in about
    assert "0Zwrong" not in about
    assert PASSWORD not in about
    return about


def test_a_wrong_password_is_told_and_not_printed(postgres: PostgresServer) -> None:
    about = refusal(postgres.tcp_url("0Zwrong"))

    assert about.startswith(f"postgresql://owner@127.0.0.1:{postgres.port}/postgres cannot be used")
    assert "password authentication failed" in about
    assert about.endswith("give the right user and password")


@pytest.mark.parametrize(
    "url", ["postgresql://owner:0Zwrong/more@host/x", "postgresql://owner:0Zwrong@host/x?sslmod=1"]
)
def test_what_is_no_url_is_refused_without_a_quote(url: str) -> None:
    assert refusal(url).startswith("--store is no URL of PostgreSQL's, such as postgresql://")


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        about = refusal(f"postgresql://owner:0Zwrong@127.0.0.1:{port}/x")

    assert about.startswith(f"postgresql://owner@127.0.0.1:{port}/x cannot be used")
    assert about.endswith("start PostgreSQL, or see why it does not answer")


def test_a_database_that_is_not_there_is_named(postgres: PostgresServer) -> None:
    assert refusal(postgres.url(database="none")).endswith("make it with createdb, or give another")


def test_a_database_of_another_application_is_left_alone(
    postgres: PostgresServer, url: str
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE meta (name text, value bigint)")

    for open_it in (open_store, open_journal):
        assert refusal(url, open_it).endswith(
            "is a database of another application: give mdmsim one of its own"
        )
    with psycopg.connect(url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        assert connection.execute(tables).fetchone() == (1,)


def test_an_empty_database_has_no_journal(url: str) -> None:
    assert refusal(url, open_journal).endswith("run mdmsim serve --store first")


def test_a_newer_database_is_left_alone(url: str) -> None:
    open_store(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE meta SET value = 9 WHERE name = 'schema'")

    for open_it in (open_store, open_journal):
        assert "was made by a newer mdmsim (format 9, this one knows 2)" in refusal(url, open_it)


def test_a_user_without_rights_is_told_so(postgres: PostgresServer, url: str) -> None:
    with suppress(psycopg.errors.DuplicateObject):
        postgres.run("CREATE ROLE guest LOGIN")
    schema = url.partition("%3D")[2].partition("&")[0]
    as_guest = postgres.url(schema, user="guest")
    assert "has no schema of its search_path" in refusal(as_guest)

    postgres.run(f"GRANT USAGE ON SCHEMA {schema} TO guest")
    assert refusal(as_guest).endswith(
        "let this user make tables in its schema, or give one of its own"
    )

    open_store(url).close()
    tables = f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO guest"
    postgres.run(tables)
    assert refusal(as_guest).endswith("connect as the user that made them")


def test_a_user_who_may_only_read_is_told_so(postgres: PostgresServer, url: str) -> None:
    read_only = url.replace("options=", "options=-cdefault_transaction_read_only%3Don%20")

    assert "is read-only (default_transaction_read_only)" in refusal(read_only)


def test_a_standby_is_refused() -> None:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    server = PostgresServer("-c", "fsync=off")
    try:
        server.stop()
        (server.folder / "data" / "standby.signal").touch()
        server.start()

        about = refusal(server.url())
    finally:
        server.close()

    assert about.endswith("is a standby, which cannot be written: give the URL of the primary")


def test_a_database_of_another_encoding_is_refused(postgres: PostgresServer) -> None:
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")

    assert "has the encoding LATIN1" in refusal(postgres.url(database="latin"))


def test_a_path_is_no_url() -> None:
    assert is_url("postgres://x/y")
    assert not is_url("/postgresql/mdmsim.db")
    assert not is_url(None)
