"""Pushes that APNs refuses, with what it answers; each client sends those that it can."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from tests.clients.apns.pushing import Client, Device, Provider, Push, Result

OTHER_TOPIC = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000"
UNKNOWN_TOKEN = "0" * 64
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A push to a device, and the status and reason it is refused with."""

    status: int
    reason: str
    push: Callable[[Device], Push]


def _with(**headers: str | int) -> Callable[[Device], Push]:
    return lambda one: one.push(**{"apns_topic": one.topic, **headers})


def _to(token: Callable[[Device], str]) -> Callable[[Device], Push]:
    return lambda one: replace(_with()(one), token=token(one))


def _of(payload: Mapping[str, str]) -> Callable[[Device], Push]:
    return lambda one: replace(_with()(one), payload=payload)


REFUSALS = {
    "unknown-token": Refusal(400, "BadDeviceToken", _to(lambda _: UNKNOWN_TOKEN)),
    "short-token": Refusal(400, "BadDeviceToken", _to(lambda one: one.token[:28])),
    "no-hexadecimal": Refusal(400, "BadDeviceToken", _to(lambda _: "z" * 64)),
    "no-token": Refusal(400, "MissingDeviceToken", _to(lambda _: "")),
    "other-topic": Refusal(400, "TopicDisallowed", _with(apns_topic=OTHER_TOPIC)),
    "priority": Refusal(400, "BadPriority", _with(apns_priority=7)),
    "push-type": Refusal(400, "InvalidPushType", _with(apns_push_type="pigeon")),
    "collapse-id": Refusal(400, "BadCollapseId", _with(apns_collapse_id="x" * 65)),
    "id": Refusal(400, "BadMessageId", _with(apns_id="no-uuid")),
    "expiration": Refusal(400, "BadExpirationDate", _with(apns_expiration=-1)),
    "empty": Refusal(400, "PayloadEmpty", _of({})),
    "large": Refusal(413, "PayloadTooLarge", _of({"mdm": "x" * 4096})),
}


def assert_each_reason_is_told(
    provider: Provider, client: Client, device: Device, *, unable: Collection[str]
) -> list[Result]:
    """Send all refusals but those that *client* is *unable* to send; check the reasons it tells.

    The statuses are checked in the journal, since not every client tells them.
    """
    cases = {name: one for name, one in REFUSALS.items() if name not in unable}
    pushes = [one.push(device) for one in cases.values()]

    results = provider.send(client, *pushes)

    told = {name: found.reason for name, found in zip(cases, results, strict=True)}
    assert told == {name: one.reason for name, one in cases.items()}, results
    assert [line["status"] for line in provider.pushed()] == [one.status for one in cases.values()]
    return results
