"""Names of persons are found in what people write, by comparison with names that are known."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from simulator.core.messages import Exchange, Headers, Peer, Request, Response
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.judge.claims import NOTHING_DECLARED
from simulator.disclosure.report import checkpoint, names
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.origins import known_to
from simulator.disclosure.report.recognising import Recogniser
from simulator.disclosure.report.report import Report
from simulator.services.dep import rosters
from tests.apple import Apple

FLAG = "value:person-name"
DEP = "mdmenrollment.apple.com"
PEER = Peer("192.0.2.1", 1, 1, first=False)


def exchange(seq: int, operation: str, body: Any = None, answer: Any = None) -> Exchange:
    paths = {"dep.define": "POST /profile", "dep.account": "GET /account?firstName=Anna"}
    paths["dep.roster_persons"] = "POST /roster/class/person"
    method, _, target = paths[operation].partition(" ")
    headers: Headers = (("Host", DEP), ("User-Agent", "ExampleMDM/1"))
    content = b"" if body is None else json.dumps(body).encode()
    request = Request(method, target, headers, content, "https", PEER)
    answered = b"" if answer is None else json.dumps(answer).encode()
    return Exchange(
        seq=seq, at_ms=seq, service="dep", operation=operation, version=10, request=request,
        response=Response(200, body=answered),
    )  # fmt: skip


def profile(seq: int, name: str) -> Exchange:
    return exchange(seq, "dep.define", {"profile_name": name})


def added(apple: Apple, exchanges: Iterable[Exchange]) -> Ledger:
    ledger = Ledger(apple.observer, apple.catalogue)
    for one in exchanges:
        ledger.add(one)
    return ledger


def line(apple: Apple, ledger: Ledger, field: str = "profile_name") -> LedgerLine:
    known = known_to(apple.catalogue, apple.store.journal().scan, apple.observer.stamps)
    report = Report.build(
        ledger, NOTHING_DECLARED, apple.catalogue, tool="t", known=known, redact="clear"
    )
    return next(one for one in report.sent if one.field == field)


def hold(apple: Apple, name: str) -> None:
    record = {"unique_identifier": "P-1", "name": name, "source_system_identifier": "1"}
    apple.home(lambda home: rosters.write(home, "person", [record], apple.now_ms))


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("Anna's iPad", True),
        ("Annas iPad", True),
        ("ipad-ANNA-3", True),
        ("Lent to Svensson, room 4", True),
        ("Hannah's iPad", False),
        ("Susannas iPad", False),
        ("Bo's iPad", False),
        ("School iPads 2026", False),
    ],
)
def test_a_name_that_the_roster_holds_is_noted(text: str, flagged: bool) -> None:
    with Apple() as apple:
        hold(apple, "Anna Bo Svensson")

        found = line(apple, added(apple, [profile(1, text)]))

    assert (FLAG in found.flags) is flagged
    assert found.severity == ("warn" if flagged else "ok")
    assert found.examples[0].value == text


@pytest.mark.parametrize(
    ("name", "text", "flagged"),
    [
        ("田中 花子", "田中花子のiPad", True),
        ("田中花子", "教室2の田中 花子", True),
        ("アンナ・スヴェンソン", "貸出アンナスヴェンソン様", True),
        ("アンナ・スヴェンソン", "スヴェンソン様のiPad", True),
        ("王伟", "归王伟使用", True),
        ("김민수", "김민수의 아이패드", True),
        ("สมชาย ใจดี", "ไอแพดของสมชาย ใจดี", True),
        ("สมชาย ใจดี", "ไอแพดของสมชาย", True),
        ("अन्ना शर्मा", "अन्ना का iPad", True),
        ("田中 花子", "田中さんのiPad", False),
        ("田中 花子", "花子のiPad", False),
        ("王伟", "王和伟", False),
        ("王", "王的iPad", False),
        ("สมชาย ใจดี", "ไอแพดของใจ", False),
        ("अन्ना शर्मा", "अन्य iPad", False),
    ],
)
def test_a_name_is_found_in_scripts_without_spaces(name: str, text: str, flagged: bool) -> None:
    with Apple() as apple:
        hold(apple, name)

        found = line(apple, added(apple, [profile(1, text)]))

    assert (FLAG in found.flags) is flagged


def test_what_one_value_is_compared_with_has_an_end() -> None:
    assert len(list(names.words_in("田" * 100_000))) == 16_384


def test_nothing_is_guessed() -> None:
    with Apple() as apple:
        found = line(apple, added(apple, [profile(1, "Anna's iPad")]))

    assert found.flags == ()


@pytest.mark.parametrize(
    "knowing",
    [
        pytest.param(exchange(9, "dep.account"), id="sent-as-a-name"),
        pytest.param(
            exchange(
                9, "dep.roster_persons", {"cursor": ""}, {"persons": [{"first_name": "Anna"}]}
            ),
            id="answered",
        ),
    ],
)
def test_a_name_of_another_request_is_noted_with_the_value_it_stands_in(knowing: Exchange) -> None:
    with Apple() as apple:
        ledger = added(apple, [profile(1, "Plain"), profile(2, "Anna's iPad"), knowing])
        kept = checkpoint.dump(ledger, "m", 9, b"")
        again = checkpoint.load(kept, "m", apple.observer, apple.catalogue)
        assert again is not None

        found = line(apple, ledger)
        restored = line(apple, again.ledger)

    assert found.flags == (FLAG,)
    assert [(one.value, one.flags, one.exchange) for one in found.examples] == [
        ("Anna's iPad", (FLAG,), 2),
        ("Plain", (), 1),
    ]
    assert restored == found


def test_each_record_of_an_exchange_is_told_apart() -> None:
    with Apple() as apple:
        hold(apple, "Anna Svensson")
        apple.add("0ZAAAAAAAAAA")
        body = {"profile_name": "Anna's iPad", "department": "IT", "note": "0ZAAAAAAAAAA"}
        sent = exchange(1, "dep.define", body)
        ledger = added(apple, [sent])
        known = known_to(apple.catalogue, apple.store.journal().scan, apple.observer.stamps)
        match = apple.catalogue.match(sent.request)
        records = apple.observer.observe(sent.request, match.operation, match.service)
        texts = apple.observer.texts(sent.request, match.operation, match.service)

        found = Recogniser(ledger, known).records(zip(records, texts, strict=True))

    told = {one.at: (one.concept, one.flags) for one, _ in found if one.part == "body"}
    assert told == {
        "/profile_name": ("dep.profile_name", (FLAG,)),
        "/department": ("org.department", ()),
        "/note": ("device.serial", ("undocumented", "misplaced")),
    }


def test_the_concepts_are_there() -> None:
    assert CONCEPTS.keys() >= names.NAMES
    assert CONCEPTS.keys() >= names.WRITTEN
