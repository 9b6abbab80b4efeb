import json
import shlex
import subprocess
from typing import Any

import pytest

from simulator.console.curl import curl


def exchange(**changes: Any) -> dict[str, Any]:
    request = {
        "method": "POST",
        "target": "/profile?a=[1]",
        "http": "1.1",
        "headers": [["Host", "x"], ["User-Agent", "it's"], ["Content-Length", "2"], ["X-None", ""]],
        "body": {"text": "@{}\n"},
    }
    return {"request": request | changes}


def test_a_command_says_what_was_sent() -> None:
    words = shlex.split(curl(exchange(), "https://127.0.0.1:8443", "/ca.pem"))

    assert words[-1] == "https://127.0.0.1:8443/profile?a=[1]"
    assert words[words.index("--data-raw") + 1] == "@{}\n"
    assert words[words.index("--cacert") + 1] == "/ca.pem"
    given = [words[index + 1] for index, word in enumerate(words) if word == "-H"]
    assert given == ["User-Agent: it's", "X-None;", "Accept:", "Content-Type:"]
    assert "-g" in words
    assert "-X" not in words


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"method": "PUT"}, "-X PUT"),
        ({"method": "POST", "body": {"text": ""}}, "-X POST"),
        ({"http": "2"}, "--http2"),
        ({"target": "/a/../b"}, "--path-as-is"),
        ({"body": {"base64": "AP8="}}, "echo AP8= | base64 -d | curl"),
        ({"body": {"text": "<sealed-body opaque 3 4c64f5457ca06201>\nrest"}}, "--data-raw rest"),
        (
            {"headers": [["A", "<sealed dep.session_token text 46 4c64f5457ca06201>"]]},
            "'A: DEP_SESSION_TOKEN'",
        ),
    ],
)
def test_what_curl_does_otherwise_by_itself_is_said(changes: dict[str, Any], expected: str) -> None:
    assert expected in curl(exchange(**changes), "http://127.0.0.1:1", "/ca.pem")


def test_a_shell_takes_the_command_apart_as_it_was_put_together() -> None:
    odd = "$(id) `id` \"'\\ !\n;&|<>"
    command = curl(exchange(body={"text": odd}), "http://127.0.0.1:1", "/ca.pem")
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}; {command}"

    heard = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, text=True)

    assert odd in heard.stdout.split("\0"), json.dumps(heard.stdout)
