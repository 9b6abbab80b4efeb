"""Secrets of each kind, planted at each place in each encoding: none reaches anything written."""

import asyncio
import logging
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from simulator.app import Simulator
from simulator.cli import main
from simulator.core.data_directory import DATABASE
from simulator.core.settings import Settings
from simulator.disclosure.redact.canary import Canary
from tests.control.test_canary import HANDS_OUT, LONGEST, ROUTES, minted
from tests.secrets.planting import cases, named_cases

ISSUED = ("control token", "access_secret", "content token 1")
UNMINTED = {
    "session token": "1767225600000O1O" + "7E57AB1E" * 4 + "O" + "5EC12E75" * 8,
    "private key": "-----BEGIN PRIVATE KEY-----MIIplantedKeyLine0123456789abcdefghijkl",
}
"""Those that are told by their shape alone."""
NAMED = "correct-horse-7attery-staple9"
"""One that nothing but its name or place tells."""
CUT = 64


def needles(secrets: dict[str, str]) -> Canary:
    """Return what looks for *secrets*; for a piece of long ones, which a certificate may hold."""
    bare = {
        name: text.removeprefix("-----BEGIN PRIVATE KEY-----") for name, text in secrets.items()
    }
    return Canary({name: text[-CUT:] for name, text in bare.items()})


async def pages(simulator: Simulator, seqs: list[int]) -> dict[str, bytes]:
    """Return what the control API, the console and the metrics say."""
    control = simulator.ready["control"]
    paths = {
        f"/api/v1{route.path}"
        for route in ROUTES
        if route.method == "GET"
        and route.gives != "text/event-stream"
        and not HANDS_OUT.search(route.path)
    }
    wanted = {path.replace("{seq}", str(seq)) for path in paths for seq in seqs}
    wanted |= {f"/traffic/{seq}" for seq in seqs}
    wanted |= {"/metrics", "/", "/traffic", "/disclosures", "/flow", "/reference", "/devices"}
    found = {}
    async with aiohttp.ClientSession() as session:
        for path in sorted(one for one in wanted if "{" not in one):
            async with session.get(f"{control}{path}", timeout=LONGEST) as answer:
                found[path] = await answer.read()
    return found


def journal_alone(path: Path, copy: Path) -> bytes:
    """Return the bytes of a database without the state, which holds what was issued."""
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as database:
        for table in ("entity", "entity_index", "baseline"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608 (ours)
        database.commit()
        database.execute("VACUUM")
    return copy.read_bytes()


async def test_no_planted_secret_reaches_anything_that_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "mdmsim")
    data = tmp_path / "data"
    settings = Settings(
        data=str(data), tls_port=(None,), http_port=None, control_port=0, proxy_port=None
    )
    async with Simulator(settings) as simulator:
        issued = {name: minted(simulator.ready)[name] for name in ISSUED}
        everything = [*cases(issued | UNMINTED), *named_cases(NAMED)]
        await asyncio.gather(*(simulator.gateway.answer(one.request) for one in everything))
        shown = await pages(simulator, list(range(1, len(everything), 1000)))
    canary = needles(issued | UNMINTED | {"named": NAMED})
    own = needles(UNMINTED | {"named": NAMED})

    report = await asyncio.to_thread(
        CliRunner().invoke, main, ["report", "--data", str(data), "--canary"]
    )
    with closing(sqlite3.connect(data / DATABASE)) as database:
        rows = database.execute("SELECT * FROM exchange ORDER BY seq").fetchall()
    seen: Counter[str] = Counter()
    for row, case in zip(rows, everything, strict=True):
        raw = b" ".join(one if isinstance(one, bytes) else str(one).encode() for one in row)
        for sighting in canary.look(f"{case.place} ({case.encoding}, {case.kind})", raw):
            seen[f"{sighting.secret} as {sighting.spelling} at {sighting.where}"] += 1
    found = list(canary.look("the journal", journal_alone(data / DATABASE, tmp_path / "copy.db")))
    for path in (one for one in data.rglob("*") if one.is_file()):
        found += own.look(str(path), path.read_bytes())
    for where, content in shown.items():
        found += canary.look(where, content)
    out, err = capfd.readouterr()
    found += canary.look("the log", f"{caplog.text}{out}{err}".encode())

    assert len(everything) >= 5000
    assert dict(seen) == {}
    assert found == []
    assert report.exit_code == 0, report.output[-2000:]
