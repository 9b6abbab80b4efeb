"""A PostgreSQL server for the tests: of this machine's programs, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Event
from time import monotonic
from urllib.parse import quote

import psycopg
import pytest

from tests.ports import free_port

_FOLDERS = (
    "/usr/lib/postgresql/15/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/17/bin",
)
_UNPRIVILEGED = 65534
_WAIT_S = 30.0
PASSWORD = "0Zsecret-of-the-tests"


def program(name: str) -> str | None:
    """Return where the program *name* of PostgreSQL is, or None."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_FOLDERS)))


class PostgresServer:
    """One server, run by a user without privileges, as it refuses those of root."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mdmsim-pg-"))
        self.port = free_port()
        self._options = options
        self._schemas = count(1)
        self._as: dict[str, int | list[int]] = {}
        if os.geteuid() == 0:
            os.chown(self.folder, _UNPRIVILEGED, _UNPRIVILEGED)
            self._as = {"user": _UNPRIVILEGED, "group": _UNPRIVILEGED, "extra_groups": []}
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            "initdb", "-D", "data", "-U", "owner", "-E", "UTF8", "--no-locale", "--no-sync",
            "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=password",
        )  # fmt: skip
        self.process: subprocess.Popen[bytes]
        self.start()

    def _run(self, name: str, *arguments: str) -> None:
        found = program(name)
        assert found is not None
        subprocess.run(
            (found, *arguments),
            cwd=self.folder,
            check=True,
            timeout=60,
            capture_output=True,
            **self._as,  # type: ignore[call-overload]  # who it runs as: empty, or user and groups
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        until = monotonic() + _WAIT_S
        self._launch()
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=1).close()
            except psycopg.OperationalError:
                assert monotonic() < until, (self.folder / "log").read_text()[-2000:]
                Event().wait(0.05)
                # After a kill, processes of the one before may not have ended yet.
                if self.process.poll() is not None:
                    self._launch()
            else:
                return

    def _launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]  # as above
                (
                    program("postgres"), "-D", "data", "-k", str(self.folder),
                    "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                    "-c", "max_connections=60", *self._options,
                ),
                cwd=self.folder, stdout=log, stderr=log, **self._as,
            )  # fmt: skip

    def url(self, schema: str = "", *, user: str = "owner", database: str = "postgres") -> str:
        """Return the URL of a database, or of one schema of it."""
        path = f"options=-csearch_path%3D{schema}&" if schema else ""
        folder = quote(str(self.folder), safe="")
        return f"postgresql://{user}@/{database}?{path}host={folder}&port={self.port}"

    def tcp_url(self, password: str = PASSWORD, database: str = "postgres") -> str:
        """Return the URL that asks for a password."""
        return f"postgresql://owner:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str = "postgres") -> None:
        """Run statements as the owner."""
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            connection.execute(sql.encode())

    def new(self) -> str:
        """Return the URL of an empty schema, which is as good as a database."""
        schema = f"s{next(self._schemas)}"
        self.run(f"CREATE SCHEMA {schema}")
        return self.url(schema)

    def kill(self) -> None:
        """End it as a power cut would end its processes."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """End it as it should be."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)

    def close(self) -> None:
        """End it, and remove what it kept."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Yield a server without durability: it is fast, and nobody pulls its plug."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    server = PostgresServer("-c", "fsync=off", "-c", "full_page_writes=off")
    yield server
    server.close()
