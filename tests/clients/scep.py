"""micromdm's scepserver as its users run it: the CA that device identities come from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.harness import Answer, binary, call, environment, run, running, until
from tests.ports import free_port

CHALLENGE = "pupils"


@dataclass(frozen=True, slots=True)
class Scep:
    """A running scepserver."""

    url: str
    ca: Path
    """Its CA certificate, PEM: what an MDM server checks devices by."""


@contextmanager
def scepserver(home: Path) -> Iterator[Scep]:
    """Run scepserver with a new CA; it takes renewals at once."""
    env = environment()
    depot = home / "depot"
    made = run((binary("scepserver"), "ca", "-init", "-depot", str(depot)), env=env, cwd=home)
    assert made.returncode == 0, made.stderr
    port = free_port()
    command = (
        *(binary("scepserver"), "-depot", str(depot), "-port", str(port)),
        *("-challenge", CHALLENGE, "-allowrenew", "0"),
    )
    url = f"http://127.0.0.1:{port}/scep"
    log = home / "scepserver.log"
    with running(command, env=env, log=log) as process:

        def probe() -> Answer | None:
            assert process.poll() is None, f"scepserver ended:\n{log.read_text()}"
            try:
                return call("GET", f"{url}?operation=GetCACaps")
            except ConnectionRefusedError:
                return None

        until(probe, "scepserver")
        yield Scep(url, depot / "ca.pem")
