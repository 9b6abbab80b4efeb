"""What a device makes of each declaration: valid, active, and why not (device.md 7.3)."""

from collections.abc import Mapping
from typing import Any

from simulator.devices.declarative.predicates import PredicateError, holds
from simulator.devices.records import Body

ACTIVATIONS = ("com.apple.activation.simple",)
ASSETS = (
    "com.apple.asset.credential.userpassword",
    "com.apple.asset.data",
    "com.apple.asset.useridentity",
)
CONFIGURATIONS = (
    "com.apple.configuration.app.managed",
    "com.apple.configuration.legacy",
    "com.apple.configuration.legacy.interactive",
    "com.apple.configuration.management.status-subscriptions",
    "com.apple.configuration.management.test",
    "com.apple.configuration.passcode.settings",
    "com.apple.configuration.softwareupdate.enforcement.specific",
    "com.apple.configuration.softwareupdate.settings",
)
MANAGEMENT = (
    "com.apple.management.organization-info",
    "com.apple.management.properties",
    "com.apple.management.server-capabilities",
)
KINDS = ("activation", "asset", "configuration", "management")
_KNOWN = frozenset((*ACTIVATIONS, *ASSETS, *CONFIGURATIONS, *MANAGEMENT))
_PLURAL = {
    "activation": "activations",
    "asset": "assets",
    "configuration": "configurations",
    "management": "management",
}


def _reason(code: str, description: str = "", **details: Any) -> Body:
    reason: Body = {"code": code}
    if description:
        reason["description"] = description
    return reason | ({"details": details} if details else {})


def graded(items: Mapping[str, Body], status: Mapping[str, Any]) -> Body:
    """Return ``management.declarations`` for the declarations *items*, by identifier.

    Each has ``kind type payload token`` and may have ``problem``, a code that
    says why the device could not apply it.
    """
    active = {
        name
        for one in items.values()
        if one["kind"] == "activation" and _is_active(one, items, status)
        for name in one["payload"].get("StandardConfigurations", [])
    }
    used = set[str]()
    for name, one in items.items():
        if one["kind"] == "configuration" and name in active:
            used |= {text for text in _texts(one["payload"]) if text in items}
    found: Body = {plural: [] for plural in _PLURAL.values()}
    for name, one in sorted(items.items()):
        grade = _grade(name, one, items, status, active | used)
        entry = {"identifier": name, "server-token": one["token"]} | grade
        found[_PLURAL[one["kind"]]].append(entry)
    return found


def _is_active(one: Body, items: Mapping[str, Body], status: Mapping[str, Any]) -> bool:
    return bool(_grade("", one, items, status, set())["active"])


def _grade(
    name: str, one: Body, items: Mapping[str, Body], status: Mapping[str, Any], active: set[str]
) -> Body:
    """Return whether a declaration is active and valid, and the reasons if it is not."""
    if one["type"] not in _KNOWN:
        return _invalid(_reason("Error.UnknownDeclarationType", f"{one['type']} is not known"))
    if problem := one.get("problem"):
        return _invalid(_reason(problem))
    match one["kind"]:
        case "activation":
            return _activation(one, items, status)
        case "configuration" if name not in active:
            return _inactive(_reason("Info.NotReferencedByActivation"))
        case "asset" if name not in active:
            return _inactive(_reason("Info.NotReferencedByConfiguration"))
    return {"active": True, "valid": "valid"}


def _activation(one: Body, items: Mapping[str, Body], status: Mapping[str, Any]) -> Body:
    wanted = one["payload"].get("StandardConfigurations")
    if not isinstance(wanted, list):
        return _invalid(_reason("Error.ConfigurationIsInvalid", "no StandardConfigurations"))
    missing = [name for name in wanted if name not in items]
    if missing:
        return _invalid(_reason("Error.MissingConfigurations", Identifiers=missing))
    predicate = one["payload"].get("Predicate")
    if predicate is None:
        return {"active": True, "valid": "valid"}
    try:
        if holds(str(predicate), status):
            return {"active": True, "valid": "valid"}
    except PredicateError as error:
        return _invalid(_reason("Error.UnableToEvaluatePredicate", str(error)))
    return _inactive(_reason("Info.Predicate"))


def _invalid(reason: Body) -> Body:
    return {"active": False, "valid": "invalid", "reasons": [reason]}


def _inactive(reason: Body) -> Body:
    return {"active": False, "valid": "valid", "reasons": [reason]}


def _texts(value: Any) -> set[str]:
    """Return all strings in a payload: those that are identifiers of assets refer to them."""
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for one in inner for text in _texts(one)}
