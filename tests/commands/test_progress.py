"""Progress bars."""

import io

import pytest

from simulator.commands.progress import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("file", "shown", "seen"),
    [
        pytest.param(Terminal(), True, True, id="terminal"),
        pytest.param(Terminal(), False, False, id="few"),
        pytest.param(io.StringIO(), True, False, id="file"),
    ],
)
def test_a_bar_is_for_those_who_look(
    monkeypatch: pytest.MonkeyPatch, file: io.StringIO, shown: bool, seen: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", file)

    with bar("counting", 2, shown=shown) as advance:
        advance(2)

    assert ("counting" in file.getvalue()) == seen
    assert ("2/2" in file.getvalue()) == seen
