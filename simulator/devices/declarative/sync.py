"""Synchronises declarations with the MDM, applies them, and reports (device.md 7.1)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from simulator.devices.declarative import status
from simulator.devices.declarative.grading import KINDS, graded
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.check_in import declarative
from simulator.devices.enrolment.installing import installed
from simulator.devices.enrolment.profile import MDM, read_profile
from simulator.devices.errors import DeviceError
from simulator.devices.flow import OK, Flow, FlowResponse, Send, perform
from simulator.devices.records import Body, DeviceUser, Enrolment, InstalledProfile
from simulator.devices.world import DeviceEnvironment

_ROUNDS = 3
"""How often a device begins anew because the token moved meanwhile (as Fleet's client)."""
_LEGACY = ("com.apple.configuration.legacy", "com.apple.configuration.legacy.interactive")
_SECTIONS = {
    "Activations": "activation",
    "Assets": "asset",
    "Configurations": "configuration",
    "Management": "management",
}
_LONGEST_TOKEN = 256


class SyncError(Exception):
    """The server's answer cannot be used."""


class Channel(Struct, frozen=True):
    """Whom the declarations are for: a device, or a user of it."""

    device: VirtualDevice
    enrolment: Enrolment
    world: DeviceEnvironment
    user: DeviceUser | None = None

    @property
    def kept(self) -> Body:
        """What declarative management keeps: token, manifest, declarations."""
        return (self.user or self.device).declarations

    @property
    def profiles(self) -> dict[str, InstalledProfile]:
        """The profiles of the channel."""
        return (self.user or self.device).profiles

    def finding(self, text: str) -> None:
        """Note what is wrong with the server."""
        self.device.happened(self.world.now_ms(), "finding", text)

    def ask(self, endpoint: str, data: bytes | None = None) -> Flow[FlowResponse]:
        """Ask an endpoint, or give it *data*."""
        return declarative(self.device, self.enrolment, self.user, endpoint, data)


def synchronise(channel: Channel, token: str = "") -> Flow[None]:
    """Fetch what changed, apply it and report; *token* is the token that the command told.

    Where the token is the one that the device has, nothing is asked or reported.
    """
    kept = channel.kept
    first = "reported" not in kept
    if not first and token and kept.get("token") == token:
        return
    try:
        changed = yield from _rounds(channel)
        if (changed or first) and not channel.device.options.silent_declarations:
            yield from _report(channel, first=first)
    except SyncError as error:
        channel.finding(f"declarative management: {error}")


def _rounds(channel: Channel) -> Flow[bool]:
    changed = False
    for _ in range(_ROUNDS):
        answer = yield from _json(channel, "tokens")
        token = _text(answer.get("SyncTokens"), "DeclarationsToken")
        if channel.kept.get("token") == token:
            return changed
        manifest = yield from _json(channel, "declaration-items")
        yield from _update(channel, manifest)
        channel.kept["token"] = _text(manifest, "DeclarationsToken")
        changed = True
    channel.finding(f"the declarations moved {_ROUNDS} times")
    return changed


def _text(value: Any, key: str) -> str:
    text = value.get(key) if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise SyncError(f"{key} is missing")
    if len(text.encode()) > _LONGEST_TOKEN:
        raise SyncError(f"{key} has over {_LONGEST_TOKEN} octets")
    return text


def _json(channel: Channel, endpoint: str) -> Flow[Body]:
    received = yield from channel.ask(endpoint)
    return _read(received, endpoint)


def _read(received: FlowResponse, what: str) -> Body:
    if received.status != OK:
        why = f"status {received.status}" if received.status else received.problem
        raise SyncError(f"{what} got {why}")
    try:
        body = json.loads(received.body)
    except (ValueError, RecursionError):
        raise SyncError(f"{what} got a response that is not JSON") from None
    if not isinstance(body, dict):
        raise SyncError(f"{what} got a response that is not an object")
    return body


def _listed(manifest: Body) -> Iterator[tuple[str, str, str]]:
    """Yield kind, identifier and server token of each declaration of a manifest."""
    sections = manifest.get("Declarations")
    if not isinstance(sections, dict):
        raise SyncError("Declarations is missing")
    for section, kind in _SECTIONS.items():
        if not isinstance(sections.get(section), list):
            raise SyncError(f"Declarations lacks {section}")
        for one in sections[section]:
            yield kind, _text(one, "Identifier"), _text(one, "ServerToken")


def _update(channel: Channel, manifest: Body) -> Flow[None]:
    """Fetch what is new or changed, then drop what is gone."""
    items: dict[str, Body] = channel.kept.setdefault("items", {})
    wanted = sorted(_listed(manifest), key=lambda one: KINDS.index(one[0]))
    for kind, identifier, token in wanted:
        if items.get(identifier, {}).get("token") == token:
            continue
        received = yield from channel.ask(f"declaration/{kind}/{identifier}")
        if received.status == HTTPStatus.NOT_FOUND:
            continue
        declaration = _read(received, f"declaration/{kind}/{identifier}")
        if declaration.get("ServerToken") != token:
            channel.finding(f"{identifier}: its ServerToken is not the manifest's")
        payload = declaration.get("Payload")
        item: Body = {
            "kind": kind,
            "token": token,
            "type": _text(declaration, "Type"),
            "payload": payload if isinstance(payload, dict) else {},
        }
        _drop(channel, items.get(identifier))
        item |= yield from _applied(channel, item)
        items[identifier] = item
    for identifier in items.keys() - {identifier for _, identifier, _ in wanted}:
        _drop(channel, items.pop(identifier))


def _drop(channel: Channel, item: Body | None) -> None:
    """Undo what a declaration did."""
    if item is not None and "profile" in item:
        channel.profiles.pop(item["profile"], None)


def _applied(channel: Channel, item: Body) -> Flow[Mapping[str, str]]:
    """Do what a declaration asks for; return what to remember of it."""
    if item["type"] in _LEGACY:
        return (yield from _legacy(channel, item["payload"]))
    reference = item["payload"].get("Reference")
    if item["kind"] == "asset" and isinstance(reference, dict):
        return (yield from _asset(channel, reference))
    return {}


def _legacy(channel: Channel, payload: Body) -> Flow[Mapping[str, str]]:
    """Install the profile at ``ProfileURL``."""
    url = payload.get("ProfileURL")
    if not isinstance(url, str):
        return {"problem": "Error.ConfigurationIsInvalid"}
    received = yield from _fetch(channel, url)
    try:
        if received.status != OK:
            return {"problem": "Error.ConfigurationCannotBeApplied"}
        profile = read_profile(received.body)
        if profile.of_type(MDM):
            return {"problem": "Error.ConfigurationCannotBeApplied"}
        new = yield from installed(profile, channel.device, channel.world)
    except DeviceError:
        return {"problem": "Error.ConfigurationCannotBeApplied"}
    channel.profiles[profile.identifier] = new
    return {"profile": profile.identifier}


def _fetch(channel: Channel, url: str) -> Flow[FlowResponse]:
    """Fetch a profile with the device's identity."""
    enrolment, headers = channel.enrolment, {}
    if enrolment.sign_message:
        headers["Mdm-Signature"] = enrolment.identity.mdm_signature(b"")
    return perform(
        Send(
            method="GET",
            url=url,
            headers=headers,
            purpose="asset",
            identity=None if enrolment.sign_message else enrolment.identity,
            roots=channel.device.roots,
        )
    )


def _asset(channel: Channel, reference: Body) -> Flow[Mapping[str, str]]:
    """Fetch an asset and hold it against its size and hash."""
    url = reference.get("DataURL")
    if not isinstance(url, str):
        return {"problem": "Error.AssetCannotBeDeserialized"}
    received = yield from _fetch(channel, url)
    if received.status != OK:
        return {"problem": "Error.AssetCannotBeDownloaded"}
    digest = hashlib.sha256(received.body).hexdigest()
    right = (
        reference.get("Size", len(received.body)) == len(received.body)
        and str(reference.get("Hash-SHA-256", digest)).lower() == digest
        and reference.get("ContentType", received.content_type) == received.content_type
    )
    return {} if right else {"problem": "Error.AssetCannotBeVerified"}


def _report(channel: Channel, *, first: bool) -> Flow[None]:
    device, kept = channel.device, channel.kept
    declarations = graded(kept.get("items", {}), status.items(device))
    body = json.dumps(status.report(device, kept, declarations, first=first)).encode()
    received = yield from channel.ask("status", body)
    if received.status != OK:
        raise SyncError(f"status got {received.status or received.problem}")
    kept["reported"] = True
