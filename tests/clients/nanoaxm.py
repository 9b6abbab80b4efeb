"""micromdm's nanoaxm as its users run it: a proxy that gets its own access tokens."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.harness import Answer, Simulator, binary, call, environment, running, until
from tests.ports import free_port

NAME = "acme"
"""What nanoaxm calls an API account ("AxM name")."""
_KEY = "secret"
_AUTHORIZATION = "Basic " + b64encode(f"nanoaxm:{_KEY}".encode()).decode()
_BOUNDARY = "form-boundary"


@dataclass(frozen=True, slots=True)
class Nanoaxm:
    """A running nanoaxm."""

    url: str

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Call nanoaxm itself."""
        return call(method, self.url + path, body, {"Authorization": _AUTHORIZATION} | headers)

    def configure(self, account: dict[str, str]) -> Answer:
        """Give it an API account, as its script ``cfg-authcreds.sh`` does."""
        fields = {
            "axm_name": NAME,
            "client_id": account["client_id"],
            "key_id": account["key_id"],
        }
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        key = Path(account["key_as_apple"]).read_text("ascii")
        parts.append(
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="private_key"; '
            f'filename="key.pem"\r\n\r\n{key}\r\n--{_BOUNDARY}--\r\n'
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return self.ask("POST", "/authcreds", "".join(parts).encode(), **headers)

    def api(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Call the API through its proxy; return the status and the document."""
        headers = {"Content-Type": "application/json;charset=UTF8"} if body else {}
        answer = self.ask(method, f"/proxy/business/{NAME}/v1{path}", body, **headers)
        return answer.status, answer.json if answer.body else None


@contextmanager
def nanoaxm(home: Path, simulator: Simulator) -> Iterator[Nanoaxm]:
    """Run nanoaxm in *home* until the end; it reaches Apple's hosts by the simulator's proxy."""
    port = free_port()
    command = [
        binary("nanoaxm"),
        "-api",
        _KEY,
        "-listen",
        f"127.0.0.1:{port}",
        "-storage-dsn",
        str(home / "db"),
    ]
    env = environment(simulator.ca) | {"HTTPS_PROXY": str(simulator.ready["proxy"])}
    log = home / "nanoaxm.log"
    with running(command, env=env, log=log) as process:
        made = Nanoaxm(f"http://127.0.0.1:{port}")

        def probe() -> bool | None:
            assert process.poll() is None, log.read_text()
            try:
                return call("GET", f"{made.url}/version").status == 200 or None
            except OSError:
                return None

        until(probe, "nanoaxm")
        yield made
