"""A simulator as a process of its own, and what it left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.data_directory import DATABASE
from simulator.core.messages import Exchange
from simulator.store.opening import open_journal
from tests.durability.rooms import Room

FLAGS = ("--http-port", "0", "--control-port", "0", "--tls-port", "off", "--proxy-port", "off")
LENIENT = ("--push-auth", "none", "--unknown-tokens", "accept")
"""The clients have no certificates, and their devices never checked in."""


@contextmanager
def simulator(
    data: Path,
    *flags: str,
    room: Room | None = None,
    env: Mapping[str, str] | None = None,
    log: IO[bytes] | int = subprocess.DEVNULL,
    begun: Callable[[subprocess.Popen[bytes]], object] | None = None,
) -> Iterator[tuple[dict[str, Any], subprocess.Popen[bytes]]]:
    """Start a simulator of *data*, in a *room* if there is one, which gets killed at the end.

    *log* gets what it says on the standard error. *begun* is given the process before it does
    anything: one that is ready has gone on with what it did before.
    """
    around = room.command if room else ()
    command = [*around, sys.executable, "-m", "simulator", "serve", "--data", str(data)]
    with subprocess.Popen(
        [*command, *FLAGS, *LENIENT, *flags],
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, **(env or {})},
    ) as process:
        assert process.stdout is not None
        if begun is not None:
            begun(process)
        try:
            for line in process.stdout:
                if line.startswith(b"mdmsim ready "):
                    break
            seen = room.outside(data) if room else data
            yield json.loads((seen / "ready.json").read_bytes()), process
        finally:
            process.kill()


def journal_of(data: Path, store: str = "") -> list[Exchange]:
    """Return all that was recorded, in the data directory or in another *store*."""
    found: list[Exchange] = []
    with closing(open_journal(store or data / DATABASE)) as journal:
        while batch := journal.read(found[-1].seq if found else 0, 1000):
            found += batch
    return found


def verified(data: Path, store: str = "") -> Result:
    """Run ``mdmsim report --verify``."""
    where = ["--data", str(data), *(["--store", store] if store else [])]
    return CliRunner().invoke(main, ["report", "--verify", *where])
