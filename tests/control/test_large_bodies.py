"""Large bodies of the control port are read beside the event loop, and forms have a limit."""

import asyncio
import json
import plistlib

import pytest

from simulator.engine.preparation import LARGE, MOST_VALUES, DecodedBody, Decoding
from simulator.protocol.wire import parse_json
from simulator.services.apns.check_in_messages import read_message
from tests.control.conftest import Control

PAGE = "p" * (4 * LARGE)


async def test_a_large_body_is_taken(control: Control) -> None:
    outcome = {"name": "http.response", "status": 503, "body": PAGE}

    status, fault = await control.call("POST", "/faults", {"outcome": outcome})
    answer = await control.ask("GET", "/account")

    assert status == 201
    assert fault["outcome"]["body"] == PAGE
    assert answer == (503, PAGE)


async def test_a_large_check_in_message_is_taken(control: Control) -> None:
    topic = control.simulator.ready["organisations"][0]["push_topics"][0]["topic"]
    message = {
        "MessageType": "TokenUpdate",
        "Topic": topic,
        "Token": b"\xaa" * 32,
        "PushMagic": "m",
    }
    content = plistlib.dumps(message | {"UDID": "1", "More": PAGE}, fmt=plistlib.FMT_BINARY)

    async with control.http.post(
        f"{control.base}/api/v1/push-tokens/checkin", data=content
    ) as answer:
        assert (await answer.json())["token"] == "aa" * 32


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(json.dumps([PAGE]).encode(), "must be a JSON object", id="array"),
        pytest.param(b'{"name": "' + PAGE.encode(), "not JSON", id="broken"),
        pytest.param(b'{"no": "' + PAGE.encode() + b'"}', "no is not known", id="unknown-key"),
    ],
)
async def test_a_large_body_that_is_wrong_is_refused_as_a_short_one(
    control: Control, body: bytes, says: str
) -> None:
    async with control.http.post(f"{control.base}/api/v1/faults", data=body) as answer:
        refused = await answer.json()

    assert (refused["status"], says in refused["detail"]) == (400, True), refused


async def test_nobody_waits_for_a_large_body(control: Control) -> None:
    body = b'{"sequence": [' + b"{}," * 6_000 + b"5]}"
    order: list[str] = []

    async def send() -> None:
        async with control.http.post(f"{control.base}/api/v1/exchanges/verify", data=body) as one:
            assert one.status == 400
        order.append("large")

    async def look() -> None:
        while not order:
            async with control.http.get(f"{control.base}/livez") as one:
                assert one.status == 200
            looks.append(len(looks))

    looks: list[int] = []
    async with asyncio.timeout(60):
        await asyncio.gather(send(), look())

    assert len(looks) > 5


def test_what_has_too_many_values_is_not_handed_on() -> None:
    few = Decoding(parse_json, b"[" + b"[]," * 10 + b"[]]").run()
    many = Decoding(parse_json, b"[" + b"0," * MOST_VALUES + b"0]").run()

    assert few == DecodedBody([[]] * 11)
    assert many == DecodedBody(problem=f"the body has more than {MOST_VALUES} values")


def test_a_property_list_that_refers_to_itself_again_and_again_is_not_handed_on() -> None:
    node: object = "x"
    for _ in range(40):
        node = [node] * 40
    # Written once, such a list is short: plistlib writes equal parts once only.
    content = plistlib.dumps({"a": node}, fmt=plistlib.FMT_BINARY)

    decoded = Decoding(read_message, content).run()

    assert len(content) < 10_000
    assert decoded.problem == f"the body has more than {MOST_VALUES} values"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param(b"token=" + b"x" * 1000, 403, id="short"),
        pytest.param(b"token=" + b"x" * 300_000, 413, id="long"),
        pytest.param(b"a&" * 2000, 413, id="many-fields"),
    ],
)
async def test_a_form_has_a_limit(control: Control, form: bytes, status: int) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    answers = []
    for path in ("/login", "/world/organisations/demo/terms"):
        async with control.http.post(f"{control.base}{path}", data=form, headers=kind) as answer:
            answers.append(answer.status)

    assert answers == [status, status]


async def test_a_body_whose_coding_is_broken_is_refused(control: Control) -> None:
    coded = {"Content-Encoding": "gzip", "Content-Type": "application/json"}

    async with control.http.post(
        f"{control.base}/api/v1/faults", data=b"no gzip", headers=coded
    ) as answer:
        refused = await answer.json(content_type=None)

    assert (answer.status, refused["title"]) == (400, "Bad request")
