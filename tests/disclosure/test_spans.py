import pytest

from simulator.core.messages import Exchange, Peer, Request
from simulator.core.timestamps import milliseconds
from simulator.disclosure.judge.spans import BATCH, JournalRange

NOON = "2026-03-01T12:00:00Z"


def exchange(seq: int, at_ms: int = 0) -> Exchange:
    return Exchange(at_ms, Request("GET", "/", (), b"", "http", Peer("127.0.0.1", 1, 1)), seq=seq)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("..", [1, 2, 3], id="all"),
        pytest.param("2..", [2, 3], id="from"),
        pytest.param(" .. 2 ", [1, 2], id="until"),
        pytest.param("2..2", [2], id="one"),
        pytest.param("3..1", [], id="none"),
        pytest.param(f"..{NOON}", [1], id="before"),
        pytest.param(f"{NOON}..", [2, 3], id="since"),
        pytest.param("2026-03-01T13:00:00+01:00..2", [2], id="offset"),
        pytest.param("0..99999999999999999999999", [1, 2, 3], id="far"),
    ],
)
def test_a_span_holds_what_it_says(text: str, expected: list[int]) -> None:
    noon = milliseconds(NOON)
    kept = [exchange(1, noon - 1), exchange(2, noon), exchange(3, noon + 1)]

    found = JournalRange.parse(text).of(
        lambda after, most: [e for e in kept if e.seq > after][:most]
    )

    assert [one.seq for one in found] == expected


def test_no_more_is_read_than_the_numbers_say() -> None:
    asked: list[int] = []

    def read(after: int, most: int) -> list[Exchange]:
        asked.append(after)
        return [exchange(seq) for seq in range(after + 1, after + most + 1)]

    found = list(JournalRange.parse(f"{BATCH + 1}..{BATCH + 3}").of(read))

    assert [one.seq for one in found] == [BATCH + 1, BATCH + 2, BATCH + 3]
    assert asked == [BATCH]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("12", "'12' is no span"),
        ("x..", "'x' is no position"),
        ("..-1", "'-1' is no position"),
        ("2026-03-01T12:00:00..", "is no position"),
        ("\u0663..", "is no position"),
        ("1...2", "'.2' is no position"),
    ],
)
def test_what_is_no_span_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace(".", r"\.")):
        JournalRange.parse(text)
