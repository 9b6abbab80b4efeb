"""Where values came from: from Apple, from the client, or from somewhere that is not this world."""

from collections.abc import Iterable

from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.origins import Origins, known_to
from simulator.disclosure.report.report import Report
from tests.apple import Apple

REAL, OURS, NEW = "C8TJ500QF1MN", "0ZAAAAAAAAAA", "0ZBBBBBBBBBB"


def world() -> Apple:
    apple = Apple()
    apple.add(OURS, NEW)
    return apple


def line(apple: Apple, operation: str, place: str) -> LedgerLine:
    ledger = Ledger(apple.observer, apple.catalogue)
    for exchange in apple.recorded:
        ledger.add(exchange)
    journal = apple.store.journal()
    known = known_to(apple.catalogue, journal.scan, apple.observer.stamps)
    manifest = load_manifest("intune-to-apple")
    report = Report.build(ledger, manifest, apple.catalogue, tool="t", known=known)
    (found,) = [one for one in report.sent if (one.operation, one.place) == (operation, place)]
    return found


def test_a_serial_number_that_was_answered_before_is_an_echo() -> None:
    apple = world()
    session = apple.session()
    apple.call("POST", "/server/devices", {"limit": 100}, session=session)

    apple.call("POST", "/devices", {"devices": [OURS]}, session=session)

    assert line(apple, "dep.details", "/devices/*").novelty == {"echo:dep.fetch": 1}


def test_the_first_to_name_a_value_is_no_echo_of_its_own_answer() -> None:
    apple = world()
    session = apple.session()

    apple.call("POST", "/devices", {"devices": [OURS]}, session=session)
    apple.call("POST", "/devices", {"devices": [OURS, NEW]}, session=session)

    assert line(apple, "dep.details", "/devices/*").novelty == {"novel": 2}


def test_a_serial_number_that_no_device_of_the_world_has_is_foreign() -> None:
    apple = world()
    session = apple.session()

    apple.call("POST", "/devices", {"devices": [OURS, REAL]}, session=session)

    found = line(apple, "dep.details", "/devices/*")
    assert found.novelty == {"foreign": 1, "novel": 1}
    assert "value:foreign" in found.flags
    assert found.severity == "warn"


def test_a_world_without_devices_knows_no_foreign_ones() -> None:
    apple = Apple()
    session = apple.session()

    apple.call("POST", "/devices", {"devices": [REAL]}, session=session)

    assert line(apple, "dep.details", "/devices/*").novelty == {"novel": 1}


def test_tokens_are_joined_though_they_are_sealed() -> None:
    apple = world()
    session = apple.session()
    apple.call("GET", "/account", session=session)

    assert line(apple, "dep.account", "x-adm-auth-session").novelty == {"echo:dep.session": 1}
    assert line(apple, "dep.session", "oauth_consumer_key").novelty == {"novel": 1}
    assert line(apple, "dep.session", "oauth_signature").novelty == {"derived": 1}
    assert line(apple, "dep.session", "oauth_nonce").novelty == {}


def test_a_session_token_from_the_head_of_an_answer_is_an_echo() -> None:
    apple = world()
    session = apple.session()
    apple.advance(100)
    answer = apple.call("GET", "/account", session=session)
    rotated = answer.header("X-ADM-Auth-Session")
    apple.call("GET", "/account", session=rotated)

    assert rotated != session
    assert line(apple, "dep.account", "x-adm-auth-session").novelty == {
        "echo:dep.account": 1,
        "echo:dep.session": 1,
    }


def test_what_was_answered_can_be_put_together_from_parts() -> None:
    apple = world()
    origins, again, later = (Origins(apple.catalogue) for _ in range(3))
    origins.answered("device.serial", (7, 8), 3, "dep.fetch")
    origins.answered("device.serial", (7,), 5, "dep.sync")
    again.answered("device.serial", (7, 8), 3, "dep.fetch")
    later.answered("device.serial", (7,), 5, "dep.sync")

    again.join(later)
    again.settle()

    for one in (origins, again):
        assert one.of("device.serial", 7, 4) == "echo:dep.fetch"
        assert one.of("device.serial", 7, 3) == "novel"
        assert one.of("device.serial", 9, 9) == "novel"
        assert one.of("protocol", 7, 4) == ""
        sent = {7: 4, 9: 9}
        assert one.of_many("device.serial", 0, 100, sent) == {
            "echo:dep.fetch": {7},
            "novel": {9},
        }


def test_what_two_services_issue_is_looked_for_once() -> None:
    apple = world()
    journal, asked = apple.store.journal(), list[tuple[str, str]]()

    def scan(kind: str, name: str) -> Iterable[str]:
        asked.append((kind, name))
        return journal.scan(kind, name)

    known = known_to(apple.catalogue, scan, apple.observer.stamps)

    assert known("device.serial") == set(apple.observer.stamps("device.serial", (OURS, NEW)))
    assert asked == [("dep.device", "")]
