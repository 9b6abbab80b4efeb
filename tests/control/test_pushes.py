import asyncio
import base64
import plistlib
from functools import partial
from typing import Any

import biplist  # type: ignore[import-untyped]  # it is of 2017
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.state import State
from simulator.services.apns import pushes
from tests.control.conftest import Control

MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
RAW = bytes(range(32))


def message(topic: str, **changes: Any) -> dict[str, Any]:
    return {
        "MessageType": "TokenUpdate",
        "Topic": topic,
        "UDID": "device-1",
        "Token": RAW,
        "PushMagic": MAGIC,
    } | changes


def topic_of(control: Control) -> str:
    topic: str = control.simulator.ready["organisations"][0]["push_topics"][0]["topic"]
    return topic


async def check_in(control: Control, form: Any = plistlib.FMT_XML, **changes: Any) -> Any:
    body = plistlib.dumps(message(topic_of(control), **changes), fmt=form)
    return await control.call("POST", "/push-tokens/checkin", data=body)


def by_biplist(value: Any) -> bytes:
    """Write a binary property list with a library that is not Python's."""
    written: bytes = biplist.writePlistToString(value, binary=True)
    return written


WRITERS = [
    pytest.param(partial(plistlib.dumps, fmt=plistlib.FMT_XML), id="xml"),
    pytest.param(partial(plistlib.dumps, fmt=plistlib.FMT_BINARY), id="binary"),
    pytest.param(by_biplist, id="biplist"),
]


@pytest.mark.parametrize("write", WRITERS)
async def test_a_check_in_registers_a_token(control: Control, write: Any) -> None:
    content = write(message(topic_of(control), AwaitingConfiguration=False, UserID="u-\u00e9"))
    status, answer = await control.call("POST", "/push-tokens/checkin", data=content)
    _, listed = await control.call("GET", "/push-tokens")

    assert (status, answer["token"]) == (200, RAW.hex())
    assert [one["token"] for one in listed["push_tokens"]] == [RAW.hex()]


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=9) | st.binary(max_size=40),
        lambda inside: (
            st.lists(inside, max_size=3)
            | st.dictionaries(st.text("aKey/~", min_size=1, max_size=4), inside, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_plists_mean_the_same_to_biplist(value: Any) -> None:
    ours = plistlib.dumps({"value": value}, fmt=plistlib.FMT_BINARY, sort_keys=False)

    assert biplist.readPlistFromString(ours) == {"value": value}
    assert plistlib.loads(by_biplist({"value": value})) == {"value": value}


async def test_a_made_up_topic_can_be_replaced(control: Control) -> None:
    content = plistlib.dumps(message("com.apple.mgmt.External.device-1"))

    status, _ = await control.call("POST", "/push-tokens/checkin", data=content)
    query = {"topic": topic_of(control), "environment": "development"}
    taken, answer = await control.call("POST", "/push-tokens/checkin", data=content, params=query)
    odd, _ = await control.call(
        "POST", "/push-tokens/checkin", data=content, params={"environment": "moon"}
    )

    assert (status, taken, odd) == (404, 200, 400)
    [changed] = answer["changed"]
    assert (changed["topic"], changed["environment"]) == (topic_of(control), "development")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"no plist", "no property list", id="text"),
        pytest.param(b"bplist00" + b"\xff" * 40, "no property list", id="broken-binary"),
        pytest.param(
            b'<!DOCTYPE p [<!ENTITY a "b">]><plist><string>&a;</string></plist>',
            "no property list",
            id="entities",
        ),
        pytest.param(plistlib.dumps([1]), "must be a dictionary", id="array"),
        pytest.param(
            plistlib.dumps({"MessageType": "TokenUpdate", "Topic": "x"}),
            "no push topic",
            id="topic",
        ),
    ],
)
async def test_a_bad_check_in_is_refused(control: Control, body: bytes, detail: str) -> None:
    status, problem = await control.call("POST", "/push-tokens/checkin", data=body)

    assert status in (400, 404)
    assert detail in problem["detail"]


async def test_a_check_in_that_lacks_a_key_says_which(control: Control) -> None:
    status, problem = await check_in(control, PushMagic="")

    assert (status, problem["detail"]) == (
        400,
        "the check-in message needs PushMagic, as a string",
    )


@pytest.mark.parametrize(
    ("path", "event"),
    [
        pytest.param("/api/v1/push-tokens/{token}/events", "push", id="own"),
        pytest.param("/events?token={token}", "ping", id="fleet"),
    ],
)
async def test_a_device_hears_of_its_push(control: Control, path: str, event: str) -> None:
    settings = control.simulator.settings
    assert settings.push_auth == "required"
    await check_in(control)
    url = control.base + path.format(token=RAW.hex())

    async with control.http.get(url) as stream:
        assert stream.content_type == "text/event-stream"
        begun = await stream.content.readuntil(b"\n\n")
        waiting = asyncio.ensure_future(stream.content.readuntil(b"\n\n"))
        await push(control)
        heard = await asyncio.wait_for(waiting, 5)

    assert begun.startswith(b": ")
    assert heard.startswith(f"event: {event}\ndata: ".encode())
    assert MAGIC.encode() in heard


async def listed(control: Control) -> list[dict[str, Any]]:
    """Return what the API knows of the pushes to the device."""
    _, one = await control.call("GET", f"/push-tokens/{RAW.hex()}/pushes")
    _, every = await control.call("GET", "/push-tokens")
    assert every["push_tokens"][0]["pushes"] == one["pushes"]
    found: list[dict[str, Any]] = one["pushes"]
    return found


