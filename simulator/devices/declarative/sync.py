"""Synchronises declarations with the MDM, applies them, and reports (device.md 7.1)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from simulator.devices.declarative import status
from simulator.devices.declarative.grading import KINDS, graded
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.check_in import declarative
from simulator.devices.enrolment.installing import installed
from simulator.devices.enrolment.profile import MDM, read_profile
from simulator.devices.errors import DeviceError
from simulator.devices.flow import OK, Flow, FlowResponse, Send, perform
from simulator.devices.records import Body, Enrolment
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


def synchronise(
    device: VirtualDevice, enrolment: Enrolment, world: DeviceEnvironment, token: str = ""
) -> Flow[None]:
    """Fetch what changed, apply it and report; *token* is the token that the command told.

    Where the token is the one that the device has, nothing is asked or reported.
    """
    kept = device.declarations
    first = "reported" not in kept
    if not first and token and kept.get("token") == token:
        return
    try:
        changed = yield from _rounds(device, enrolment, world)
        if (changed or first) and not device.options.silent_declarations:
            yield from _report(device, enrolment, first=first)
    except SyncError as error:
        device.happened(world.now_ms(), "finding", f"declarative management: {error}")


def _rounds(device: VirtualDevice, enrolment: Enrolment, world: DeviceEnvironment) -> Flow[bool]:
    changed = False
    for _ in range(_ROUNDS):
        answer = yield from _json(device, enrolment, "tokens")
        token = _text(answer.get("SyncTokens"), "DeclarationsToken")
        if device.declarations.get("token") == token:
            return changed
        manifest = yield from _json(device, enrolment, "declaration-items")
        yield from _update(device, enrolment, world, manifest)
        device.declarations["token"] = _text(manifest, "DeclarationsToken")
        changed = True
    device.happened(world.now_ms(), "finding", f"the declarations moved {_ROUNDS} times")
    return changed


def _text(value: Any, key: str) -> str:
    text = value.get(key) if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise SyncError(f"{key} is missing")
    if len(text.encode()) > _LONGEST_TOKEN:
        raise SyncError(f"{key} has over {_LONGEST_TOKEN} octets")
    return text


def _json(device: VirtualDevice, enrolment: Enrolment, endpoint: str) -> Flow[Body]:
    received = yield from declarative(device, enrolment, endpoint)
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


def _update(
    device: VirtualDevice, enrolment: Enrolment, world: DeviceEnvironment, manifest: Body
) -> Flow[None]:
    """Fetch what is new or changed, then drop what is gone."""
    items: dict[str, Body] = device.declarations.setdefault("items", {})
    wanted = sorted(_listed(manifest), key=lambda one: KINDS.index(one[0]))
    for kind, identifier, token in wanted:
        if items.get(identifier, {}).get("token") == token:
            continue
        received = yield from declarative(device, enrolment, f"declaration/{kind}/{identifier}")
        if received.status == HTTPStatus.NOT_FOUND:
            continue
        declaration = _read(received, f"declaration/{kind}/{identifier}")
        if declaration.get("ServerToken") != token:
            about = f"{identifier}: its ServerToken is not the manifest's"
            device.happened(world.now_ms(), "finding", about)
        payload = declaration.get("Payload")
        item: Body = {
            "kind": kind,
            "token": token,
            "type": _text(declaration, "Type"),
            "payload": payload if isinstance(payload, dict) else {},
        }
        _drop(device, items.get(identifier))
        item |= yield from _applied(device, enrolment, world, item)
        items[identifier] = item
    for identifier in items.keys() - {identifier for _, identifier, _ in wanted}:
        _drop(device, items.pop(identifier))


def _drop(device: VirtualDevice, item: Body | None) -> None:
    """Undo what a declaration did."""
    if item is not None and "profile" in item:
        device.profiles.pop(item["profile"], None)


def _applied(
    device: VirtualDevice, enrolment: Enrolment, world: DeviceEnvironment, item: Body
) -> Flow[Mapping[str, str]]:
    """Do what a declaration asks for; return what to remember of it."""
    if item["type"] in _LEGACY:
        return (yield from _legacy(device, enrolment, world, item["payload"]))
    reference = item["payload"].get("Reference")
    if item["kind"] == "asset" and isinstance(reference, dict):
        return (yield from _asset(device, enrolment, reference))
    return {}


def _legacy(
    device: VirtualDevice, enrolment: Enrolment, world: DeviceEnvironment, payload: Body
) -> Flow[Mapping[str, str]]:
    """Install the profile at ``ProfileURL``."""
    url = payload.get("ProfileURL")
    if not isinstance(url, str):
        return {"problem": "Error.ConfigurationIsInvalid"}
    received = yield from _fetch(device, enrolment, url)
    try:
        if received.status != OK:
            return {"problem": "Error.ConfigurationCannotBeApplied"}
        profile = read_profile(received.body)
        if profile.of_type(MDM):
            return {"problem": "Error.ConfigurationCannotBeApplied"}
        new = yield from installed(profile, device, world)
    except DeviceError:
        return {"problem": "Error.ConfigurationCannotBeApplied"}
    device.profiles[profile.identifier] = new
    return {"profile": profile.identifier}


def _fetch(device: VirtualDevice, enrolment: Enrolment, url: str) -> Flow[FlowResponse]:
    """Fetch a profile with the device's identity."""
    headers = {}
    if enrolment.sign_message:
        headers["Mdm-Signature"] = enrolment.identity.mdm_signature(b"")
    return perform(
        Send(
            method="GET",
            url=url,
            headers=headers,
            purpose="asset",
            identity=None if enrolment.sign_message else enrolment.identity,
            roots=device.roots,
        )
    )


def _asset(device: VirtualDevice, enrolment: Enrolment, reference: Body) -> Flow[Mapping[str, str]]:
    """Fetch an asset and hold it against its size and hash."""
    url = reference.get("DataURL")
    if not isinstance(url, str):
        return {"problem": "Error.AssetCannotBeDeserialized"}
    received = yield from _fetch(device, enrolment, url)
    if received.status != OK:
        return {"problem": "Error.AssetCannotBeDownloaded"}
    digest = hashlib.sha256(received.body).hexdigest()
    right = (
        reference.get("Size", len(received.body)) == len(received.body)
        and str(reference.get("Hash-SHA-256", digest)).lower() == digest
        and reference.get("ContentType", received.content_type) == received.content_type
    )
    return {} if right else {"problem": "Error.AssetCannotBeVerified"}


def _report(device: VirtualDevice, enrolment: Enrolment, *, first: bool) -> Flow[None]:
    items = device.declarations.get("items", {})
    declarations = graded(items, status.items(device))
    body = json.dumps(status.report(device, declarations, first=first)).encode()
    received = yield from declarative(device, enrolment, "status", body)
    if received.status != OK:
        raise SyncError(f"status got {received.status or received.problem}")
    device.declarations["reported"] = True
