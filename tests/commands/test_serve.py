"""``mdmsim serve`` as a process of its own."""

import asyncio
import json
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.cli import main

PORTS = ("--tls-port", "0", "--http-port", "0", "--control-port", "0", "--proxy-port", "0")


@asynccontextmanager
async def process(data: Path, *args: str) -> AsyncIterator[Process]:
    """Start ``mdmsim``; end it if the test did not."""
    command = [sys.executable, "-m", "simulator", *args, "--data", str(data)]
    environ = {name: value for name, value in os.environ.items() if "MDMSIM" not in name}
    started = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, cwd=Path.cwd(), env=environ
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def ready_line(started: Process) -> str:
    assert started.stdout is not None
    async for line in started.stdout:
        if line.startswith(b"mdmsim ready "):
            return line.decode()
    raise AssertionError("it ended before it was ready")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    async with process(tmp_path, "serve", *PORTS) as started:
        line = await ready_line(started)
        ready = json.loads((tmp_path / "ready.json").read_text())
        port = int(ready["http"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /account HTTP/1.1\r\nHost: a\r\n\r\n")
        status = await reader.readline()

        started.send_signal(number)
        async with asyncio.timeout(5):
            code = await started.wait()
        writer.close()
        _, errors = await started.communicate()

    assert line == (
        f"mdmsim ready https={ready['tls'][0]} http={ready['http']} "
        f"control={ready['control']} data={tmp_path}\n"
    )
    assert status == b"HTTP/1.1 401 Unauthorized\r\n"
    assert (code, errors) == (0, b"")
    assert not (tmp_path / "ready.json").exists()


async def test_a_second_process_is_told_who_the_first_is(tmp_path: Path) -> None:
    async with process(tmp_path, "serve", *PORTS) as first:
        await ready_line(first)
        async with process(tmp_path, "serve", *PORTS) as second:
            output, errors = await second.communicate()

    assert second.returncode == 2
    assert output == b""
    assert errors.decode() == (
        f"mdmsim: the data directory {tmp_path} is in use by process {first.pid}: "
        "stop it or choose another with --data\n"
    )


async def test_readyz_finds_it(tmp_path: Path) -> None:
    async with process(tmp_path, "serve", *PORTS) as started:
        await ready_line(started)
        async with process(tmp_path, "readyz") as asked:
            output, _ = await asked.communicate()

    assert (asked.returncode, output) == (0, b"ready\n")


async def test_a_bad_setting_is_one_line(tmp_path: Path) -> None:
    async with process(tmp_path, "serve", "--tls-port", "https") as started:
        _, errors = await started.communicate()

    assert started.returncode == 2
    assert errors == b"mdmsim: --tls-port: 'https' is not a number from 0 to 65535, or off\n"


async def test_a_state_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async with process(tmp_path, "serve", *PORTS) as started:
        await ready_line(started)
        started.send_signal(signal.SIGTERM)
        await started.wait()
    database = bytearray((tmp_path / "mdmsim.db").read_bytes())
    database[60:64] = b"\0\0\xff\xff"  # SQLite's user_version
    (tmp_path / "mdmsim.db").write_bytes(database)

    async with process(tmp_path, "serve", *PORTS) as started:
        _, errors = await started.communicate()

    assert started.returncode == 2
    assert b"was made by a newer mdmsim" in errors
    assert errors.count(b"\n") == 1


def test_it_serves_until_a_signal_comes(tmp_path: Path) -> None:
    def stop() -> None:
        while not (tmp_path / "ready.json").exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    helper = threading.Thread(target=stop)
    helper.start()

    result = CliRunner().invoke(main, ["serve", *PORTS, "--data", str(tmp_path)])
    helper.join()

    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert "this is not Apple" in lines[0]
    assert lines[-1].startswith("mdmsim ready https=https://127.0.0.1:")
