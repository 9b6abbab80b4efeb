"""ready.json and the ready line."""

import stat
from pathlib import Path

import pytest

from simulator.core import ready_file


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:80", id="loopback"),
        pytest.param("localhost", "http://localhost:80", id="name"),
        pytest.param("0.0.0.0", "http://127.0.0.1:80", id="any"),  # noqa: S104 (nothing is bound)
        pytest.param("::", "http://[::1]:80", id="any-ipv6"),
        pytest.param("2001:db8::1", "http://[2001:db8::1]:80", id="ipv6"),
    ],
)
def test_a_url_can_be_used_as_it_is(host: str, expected: str) -> None:
    assert ready_file.url("http", host, 80) == expected


def test_what_is_written_is_private_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"

    ready_file.write(path, {"pid": 1})

    assert ready_file.read(path) == {"pid": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, "", "[]"])
def test_what_is_no_ready_file_is_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ready.json"
    if content is not None:
        path.write_text(content)

    assert ready_file.read(path) is None


def test_the_ready_line_names_every_port() -> None:
    line = ready_file.line(
        {"tls": ["https://a:1", "https://a:2"], "http": None, "control": "c"}, "d"
    )

    assert line == "mdmsim ready https=https://a:1,https://a:2 http=off control=c data=d"