async def test_a_push_is_listed_while_it_waits_and_once_it_is_delivered(control: Control) -> None:
    await check_in(control)
    before = await listed(control)
    await push(control)
    waiting = await listed(control)
    async with control.http.get(f"{control.base}/events?token={RAW.hex()}") as stream:
        await stream.content.readuntil(b"\n\n")
        await stream.content.readuntil(b"\n\n")
    after = await listed(control)

    assert before == []
    assert [one["status"] for one in waiting] == ["waiting"]
    assert waiting[0]["topic"] == topic_of(control)
    assert waiting[0]["magic"] == MAGIC
    assert "payload" not in waiting[0]
    [heard] = after
    assert heard["status"] == "delivered"
    assert heard["delivered_ms"] >= heard["stored_ms"]


async def test_a_push_that_no_device_fetched_in_time_is_listed_as_expired(control: Control) -> None:
    await check_in(control)
    await push(control)

    await control.call("PUT", "/clock", {"advance_s": 60})

    assert [one["status"] for one in await listed(control)] == ["expired"]
    nobody, none = await control.call("GET", f"/push-tokens/{'00' * 32}/pushes")
    odd, _ = await control.call("GET", "/push-tokens/zz/pushes")
    assert (nobody, none, odd) == (200, {"pushes": []}, 404)


async def push(control: Control) -> None:
    """Store a push as the service does, and wake who listens: plain HTTP shows no certificate."""
    now_ms = control.simulator.clock.now_ms()
    waiting = pushes.Push(
        "id", topic_of(control), f'{{"mdm":"{MAGIC}"}}', MAGIC, True, now_ms, now_ms + 9000
    )

    def work(state: State) -> None:
        pushes.store(state.of("demo"), None, RAW.hex(), waiting)

    gateway = control.simulator.gateway
    await gateway.run(work)
    gateway.notifier.wake_topic(RAW.hex())


async def test_tokens_die_come_back_and_are_throttled(control: Control) -> None:
    await check_in(control)
    path = f"/push-tokens/{RAW.hex()}"

    _, gone = await control.call("POST", f"{path}/unregister")
    _, expired = await control.call("POST", f"{path}/expire")
    _, back = await control.call("POST", f"{path}/activate")
    _, slow = await control.call("POST", f"{path}/throttle", {"seconds": 60})
    bad, _ = await control.call("POST", f"{path}/throttle", {"seconds": -1})
    unknown, _ = await control.call("POST", f"{path}/paint")
    nobody, _ = await control.call("POST", f"/push-tokens/{'00' * 32}/expire")

    assert [one["state"] for one in (gone, expired, back)] == ["unregistered", "expired", "active"]
    assert slow["throttled_until_ms"] > slow["since_ms"]
    assert (bad, unknown, nobody) == (400, 404, 404)


async def test_topics_are_added_with_a_certificate_and_revoked(control: Control) -> None:
    status, added = await control.call("POST", "/push-topics", {})
    bad, _ = await control.call("POST", "/push-topics", {"topic": 5})
    odd, _ = await control.call("POST", "/push-topics", {"topic": "no topic!"})
    _, revoked = await control.call("POST", f"/push-topics/{added['topic']}/revoke")
    nobody, _ = await control.call("POST", "/push-topics/none/revoke")
    _, listed = await control.call("GET", "/push-topics")

    assert status == 201
    assert added["topic"].startswith("com.apple.mgmt.External.")
    assert added["certificate"].count("BEGIN CERTIFICATE") == 1
    assert added["chain"].startswith(added["certificate"])
    assert (bad, odd, nobody) == (400, 400, 404)
    assert revoked["revoked"] == ["*"]
    assert {one["topic"] for one in listed["push_topics"]} == {added["topic"], topic_of(control)}


async def test_a_stream_for_no_token_is_refused(control: Control) -> None:
    async with control.http.get(f"{control.base}/events?token=zz") as answer:
        assert answer.status == 400


IGNORED = (
    "GetToken",
    "SetBootstrapToken",
    "GetBootstrapToken",
    "UserAuthenticate",
    "DeclarativeManagement",
)


@pytest.mark.parametrize("kind", IGNORED)
async def test_a_check_in_about_no_token_changes_nothing(control: Control, kind: str) -> None:
    content = plistlib.dumps({"MessageType": kind, "UDID": "device-1"})

    answer = await control.call("POST", "/push-tokens/checkin", data=content)

    assert answer == (200, {"token": None, "changed": []})


async def test_an_event_of_the_webhook_teaches_the_token_it_holds(control: Control) -> None:
    raw = base64.b64encode(plistlib.dumps(message(topic_of(control)))).decode()
    event = {"topic": "mdm.TokenUpdate", "checkin_event": {"udid": "device-1", "raw_payload": raw}}
    other = {"topic": "mdm.Connect", "acknowledge_event": {"udid": "device-1", "status": "Idle"}}

    status, answer = await control.call("POST", "/push-tokens/checkin", event)
    ignored = await control.call("POST", "/push-tokens/checkin", other)
    bad, problem = await control.call("POST", "/push-tokens/checkin", {"topic": 5})

    assert (status, answer["token"]) == (200, RAW.hex())
    assert ignored == (200, {"token": None, "changed": []})
    assert bad == 400
    assert "no event of MicroMDM's webhook" in problem["detail"]


async def test_users_of_a_shared_ipad_keep_their_own_tokens(control: Control) -> None:
    user = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
    for name in ("anna", "bo"):
        await check_in(control, UserID=user, UserShortName=name, Token=name.encode() * 8)

    _, listed = await control.call("GET", "/push-tokens")

    assert [(one["owner"], one["state"]) for one in listed["push_tokens"]] == [
        ("device-1|anna", "active"),
        ("device-1|bo", "active"),
    ]
