"""Oddities of the live APNs, each by its switch."""

from simulator.protocol import quirks
from simulator.services.apns import pushes, registry, topics
from simulator.services.apns.registry import DeviceToken
from tests.apple import Answer, Apple, request

TOKEN = "a1" * 32
TOPIC, OTHER = "com.apple.mgmt.External.a", "com.apple.mgmt.External.b"


def push(apple: Apple, topic: str) -> Answer:
    headers = [("Host", "api.push.apple.com"), ("apns-topic", topic)]
    return apple.send(request("POST", f"/3/device/{TOKEN}", headers, b'{"mdm":"M"}', http="2"))


def prepared(quirk: str) -> Apple:
    apple = Apple(push_auth="none")
    apple.run(lambda state: topics.add(state, "acme", TOPIC))
    apple.run(lambda state: topics.add(state, "acme", OTHER))
    apple.home(lambda home: registry._put(home, DeviceToken(TOKEN, TOPIC, "M", "UDID")))
    apple.run(lambda state: quirks.switch(state, quirk, "acme", is_on=True))
    return apple


def test_a_push_to_another_topic_is_taken_and_dropped() -> None:
    apple = prepared("apns.silent-topic")

    silent, heard = push(apple, OTHER), push(apple, TOPIC)
    apple.run(lambda state: quirks.switch(state, "apns.silent-topic", "*", is_on=False))
    plain = push(apple, OTHER)

    assert (silent.status, heard.status) == (200, 200)
    assert apple.home(pushes.counters)["stored"] == 1
    assert plain.json == {"reason": "DeviceTokenNotForTopic"}


def test_a_refusal_leaves_one_stream_until_a_push_is_taken() -> None:
    apple = prepared("apns.one-stream")

    refused, taken = push(apple, OTHER), push(apple, TOPIC)

    assert refused.status == 400
    assert (refused.response.streams, taken.response.streams) == (1, 1000)
