"""The backends that the conformance battery runs over, and an exchange to store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from simulator.core.messages import Exchange, Peer, Request, Response, Tls
from simulator.store.opening import Place, open_store
from simulator.store.protocols import Journal, Store
from tests.postgres import PostgresServer

StoreFactory = Callable[[], Store]


@pytest.fixture(params=["memory", "disk", "postgres"])
def store_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreFactory]:
    """Yield what makes an empty store of each backend; another backend joins the list here."""
    with ExitStack() as stack:
        made: list[Store] = []

        def place(number: int) -> Place:
            if request.param == "postgres":
                server: PostgresServer = request.getfixturevalue("postgres")
                return server.new()
            return None if request.param == "memory" else tmp_path / f"{number}.db"

        def make() -> Store:
            made.append(open_store(place(len(made))))
            stack.callback(made[-1].close)
            return made[-1]

        yield make


@pytest.fixture
def store(store_factory: StoreFactory) -> Store:
    return store_factory()


@pytest.fixture
def journal(store: Store) -> Iterator[Journal]:
    with closing(store.journal()) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mdmsim.db"


def exchange(target: str = "/account", **facts: object) -> Exchange:
    tls = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "localhost", "http/1.1", b"\x30\x00")
    request = Request(
        "GET",
        target,
        (("Host", "localhost"), ("X-A", "1"), ("x-a", "å")),
        b"\x00\xff{}",
        "https",
        Peer("127.0.0.1", 50000, 7, tls),
        problem="truncated",
        problem_about="why",
    )
    made = Exchange(1_770_000_000_123, request, organisation="acme", service="dep")
    made.response = Response(200, (("Content-Type", "text/plain"),), b"\xfe", close=True)
    for name, value in facts.items():
        setattr(made, name, value)
    return made
