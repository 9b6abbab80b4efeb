"""The status report of a device: what it is, and what it makes of its declarations."""

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.devices.declarative.grading import ACTIVATIONS, ASSETS, CONFIGURATIONS, MANAGEMENT
from simulator.devices.device import VirtualDevice
from simulator.devices.models import MACOS, model_name
from simulator.devices.records import Body


def items(device: VirtualDevice) -> dict[str, Any]:
    """Return the status items of a device, by their dotted names."""
    marketing = {MACOS: "macOS"}.get(device.platform, device.platform)
    who = {
        "device.identifier.serial-number": device.serial,
        "device.identifier.udid": device.udid,
    }
    return ({} if device.anonymous else who) | {
        "device.model.family": "Mac" if device.mac else device.family,
        "device.model.identifier": device.product,
        "device.model.marketing-name": model_name(
            str(device.hardware.get("model", "")), device.family
        ),
        "device.operating-system.family": device.platform,
        "device.operating-system.version": device.version,
        "device.operating-system.build-version": device.build,
        "device.operating-system.marketing-name": f"{marketing} {device.version}",
        "passcode.is-compliant": True,
        "passcode.is-present": device.passcode,
        "softwareupdate.install-state": "none",
    }


def capabilities(names: Iterable[str]) -> Body:
    """Return ``management.client-capabilities``; *names* are the status items there are."""
    return {
        "supported-versions": ["1.0.0"],
        "supported-features": {},
        "supported-payloads": {
            "declarations": {
                "activations": list(ACTIVATIONS),
                "assets": list(ASSETS),
                "configurations": list(CONFIGURATIONS),
                "management": list(MANAGEMENT),
            },
            "status-items": sorted((*names, "management.declarations")),
        },
    }


def report(
    device: VirtualDevice, kept: Body, declarations: Mapping[str, Any], *, first: bool
) -> Body:
    """Return a status report with *declarations*, the ``management.declarations``.

    *kept*: what the channel keeps of declarative management. The first report tells
    all of the device, later ones what is subscribed to.
    """
    known = items(device)
    subscribed = known if first else {k: known[k] for k in subscriptions(kept) if k in known}
    flat: dict[str, Any] = {**subscribed, "management.declarations": declarations}
    if first:
        flat["management.client-capabilities"] = capabilities(known)
    return {"StatusItems": _nested(flat), "Errors": [], "FullReport": first}


def subscriptions(kept: Body) -> list[str]:
    """Return the status items that a configuration subscribes to."""
    return [
        str(item.get("Name"))
        for one in kept.get("items", {}).values()
        if one["type"] == "com.apple.configuration.management.status-subscriptions"
        for item in one["payload"].get("StatusItems", [])
        if isinstance(item, dict)
    ]


def _nested(flat: Mapping[str, Any]) -> Body:
    """Return dictionaries within each other for names with dots."""
    nested: Body = {}
    for name, value in flat.items():
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return nested
