"""HAProxy as the example with replicas has it, for the tests: on free ports, in front of some."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.ports import free_port

FOLDER = Path(__file__).parents[1] / "fixtures" / "examples" / "replicas"
NAMES = ("ONE", "TWO", "THREE")
WAIT_S = 30
DRAIN_S = 2
"""Longer than HAProxy takes to notice that a replica leaves."""


@contextmanager
def haproxy(ready: Sequence[dict[str, Any]]) -> Iterator[dict[str, int]]:
    """Run HAProxy after its own check, and yield its ports by what they lead to."""
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("HAProxy is not installed here")
    ports = {name: free_port() for name in ("TLS", "HTTP", "PROXY", "CONTROL")}
    env = {**os.environ, **{f"{name}_BIND": f"127.0.0.1:{port}" for name, port in ports.items()}}
    for name, one in zip(NAMES, ready, strict=True):
        control = urlsplit(one["control"])
        env[f"{name}_HTTP"] = urlsplit(one["http"]).netloc
        env[f"{name}_TLS"] = urlsplit((one["tls"] or [one["http"]])[0]).netloc
        env[f"{name}_PROXY"] = urlsplit(one["proxy"] or one["http"]).netloc
        env[f"{name}_CONTROL_HOST"] = str(control.hostname)
        env[f"{name}_CONTROL_PORT"] = str(control.port)
    command = (program, "-f", str(FOLDER / "haproxy.cfg"))
    checked = subprocess.run(
        (*command, "-c"), env=env, check=False, capture_output=True, timeout=20
    )
    assert (checked.returncode, checked.stderr) == (0, b""), checked.stderr.decode()
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_port(ports["HTTP"])
            yield ports
        finally:
            process.kill()


def _wait_for_port(port: int) -> None:
    pause = threading.Event()
    for _ in range(WAIT_S * 100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        pause.wait(0.01)
    raise AssertionError(port)
