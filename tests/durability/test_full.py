"""A simulator whose disk is full says so, serves nothing unseen, and goes on when there is room."""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.durability.running import journal_of, simulator, verified

Fill = Callable[[Path, int], AbstractContextManager[None]]


@contextmanager
def limited(_: Path, process: int) -> Iterator[None]:
    """Let *process* write to no file beyond its first block (EFBIG), until the block ends."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@contextmanager
def filled(data: Path, _: int) -> Iterator[None]:
    """Fill the disk of *data* to the last block (ENOSPC), until the block ends."""
    filler = data / "filler"
    room = os.statvfs(data)
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes((room.f_bavail + 1) * room.f_bsize))
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture(params=["limit", "small-disk"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Fill]]:
    """Yield a place for data, and what fills it."""
    if request.param == "limit":
        yield tmp_path / "data", limited
        return
    mount, umount = (shutil.which(name) or "/bin/false" for name in ("mount", "umount"))
    what = ["-t", "tmpfs", "-o", "size=32m,mode=0700", "mdmsim", str(tmp_path)]
    if subprocess.run([mount, *what], check=False, capture_output=True).returncode:
        pytest.skip("this user may mount no file system")
    try:
        yield tmp_path / "data", filled
    finally:
        subprocess.run([umount, "--lazy", str(tmp_path)], check=True)


def ask(ready: dict[str, Any], number: int) -> int:
    """Ask for something on a connection of its own; return the status."""
    connection = HTTPConnection("127.0.0.1", urlsplit(ready["http"]).port, timeout=30)
    connection.request("GET", f"/nothing/{number}", headers={"User-Agent": "ExampleMDM/1"})
    status = connection.getresponse().status
    connection.close()
    return status


def health(ready: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask ``/readyz``."""
    connection = HTTPConnection("127.0.0.1", urlsplit(ready["control"]).port, timeout=30)
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def test_nothing_is_served_unseen(disk: tuple[Path, Fill]) -> None:
    data, fill = disk
    with simulator(data) as (ready, process):
        before = [ask(ready, number) for number in range(20)]
        with fill(data, process.pid):
            full = [ask(ready, number) for number in range(20, 30)]
            unwell = health(ready)
            with urlopen(f"{ready['control']}/metrics") as answer:  # noqa: S310 (ours)
                counted = b"\nmdmsim_unrecorded_requests_total 10\n" in answer.read()
        well = health(ready)
        after = [ask(ready, number) for number in range(30, 50)]

    targets = [one.request.target for one in journal_of(data)]
    report = verified(data)
    assert set(before) == set(after) == {404}
    assert set(full) == {503}
    assert unwell[0] == 503
    assert "cannot be recorded" in unwell[1]["detail"]
    assert "make room" in unwell[1]["detail"]
    assert counted
    assert well == (200, {"status": "ok"})
    assert targets == [f"/nothing/{one}" for one in (*range(20), *range(30, 50))]
    assert report.exit_code == 0, report.output


def test_what_is_served_unseen_is_known_to_be_missing(disk: tuple[Path, Fill]) -> None:
    data, fill = disk
    with simulator(data, "--unrecorded", "serve") as (ready, process):
        statuses = [ask(ready, number) for number in range(5)]
        with fill(data, process.pid):
            statuses += [ask(ready, number) for number in range(5, 12)]
            unwell = health(ready)
        statuses += [ask(ready, number) for number in range(12, 15)]

    exchanges = journal_of(data)
    report = verified(data)
    assert set(statuses) == {404}
    assert unwell[0] == 503
    assert [one.seq for one in exchanges] == [1, 2, 3, 4, 5, 13, 14, 15]
    assert report.exit_code == 3
    said = "exchanges 6 to 12: was answered while the journal could not be written"
    assert said in report.output
