"""The report on a terminal."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.commands import report_screen
from simulator.disclosure.report.rendering import as_dict
from tests.commands.test_report import recorded, request
from tests.disclosure.factories import exchange, post, report_of

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def screen(body: dict[str, object], columns: int = 100, rows: int = 40) -> list[str]:
    report = json.loads(json.dumps(as_dict(report_of(exchange(post(body)), redact="clear"))))
    return "".join(report_screen.lines(report, columns, rows)).splitlines()


def test_the_first_screen_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    lines = screen({"devices": ["A1", "B2"], "contact": "anna@b.example", "odd": "x"})

    assert lines == [
        "FINDINGS: values were sent that must not have been, or that nobody declared.",
        (
            "Sent to Apple: e-mail address of a user (undeclared), serial numbers of 2 devices "
            "(undeclared), odd"
        ),
        "(undocumented).",
        "",
        "People",
        "  fails e-mail address of a user (undeclared)",
        "        made.define body /contact anna@b.example #1",
        "",
        "Devices",
        "  fails serial numbers of 2 devices (undeclared)",
        "        made.define body /devices/* A1 #1",
        "",
        "Of unknown meaning",
        "  fails odd (undocumented)",
        "        made.define body /odd x #1",
        "",
        "1 exchanges, 3 different fields sent, 3 of them that fail",
        "All of it: mdmsim report --full. To hand over: --format html --output FILE",
    ]


def test_it_fits_its_terminal_and_shortens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    long = "a" * 150
    lines = screen({long: "1", **{f"odd{number}": "x" for number in range(40)}}, 60, 40)

    assert max(map(len, lines)) <= 60
    assert long in "".join(line.strip() for line in lines)
    assert len(lines) <= 50  # the sentence is as long as it has to be
    assert any(re.fullmatch(r"  … and \d+ more: mdmsim report --full", line) for line in lines)


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}], ids=["colour", "no-colour"])
def test_only_a_terminal_gets_it_and_colour_only_if_wanted(
    tmp_path: Path, more: dict[str, str]
) -> None:
    recorded(tmp_path, [request()])
    command = [sys.executable, "-m", "simulator", "report", "--data", str(tmp_path)]
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment = plain | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"} | more

    shown = on_terminal(command, environment)
    piped = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=False
    ).stdout.decode()

    assert bool(COLOUR.search(shown)) is not bool(more)
    assert "mdmsim report --full" in shown
    assert len(shown.splitlines()) <= 24
    assert piped.startswith("Disclosure report\n====")
    assert not COLOUR.search(piped)


def on_terminal(command: list[str], environment: dict[str, str]) -> str:
    """Return what *command* prints on a terminal of its own."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs) as process:
        os.close(theirs)
        found = b""
        try:
            while piece := os.read(ours, 65536):
                found += piece
        except OSError:  # Linux ends a terminal so
            pass
        finally:
            os.close(ours)
        assert process.wait() == 0
    return found.decode()
