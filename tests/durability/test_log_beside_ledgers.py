"""However long a running simulator adds up its journal, the write-ahead log stays small."""

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.control import ledger_service
from simulator.core.data_directory import DATABASE
from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.core.settings import Settings
from simulator.core.state import StoreAdmin
from simulator.disclosure.report.ledger import Ledger
from simulator.store.opening import open_store

LOG_LIMIT = 24_000_000
WRITES, SIZE, EACH = 100, 500_000, 5
"""While a ledger is made, 50 MB are written: some after each fifth exchange that it adds."""
PATIENCE_S = 30


def record(state: StoreAdmin) -> None:
    request = Request("GET", "/", (), b"", "https", Peer("127.0.0.1", 50000, 1))
    for number in range(EACH * WRITES):
        state.record(Exchange(number, request, response=Response(200, (), b"")))


def write(state: StoreAdmin, number: int) -> None:
    state.put("thing", f"{number}", {"text": "x" * SIZE})


@pytest.mark.parametrize("path", ["/ledger", "/ledger?status=200", "/report?verify=1"])
async def test_what_is_written_while_a_ledger_is_made_does_not_pile_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    log = tmp_path / f"{DATABASE}-wal"
    settings = Settings(
        data=str(tmp_path), tls_port=(None,), http_port=0, control_port=0, proxy_port=None
    )
    sizes: list[int] = []
    loop = asyncio.get_running_loop()
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:

        class LedgerBesideWrites(Ledger):
            """What each ledger of the control API is here."""

            def add(self, exchange: Exchange) -> None:
                """Add *exchange*, and have others asked meanwhile."""
                super().add(exchange)
                if exchange.seq % EACH == 0 and len(sizes) < WRITES:
                    work = simulator.gateway.run(partial(write, number=len(sizes)))
                    asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_S)
                    sizes.append(log.stat().st_size)

        await simulator.gateway.run(record)
        monkeypatch.setattr(ledger_service, "Ledger", LedgerBesideWrites)
        # The one that there is was made before: a deletion has another one made.
        await simulator.gateway.run(
            lambda state: state.forget({"exchange": 1}, at_ms=1, reason="delete")
        )
        async with session.get(f"{simulator.ready['control']}/api/v1{path}") as answer:
            assert answer.status == 200

    assert len(sizes) == WRITES
    assert max(sizes) < LOG_LIMIT


def test_the_log_is_cut_back_once_a_reader_that_nobody_could_hold_back_has_ended(
    tmp_path: Path,
) -> None:
    database, log = tmp_path / DATABASE, tmp_path / f"{DATABASE}-wal"
    with closing(open_store(database)) as store:

        def write(count: int) -> None:
            for number in range(count):
                with store.transaction() as state:
                    state.put("thing", f"{count}-{number}", {"text": "x" * SIZE})

        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN")
            assert other.execute("SELECT count(*) FROM entity").fetchone() == (0,)
            write(WRITES)
            assert log.stat().st_size > WRITES * SIZE
        write(2)

        assert log.stat().st_size < LOG_LIMIT
