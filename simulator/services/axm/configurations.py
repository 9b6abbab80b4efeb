"""``configurations``: settings that blueprints hold; only custom profiles can be written."""

import plistlib
from typing import Any
from xml.parsers.expat import ExpatError

from simulator.core.state import Body, Entity
from simulator.protocol.fields import Field, Object, String, Strings
from simulator.protocol.items import Items
from simulator.protocol.operations import Call, operation
from simulator.services import audit
from simulator.services.axm import access, errors, paging
from simulator.services.axm.blueprint_rows import is_held
from simulator.services.axm.documents import (
    DOCS,
    Links,
    document,
    fields_row,
    identifier_row,
    listing,
    names,
    resource_rows,
    single,
    uuid_of,
)
from simulator.services.axm.entities import WriteEntity, entity_rows
from simulator.services.axm.stored import find_stored, get_stored, scan_light, show, shower, stamps

CONFIGURATION, KIND = "axm.configuration", "configurations"
CUSTOM = "CUSTOM_SETTING"
_PLATFORMS = ("PLATFORM_MACOS", "PLATFORM_IOS", "PLATFORM_TVOS", "PLATFORM_VISIONOS")
_EXTENSION = ".mobileconfig"
_PER_WEIGHT = 100
"""Characters of a profile that weigh as much in a page as a member of a blueprint."""


def _text(name: str, about: str, concept: str, **more: Any) -> String:
    return String(name, about, concept=concept, source="AXM-D, AXM-HI", **more)


def _profile(text: str, _: object) -> str:
    """Return why *text* is no profile as XML, or has no payloads; an empty string if it has."""
    try:
        tree = plistlib.loads(text.encode(), fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError, AttributeError, IndexError, TypeError):
        return "is no property list: send its XML text, not base64"
    has_payloads = isinstance(tree, dict) and tree.get("PayloadContent")
    return "" if has_payloads else "has no PayloadContent"


_SENT: tuple[Field, ...] = (
    _text("type", f"Kind; only {CUSTOM} can be written.", "protocol"),
    _text("name", "Name.", "content.name"),
    Strings(
        "configuredForPlatforms",
        "Systems that it is for.",
        concept="protocol",
        values=_PLATFORMS,
        source="AXM-D",
    ),
    Object(
        "customSettingsValues",
        "The profile; null in lists.",
        source="AXM-D, AXM-HI",
        fields=(
            _text(
                "configurationProfile",
                "The profile as XML text.",
                "content.profile",
                check=_profile,
                invalid=errors.PARAMETER_INVALID,
                example="<plist><dict><key>PayloadContent</key><array><dict/></array></dict></plist>",
            ),
            _text("filename", "Name of its file.", "content.name"),
        ),
    ),
)
ROWS: tuple[Field, ...] = (
    *_SENT,
    _text("createdDateTime", "When it was made.", "server.time"),
    _text("updatedDateTime", "When it was changed last.", "server.time"),
)
_RESOURCE = resource_rows(KIND, ROWS, concept="content.id")
_ID = identifier_row("Id of the configuration.", "content.id")
_FIELDS = fields_row(KIND, names(ROWS), "20+")
_WRITE_ERRORS = (*errors.ENTITY, errors.PARAMETER_INVALID)


@operation(
    "GET /v1/configurations",
    "List the configurations.",
    name="axm.content.configurations",
    auth="business",
    versions="20+",
    request=(_FIELDS, *paging.PAGE),
    response=listing(_RESOURCE),
    docs=f"{DOCS}get-configurations",
    source="AXM-D, AXM-HI",
    inferred="A page ends early once its profiles have a million characters.",
)
def list_configurations(call: Call) -> Body:
    """Return a page of configurations, without their profiles."""
    found, more = scan_light(call, CONFIGURATION, _weight)
    shown = shower(call, KIND)
    items = Items(found, lambda one: shown(_without_profile(one)))
    return paging.page(call, items, found[-1].key if found else "", more=more)


def _without_profile(one: Entity) -> Entity:
    """Return a configuration as lists show it."""
    attributes = one.body["attributes"]
    if "customSettingsValues" in attributes:
        attributes = attributes | {"customSettingsValues": None}
    return Entity(one.key, one.revision, {"attributes": attributes})


def _weight(body: Body) -> int:
    values = body["attributes"].get("customSettingsValues") or {}
    return len(values.get("configurationProfile") or "") // _PER_WEIGHT


@operation(
    "GET /v1/configurations/{id}",
    "Get a configuration.",
    name="axm.content.configuration",
    auth="business",
    versions="20+",
    request=(_ID, _FIELDS),
    response=document(_RESOURCE),
    docs=f"{DOCS}get-configuration-information",
    source="AXM-D",
)
def get_configuration(call: Call) -> Body:
    """Return one configuration, with its profile."""
    return get_stored(call, CONFIGURATION, KIND)


