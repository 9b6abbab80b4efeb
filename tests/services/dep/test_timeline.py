"""Cursors of lines of time that were left."""

from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.services.dep import timeline
from simulator.services.fleet import devices as fleet
from tests.apple import Apple


def fetch(apple: Apple, cursor: str = "") -> Any:
    body = {"cursor": cursor, "limit": 1}
    return apple.call("POST", "/server/devices", body, session=apple.session())


def sync(apple: Apple, cursor: str) -> Any:
    return apple.call("POST", "/devices/sync", {"cursor": cursor}, session=apple.session())


def mark(apple: Apple) -> None:
    apple.run(lambda state: state.set_baseline())


def reset(apple: Apple) -> None:
    def work(state: Any) -> None:
        state.reset()
        timeline.begin(state.of("acme"))

    apple.run(work)


def synced(apple: Apple) -> str:
    cursor: str = sync(apple, fetch(apple).json["cursor"]).json["cursor"]
    return cursor


def test_a_cursor_of_what_was_undone_is_invalid(apple: Apple) -> None:
    mark(apple)
    apple.add("OLD", events=True)
    cursor = synced(apple)

    reset(apple)
    apple.add("NEW", events=True)

    answer = sync(apple, cursor)
    assert (answer.status, answer.text) == (400, "INVALID_CURSOR")


def test_a_cursor_from_before_where_it_went_back_to_misses_nothing(apple: Apple) -> None:
    apple.add("FIRST", events=True)
    cursor = synced(apple)
    mark(apple)
    apple.add("OLD", events=True)
    later = synced(apple)

    reset(apple)
    apple.add("NEW", events=True)

    found = sync(apple, cursor).json["devices"]
    assert [one["serial_number"] for one in found] == ["NEW"]
    assert sync(apple, later).status == 400


def test_a_fetch_that_was_under_way_goes_on_or_begins_anew(apple: Apple) -> None:
    apple.add("A", "B", "C")
    under_way = fetch(apple).json["cursor"]
    mark(apple)
    apple.add("D", "E")
    further = fetch(apple, fetch(apple, fetch(apple, under_way).json["cursor"]).json["cursor"])

    reset(apple)

    again = fetch(apple, under_way)
    assert [one["serial_number"] for one in again.json["devices"]] == ["B"]
    assert fetch(apple, further.json["cursor"]).text == "INVALID_CURSOR"


def test_every_reset_has_a_line_of_its_own(apple: Apple) -> None:
    mark(apple)
    cursors = []
    for number in range(3):
        apple.add(f"N{number}", events=True)
        cursors.append(synced(apple))
        reset(apple)
    apple.add("LAST", events=True)

    assert [sync(apple, cursor).status for cursor in cursors] == [400] * 3
    found = apple.home(lambda home: home.get(timeline.KIND, timeline.KEY))
    assert found is not None
    assert len(found.body["lines"]) == 2


def test_a_line_that_goes_on_from_none_knows_no_earlier_cursor(apple: Apple) -> None:
    cursor = synced(apple)

    apple.home(lambda home: timeline.begin(home, anew=True))

    assert sync(apple, cursor).status == 400


def test_an_organisation_from_before_there_were_lines_is_on_its_first(apple: Apple) -> None:
    cursor = synced(apple)

    apple.home(lambda home: home.delete(timeline.KIND, timeline.KEY))

    assert sync(apple, cursor).status == 200
    apple.home(timeline.begin)
    assert sync(apple, cursor).status == 200


class Lines(RuleBasedStateMachine):
    """A client that syncs, and a state that goes back: it hears of all, or that it must fetch."""

    make = Apple

    @initialize()
    def start(self) -> None:
        self.apple = self.make()
        self.number = 0
        mark(self.apple)
        self.known: set[str] = set()
        self.cursor = ""
        self.fetch_all()

    def fetch_all(self) -> None:
        answer = self.apple.call("POST", "/server/devices", {}, session=self.apple.session())
        self.known = {one["serial_number"] for one in answer.json["devices"]}
        self.cursor = answer.json["cursor"]

    @rule()
    def add(self) -> None:
        self.number += 1
        self.apple.add(f"S{self.number}", events=True)

    @rule()
    def go_back(self) -> None:
        reset(self.apple)

    @rule()
    def mark_here(self) -> None:
        mark(self.apple)

    @rule()
    def sync(self) -> None:
        answer = sync(self.apple, self.cursor)
        if answer.status == 400:
            self.fetch_all()
            return
        self.known |= {one["serial_number"] for one in answer.json["devices"]}
        self.cursor = answer.json["cursor"]

    @invariant()
    def hears_of_everything(self) -> None:
        if not hasattr(self, "apple"):
            return
        there = {one.key for one in self.apple.home(lambda home: home.scan(fleet.DEVICE, limit=99))}
        answer = sync(self.apple, self.cursor)
        if answer.status == 200:
            told = {one["serial_number"] for one in answer.json["devices"]}
            assert there <= self.known | told


TestLines = Lines.TestCase
TestLines.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
