"""The journal's signed head goes to a file or a URL of the user's, and is checked by."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from click.testing import CliRunner

from simulator.cli import main
from tests.durability.asking import Client
from tests.durability.running import FLAGS, simulator

STOP_S = 5


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """Yield a URL, and the bodies that are sent to it."""
    bodies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/heads", bodies
        server.shutdown()
        thread.join()


def serve(data: Path, target: str) -> None:
    """Answer three requests with heads published to *target*, and stop."""
    flags = ("--publish-head", target, "--publish-head-s", "3600")
    with simulator(data, *flags) as (ready, process):
        client = Client(ready)
        client.ask(3)
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0


def verified(data: Path, head: Path) -> int:
    command = ["report", "--verify", "--data", str(data), "--head", str(head)]
    return CliRunner().invoke(main, command).exit_code


def test_heads_are_written_to_a_file(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "heads"
    serve(data, str(file))
    serve(data, str(file))

    assert len(file.read_text().splitlines()) == 3  # at the second start, and at each end
    assert verified(data, file) == 0
    serve(tmp_path / "other", str(tmp_path / "others"))
    assert verified(data, tmp_path / "others") == 3


def test_heads_are_sent_to_a_url(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "heads"
    with collector() as (url, bodies):
        serve(data, url)

    assert len(bodies) == 1
    file.write_text(bodies[0])
    assert verified(data, file) == 0


def test_a_url_that_takes_no_head_is_refused_at_the_start(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path / "data"), "--publish-head", "ftp://x.example/heads")

    result = CliRunner().invoke(main, ["serve", *FLAGS, *flags])

    assert result.exit_code == 2
    assert "'ftp://x.example/heads' is no URL such as https://HOST/heads" in result.output


def test_a_head_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    serve(tmp_path / "data", str(tmp_path / "nowhere" / "heads"))

    assert not (tmp_path / "nowhere").exists()
