"""The start screen."""

import io
from typing import Any

import pytest

from simulator import services
from simulator.commands.screen import show
from simulator.core.settings import Settings

TOKEN = {"consumer_key": "CK_" + "0" * 90}
READY: dict[str, Any] = {
    "version": "1",
    "tls": ["https://127.0.0.1:8443"],
    "http": "http://127.0.0.1:8080",
    "proxy": "http://127.0.0.1:8888",
    "control": "http://127.0.0.1:8081",
    "ca": "/data/ca.pem",
    "journal": "/data/mdmsim.db",
    "organisations": [
        {"id": "demo", "dep_servers": [{"id": str(n), "name": "", "token": TOKEN}]}
        for n in range(4)
    ],
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(ready: dict[str, Any], settings: Settings, *, terminal: bool = False) -> str:
    file = Terminal() if terminal else io.StringIO()
    show(ready, settings, services.provisionings(), file)
    return file.getvalue()


def test_it_says_where_to_point_what_and_which_credentials_to_use() -> None:
    text = shown(READY, Settings())

    assert "this is not Apple, and all data is invented" in text
    assert "\nHTTPS: https://127.0.0.1:8443 " in text
    assert "\nCA to trust: /data/ca.pem  (how: mdmsim ca install-hint)\n" in text
    assert "\nJournal: /data/mdmsim.db\n" in text
    assert "\nWorld: demo, seed 1; strictness apple\n" in text
    assert '\n{"consumer_key": "CK_' in text
    assert "1 further DEP servers: mdmsim token dep " in text


def test_it_says_which_certificate_to_push_with() -> None:
    pair = {
        "topic": "com.apple.mgmt.x",
        "certificate": "/data/push/x.pem",
        "key": "/data/push/x.key",
    }
    organisations = [{"id": "demo", "dep_servers": [], "push_topics": [pair]}]

    text = shown(READY | {"organisations": organisations}, Settings())

    assert "\nPush topic: com.apple.mgmt.x  (certificate /data/push/x.pem, key beside)\n" in text


def test_a_credential_is_one_line_on_a_terminal_too() -> None:
    text = shown(READY, Settings(), terminal=True)

    assert f'{{"consumer_key": "{TOKEN["consumer_key"]}"}}' in text


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        pytest.param({"tls": []}, "CA to trust", id="tls"),
        pytest.param({"http": None}, "HTTP:", id="http"),
        pytest.param({"control": None}, "Control API", id="control"),
        pytest.param({"proxy": None}, "Proxy", id="proxy"),
    ],
)
def test_what_is_off_is_not_shown(change: dict[str, Any], gone: str) -> None:
    assert f"\n{gone}" not in shown(READY | change, Settings())


def test_commands_name_the_data_directory_if_it_is_another() -> None:
    text = shown(READY | {"journal": None}, Settings(data="a b"))

    assert "mdmsim report --data 'a b'" in text
    assert "\nJournal: in memory, gone at the end\n" in text


def test_it_shows_the_content_tokens_of_the_first_locations() -> None:
    places = [{"id": f"p{n}", "name": f"Place {n}", "stoken": f"eyJ{n}"} for n in range(4)]
    organisations = [{"id": "demo", "dep_servers": [], "vpp_locations": places}]

    text = shown(READY | {"organisations": organisations}, Settings())

    assert "\nContent token (sToken) of p0, Place 0:\neyJ0\n" in text
    assert "\n1 further locations: mdmsim token vpp --location ID\n" in text
    assert "eyJ3" not in text


def test_it_names_no_command_that_could_read_nothing_of_what_is_in_memory() -> None:
    ready = READY | {"ca": "/srv/mdmsim/ca.pem", "journal": None}

    text = shown(ready, Settings(data=":memory:"))

    assert ":memory:" not in text
    assert "\nCA to trust: /srv/mdmsim/ca.pem\n" in text
    assert "\nReport: mdmsim report --url http://127.0.0.1:8081 " in text
    assert "Report" not in shown(ready | {"control": None}, Settings(data=":memory:"))
