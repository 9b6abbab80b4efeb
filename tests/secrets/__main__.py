"""The planted secrets, and where they are looked for: ``python -m tests.secrets`` shows it.

Plants each secret at each place in each encoding, and looks for it in all that is written then.
Prints how many were planted and how many were seen, and exits with 1 if any was.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from click.testing import CliRunner

from simulator.app import Simulator
from simulator.cli import main as mdmsim
from simulator.core.data_directory import DATABASE
from simulator.core.settings import Settings
from simulator.disclosure.redact.canary import Canary
from tests.control.test_canary import HANDS_OUT, LONGEST, ROUTES, minted
from tests.secrets.planting import Case, cases, named_cases

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


@dataclass(slots=True)
class Planted:
    """What was planted, and what was seen of it."""

    cases: list[Case]
    canary: Canary
    """Looks for all of it."""
    seen: Counter[Case] = field(default_factory=Counter)
    """How often each stands in its own exchange."""
    elsewhere: list[str] = field(default_factory=list)
    """Where else one stands."""
    looked_at: int = 0
    """Bytes outside of the exchanges in which it was looked for."""
    report: str = ""
    """What ``mdmsim report --canary`` says, if it is not content."""

    def look(self, where: str, content: bytes, canary: Canary | None = None) -> None:
        """Look for what was planted in *content*."""
        self.looked_at += len(content)
        found = (canary or self.canary).look(where, content)
        self.elsewhere += [f"{one.secret} as {one.spelling} in {one.where}" for one in found]


async def plant(directory: Path) -> Planted:
    """Plant all of it into a simulator in *directory*, and look for it."""
    data = directory / "data"
    settings = Settings(
        data=str(data), tls_port=(None,), http_port=None, control_port=0, proxy_port=None
    )
    async with Simulator(settings) as simulator:
        issued = {name: minted(simulator.ready)[name] for name in ISSUED}
        everything = [*cases(issued | UNMINTED), *named_cases(NAMED)]
        await asyncio.gather(*(simulator.gateway.answer(one.request) for one in everything))
        shown = await pages(simulator, list(range(1, len(everything), 1000)))
    planted = Planted(everything, needles(issued | UNMINTED | {"named": NAMED}))
    own = needles(UNMINTED | {"named": NAMED})

    command = ["report", "--data", str(data), "--canary"]
    report = await asyncio.to_thread(CliRunner().invoke, mdmsim, command)
    planted.report = report.output if report.exit_code else ""
    with closing(sqlite3.connect(data / DATABASE)) as database:
        rows = database.execute("SELECT * FROM exchange ORDER BY seq").fetchall()
    for row, case in zip(rows, everything, strict=True):
        raw = b" ".join(one if isinstance(one, bytes) else str(one).encode() for one in row)
        if sightings := sum(1 for _ in planted.canary.look("", raw)):
            planted.seen[case] += sightings
    planted.look("the journal", journal_alone(data / DATABASE, directory / "copy.db"))
    for path in (one for one in data.rglob("*") if one.is_file()):
        planted.look(str(path), path.read_bytes(), own)
    for where, content in shown.items():
        planted.look(where, content)
    return planted


def main() -> None:
    """Plant it all, and print the matrix."""
    with tempfile.TemporaryDirectory() as name:
        planted = asyncio.run(plant(Path(name)))
    places = Counter(one.encoding for one in planted.cases)
    seen: Counter[str] = Counter()
    for case, count in planted.seen.items():
        seen[case.encoding] += count
    print(f"{'encoding':20}{'planted':>10}{'seen':>8}")
    for encoding, count in places.items():
        print(f"{encoding:20}{count:>10}{seen[encoding]:>8}")
    print(f"{'all':20}{len(planted.cases):>10}{seen.total():>8}")
    print(f"elsewhere, in {planted.looked_at} bytes: {len(planted.elsewhere)}")
    print(*planted.elsewhere[:20], planted.report, sep="\n")
    if planted.seen or planted.elsewhere or planted.report:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
