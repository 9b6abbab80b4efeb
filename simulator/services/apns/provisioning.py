"""What stands around the push service: topics with their certificates, and devices to push to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from simulator.core.state import State
from simulator.pki.push import P12_PASSWORD
from simulator.protocol.documents import read_list, refuse_duplicates, text
from simulator.protocol.fields import Integer, Objects, String
from simulator.services.apns import SERVICE, registry, topics
from simulator.services.apns.registry import DeviceToken
from simulator.services.provisioning import (
    Credential,
    Example,
    File,
    Held,
    Issuing,
    Making,
    Provisioning,
    Rows,
    Seeding,
    Step,
    Trying,
    WorldPart,
)

_HEX_BYTES = r"(?:[0-9a-fA-F]{2}){1,100}"
PUSH_DEVICE = (
    text("udid", "UDID.", required=True, example="00008110-000A1B2C3D4E5F60"),
    String(
        "token",
        "Device token in hexadecimal.",
        required=True,
        pattern=_HEX_BYTES,
        says="a device token: 1 to 100 bytes in hexadecimal",
        example="a1" * 32,
    ),
    text("magic", "PushMagic.", required=True, example="7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"),
)
KEYS = (
    Integer(
        "push_topics",
        "How many push topics it has, each with a certificate.",
        least=1,
        most=100,
        default=1,
        example=1,
    ),
    Objects(
        "push_device", "Devices that have checked in for its first push topic.", fields=PUSH_DEVICE
    ),
)


class PushDevice(Struct, frozen=True):
    """A device that has checked in with its MDM server, as that knows it."""

    udid: str
    token: str
    """Hexadecimal, lower case."""
    magic: str


class PushPart(Struct, frozen=True):
    """What a world says of an organisation's pushes."""

    topics: int = 1
    devices: tuple[PushDevice, ...] = ()


def _read(organisations: Sequence[Rows]) -> list[PushPart]:
    parts = []
    for place, values in organisations:
        rows = read_list(values["push_device"], "organisation.push_device", PUSH_DEVICE, place)
        refuse_duplicates("token", [(at, device["token"].lower()) for at, device in rows])
        devices = tuple(
            PushDevice(**device | {"token": device["token"].lower()}) for _, device in rows
        )
        parts.append(PushPart(values["push_topics"], devices))
    return parts


def _seed(seeding: Seeding) -> Iterator[Step]:
    yield partial(_add_topics, seeding=seeding)


def _add_topics(state: State, *, seeding: Seeding) -> int:
    own, part = state.of(seeding.organisation), seeding.part or PushPart()
    for number in range(part.topics):
        topic = topics.made(seeding.organisation, seeding.seed, number)
        topics.add(own, seeding.organisation, topic)
    for device in part.devices:
        message = {
            "MessageType": "TokenUpdate",
            "Topic": topics.made(seeding.organisation, seeding.seed),
            "UDID": device.udid,
            "Token": bytes.fromhex(device.token),
            "PushMagic": device.magic,
        }
        registry.check_in(own, message, seeding.now_ms)
    return 0


def _complete(state: State, organisation: str, seed: int) -> None:
    """Give an organisation that has no push topic one."""
    if not topics.names(state, organisation):
        topics.add(state, organisation, topics.made(organisation, seed))


def _held(state: State, organisation: str) -> Iterator[Held]:
    for topic in topics.names(state, organisation):
        revoked = (topics.find(state, topic) or {})["revoked"]
        yield Held(
            id=topic,
            name=topic,
            entry={"topic": topic, "pkcs12_password": P12_PASSWORD},
            state="revoked" if "*" in revoked else "active",
            # The certificate's file holds it alone, as Apple hands it out: some MDM servers take
            # the last certificate of a file for the one that the key is for.
            files=(
                File(key="key", name=f"push/{topic}.key"),
                File(key="joined", name=f"push/{topic}.joined.pem"),
                File(key="pkcs12", name=f"push/{topic}.p12"),
                File(key="pkcs12_legacy", name=f"push/{topic}.legacy.p12"),
                File(key="certificate", name=f"push/{topic}.pem", secret=False),
            ),
            make=partial(_mint, topic),
        )


def _mint(topic: str, making: Making) -> tuple[bytes, ...]:
    made = making.push_authority.mint(topic, making.now, key=making.topic_key())
    return made.key_pem, made.joined_pem, made.p12, made.legacy_p12, made.certificate_pem


def _line(entry: Mapping[str, Any]) -> str:
    return f"{entry['topic']}  (certificate {entry['certificate']}, key beside)"


def _add(state: State, new: Issuing) -> None:
    topics.add(state, new.organisation, new.id)


def _examples(trying: Trying) -> Iterator[Example]:
    if not trying.base.startswith("https"):
        return
    device = active_device(trying.state)
    pairs = {
        pair["topic"]: pair for one in trying.organisations for pair in one.get("push_topics", ())
    }
    pair = pairs.get(device.topic) if device else None
    if device is not None and pair is not None and pair.get("written", True):
        shown = ("-i", "--http2", "--cert", pair["certificate"], "--key", pair["key"])
        header = ("-H", f"apns-topic: {device.topic}", "-H", "apns-push-type: mdm")
        url = f"{trying.base}/3/device/{device.token}"
        yield Example(
            about="Wake a device",
            arguments=(*shown, *header),
            secret={"url": url, "data": json.dumps({"mdm": device.magic})},
        )


def active_device(state: State) -> DeviceToken | None:
    """Return a device token that a push would reach, or None."""
    for organisation in state.organisations_with(registry.TOKEN):
        for one in state.of(organisation).scan(registry.TOKEN, limit=100):
            device = DeviceToken.of(one)
            if device.state == "active" and topics.find(state, device.topic) is not None:
                return device
    return None


PROVISIONING = Provisioning(
    service=SERVICE,
    title="Push notifications",
    rank=30,
    world=WorldPart(KEYS, _read),
    seed=_seed,
    complete=_complete,
    credentials=(
        Credential(
            name="push",
            title="Push topic",
            holder="push topic",
            ready="push_topics",
            held=_held,
            add=_add,
            listed=True,
            line=_line,
        ),
    ),
    examples=_examples,
)
