"""What 10,000 connections leave behind that are opened and dropped in every rude way.

The clients are in this process, the simulator in another, whose descriptors,
threads, temporary files and memory are read after each tenth; those of the database
are left out, as some more readers of it are kept while many ask. Prints a row for
each, adds them to bench.json, and fails if one of them grew.
"""

import argparse
import itertools
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import Event

from simulator.core.data_directory import DATABASE
from simulator.store.sqlite.checkpointing import AFTER_ROWS
from tests.bench.running import keep, serving
from tests.load import crowd, rude

FLAGS = ("--http-port", "0", "--proxy-port", "0", "--push-auth", "none", "--journal-keep", "2000")
"""SQLite keeps up to 32 MiB of a journal in memory; a short one leaves what connections cost."""
PATIENCE_S = 40
"""How long the last connections may take to be gone: a stream notices within 15 s."""
ROOM = 8 * 1024 * 1024
"""Bytes of memory that may come beside what the first tenth took: caches fill up to a limit."""
Row = dict[str, int]


def look(process: int, temporary: Path, done: int) -> Row:
    """Return what the simulator has."""
    return {
        "connections": done,
        "descriptors": sum(DATABASE not in name for name in crowd.opened(process)),
        "threads": crowd.threads(process),
        "temporary files": len(list(temporary.iterdir())),
        "KiB": crowd.memory(process) // 1024,
    }


def begin(url: str) -> None:
    """Ask politely until the simulator has opened what it works with, such as its checkpointer."""
    connection = HTTPConnection(url.removeprefix("http://"))
    for _ in range(AFTER_ROWS):
        connection.request("GET", "/account")
        connection.getresponse().read()
    connection.close()


def settled(process: int, temporary: Path, done: int, first: Row) -> Row:
    """Return what it has once no more descriptors are open than at *first*."""
    row = look(process, temporary, done)
    for _ in range(PATIENCE_S):
        if row["descriptors"] <= first["descriptors"]:
            break
        Event().wait(1)
        row = look(process, temporary, done)
    return row


def main() -> None:
    """Do it all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    tenth = arguments.connections // 10
    names = itertools.cycle(rude.WAYS)
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name, "temporary")
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        with (
            serving(Path(name, "data"), *FLAGS) as (process, ready),
            ThreadPoolExecutor(8) as pool,
        ):
            begin(ready["http"])
            ports = rude.Ports.of(ready)
            rows = [look(process, temporary, 0)]
            for number in range(1, 11):
                list(pool.map(rude.do, itertools.islice(names, tenth), itertools.repeat(ports)))
                rows.append(look(process, temporary, number * tenth))
            rows.append(settled(process, temporary, 10 * tenth, rows[0]))
    print("".join(f"{title:>17}" for title in rows[0]))
    for row in rows:
        print("".join(f"{value:17}" for value in row.values()))
    keep(arguments.output, "rudeness", {"rows": rows})
    grown = [name for name in ("descriptors", "temporary files") if rows[-1][name] > rows[0][name]]
    if rows[-1]["KiB"] - rows[1]["KiB"] > ROOM // 1024:
        grown.append("KiB")
    if grown:
        raise SystemExit(f"grown: {', '.join(grown)}")


if __name__ == "__main__":
    main()