@operation(
    "POST /v1/configurations",
    "Add a configuration that holds a profile.",
    name="axm.content.create_configuration",
    auth="business",
    versions="20+",
    json_only=True,
    request=entity_rows(KIND, _SENT),
    response=document(_RESOURCE),
    errors=_WRITE_ERRORS,
    docs=f"{DOCS}create-a-configuration",
    source="AXM-D, AXM-HI",
)
def create_configuration(call: Call) -> Body:
    """Add the configuration."""
    sent = WriteEntity(call, KIND)
    _check_type(sent)
    name = sent.text("name")
    values = sent.attributes.get("customSettingsValues")
    if values is None or values.get("configurationProfile") is None:
        raise sent.missing("customSettingsValues")
    number = call.state.reserve(CONFIGURATION)
    identifier = uuid_of(call.secret, CONFIGURATION, call.principal.organisation, number)
    attributes: Body = {
        "type": CUSTOM,
        "name": name,
        "configuredForPlatforms": _platforms(sent) or list(_PLATFORMS),
        "customSettingsValues": {
            "configurationProfile": values["configurationProfile"],
            "filename": values.get("filename") or f"{identifier}{_EXTENSION}",
        },
        **stamps(call.now_ms),
    }
    _keep(call, identifier, {"attributes": attributes, "version": 1}, "CREATED")
    link = Links(call).to(KIND, identifier)
    kept = Entity(identifier, 0, {"attributes": attributes})
    return single(call, show(call, KIND, kept), link)


def _check_type(sent: WriteEntity) -> None:
    kind = sent.text("type")
    if kind != CUSTOM:
        raise sent.wrong("type", f"only {CUSTOM} can be written")


def _platforms(sent: WriteEntity) -> list[str]:
    platforms: list[str] = sent.attributes.get("configuredForPlatforms") or []
    if strange := [one for one in platforms if one not in _PLATFORMS]:
        raise sent.wrong("configuredForPlatforms", f"there is no platform {strange[0][:30]}")
    return platforms


def _keep(call: Call, identifier: str, body: Body, what: str) -> None:
    """Store the configuration (or delete it), and write that to the audit trail."""
    if what == "DELETED":
        call.state.delete(CONFIGURATION, identifier)
    else:
        call.state.put(CONFIGURATION, identifier, body)
    attributes = body["attributes"]
    payload = {
        "configType": attributes["type"],
        "configId": identifier,
        "configVersion": str(body["version"]),
    }
    audit.record(
        call.state,
        f"CONFIG_SETTINGS_{what}",
        identifier,
        attributes["name"],
        payload,
        actor=access.account(call).actor,
        now_ms=call.now_ms,
    )


@operation(
    "PATCH /v1/configurations/{id}",
    "Change a configuration that holds a profile.",
    name="axm.content.update_configuration",
    auth="business",
    versions="20+",
    json_only=True,
    request=(_ID, *entity_rows(KIND, _SENT, with_id="content.id")),
    response=document(_RESOURCE),
    errors=_WRITE_ERRORS,
    docs=f"{DOCS}update-a-configuration",
    source="AXM-D",
)
def update_configuration(call: Call) -> Body:
    """Change what is given: name, platforms, profile or file name."""
    found = find_stored(call, CONFIGURATION, KIND)
    sent = WriteEntity(call, KIND, with_id=found.key)
    attributes = dict(found.body["attributes"])
    if attributes["type"] != CUSTOM or sent.attributes.get("type", CUSTOM) != CUSTOM:
        raise sent.wrong("type", f"only {CUSTOM} can be changed")
    changes: Body = {}
    if (name := sent.text("name", required=False)) is not None:
        changes["name"] = name
    if platforms := _platforms(sent):
        changes["configuredForPlatforms"] = platforms
    values = {k: v for k, v in (sent.attributes.get("customSettingsValues") or {}).items() if v}
    if not values.get("filename", _EXTENSION).endswith(_EXTENSION):
        name = "customSettingsValues/filename"
        raise sent.wrong(name, f"the file name must end in {_EXTENSION}")
    if values:
        changes["customSettingsValues"] = attributes["customSettingsValues"] | values
    if not changes:
        raise sent.missing("name")
    attributes |= changes | stamps(call.now_ms, created=False)
    body = {"attributes": attributes, "version": found.body["version"] + 1}
    _keep(call, found.key, body, "UPDATED")
    return single(call, show(call, KIND, Entity(found.key, 0, body)))


@operation(
    "DELETE /v1/configurations/{id}",
    "Delete a configuration that no blueprint holds.",
    name="axm.content.delete_configuration",
    auth="business",
    versions="20+",
    request=(_ID,),
    errors=(errors.STATE_ERROR,),
    docs=f"{DOCS}delete-a-configuration",
    source="AXM-D",
    inferred="409 is listed without its cause: it is answered while a blueprint holds it.",
)
def delete_configuration(call: Call) -> None:
    """Delete the configuration."""
    found = find_stored(call, CONFIGURATION, KIND)
    if is_held(call, KIND, found.key):
        raise errors.refused(errors.STATE_ERROR, "A blueprint holds the configuration")
    _keep(call, found.key, found.body, "DELETED")
