"""What people do in the portal that the API shows: accounts, keys, facts of devices, people."""

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339_ms
from simulator.protocol.documents import identifier
from simulator.protocol.fields import Field, Object, Objects, String
from simulator.services import audit
from simulator.services.audit import Actor
from simulator.services.axm import accounts
from simulator.services.axm.accounts import PRODUCTS, ROLES, Account
from simulator.services.axm.content import DETAIL_ROWS, MANAGED, MANAGED_ROWS
from simulator.services.axm.device_rows import ATTRIBUTES, COVERAGE, LOCK
from simulator.services.axm.devices import OWN
from simulator.services.axm.people import USER, USER_ROWS
from simulator.services.fleet import devices as fleet
from simulator.services.organisations import identifiers, organisation
from simulator.services.provisioning import ControlCall, Resource

_FORMS = ("pkcs8", "apple")


def as_apple(private: str) -> str:
    """Return a key file with the label that Apple gives it, which is that of another format."""
    return private.replace(" PRIVATE KEY-----", " EC PRIVATE KEY-----")


def _home(call: ControlCall) -> str:
    """Return the organisation that the body names, or the only one there is."""
    wanted = call.body.get("organisation")
    known = identifiers(call.state)
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted not in known:
        raise LookupError(f"name the organisation, one of {', '.join(known)}")
    return str(wanted)


def _administrator(state: State, org: str) -> Actor:
    return Actor.user(organisation(state, org)["admin_id"])


def _account(call: ControlCall) -> Account:
    found = accounts.find_by_id(call.state, call.path["id"])
    if found is None:
        raise LookupError(f"no API account has the id {call.path['id']}")
    return found


def _shown(account: Account) -> Body:
    """Return an account without what signs."""
    keys = [
        {"key_id": key_id, "state": key["state"], "created": rfc3339_ms(key["created_ms"])}
        for key_id, key in account.keys.items()
    ]
    return {
        "id": account.id,
        "organisation": account.organisation,
        "name": account.name,
        "client_id": account.client_id,
        "scope": account.scope,
        "role": account.role,
        "key_id": account.current,
        "keys": keys,
    }


def _with_key(call: ControlCall, account: Account) -> Body:
    private = account.keys[account.current]["private"]
    is_apple = call.body.get("form") == "apple"
    return _shown(account) | {"private_key": as_apple(private) if is_apple else private}


def list_accounts(call: ControlCall) -> Body:
    """Return the API accounts of all organisations."""
    return {"axm_accounts": [_shown(one) for one in accounts.every(call.state)]}


def add_account(call: ControlCall) -> Body:
    """Add an API account with a key, which is told this once."""
    org = _home(call)
    made = accounts.add(
        call.state,
        org,
        call.body.get("id") or f"api-{call.random_hex(8)}",
        call.body.get("name") or "API account",
        now_ms=call.now_ms,
        random_hex=call.random_hex,
        role=call.body.get("role", "ADMINISTRATOR"),
        product=call.body.get("product", ""),
        actor=_administrator(call.state, org),
    )
    return _with_key(call, made)


def change_account(call: ControlCall) -> Body:
    """Give an API account another role."""
    return _shown(accounts.change_role(call.state, _account(call), call.body["role"]))


def delete_account(call: ControlCall) -> None:
    """Delete an API account."""
    account = _account(call)
    actor = _administrator(call.state, account.organisation)
    accounts.remove(call.state, account, now_ms=call.now_ms, actor=actor)


def add_key(call: ControlCall) -> Body:
    """Generate a key beside those that the account has."""
    account = _account(call)
    actor = _administrator(call.state, account.organisation)
    made = accounts.add_key(
        call.state, account, now_ms=call.now_ms, random_hex=call.random_hex, actor=actor
    )
    return _with_key(call, made)


def delete_key(call: ControlCall) -> None:
    """Revoke a key."""
    account = _account(call)
    actor = _administrator(call.state, account.organisation)
    key_id = call.path["key"]
    accounts.revoke_key(call.state, account, key_id, now_ms=call.now_ms, actor=actor)


def set_device(call: ControlCall) -> Body:
    """Set what the API tells of a device instead of what is made up."""
    serial = call.path["serial"]
    for one in call.state.organisations_with(fleet.DEVICE, serial):
        own = call.state.of(one)
        known = own.get(OWN, serial)
        body = ({} if known is None else known.body) | dict(call.body)
        own.put(OWN, serial, body)
        return {"serial_number": serial, **body}
    raise LookupError(f"no device has the serial number {serial}")


def set_managed(call: ControlCall) -> Body:
    """Put a device into Apple's built-in MDM."""
    serial = call.path["serial"]
    facts = {"serialNumber": serial}
    body: Body = {
        "attributes": call.body.get("attributes", {}) | facts,
        "details": call.body.get("details", {}) | facts,
    }
    call.state.of(_home(call)).put(MANAGED, serial, body)
    return body


def add_user(call: ControlCall) -> Body:
    """Add a person."""
    org = _home(call)
    own = call.state.of(org)
    identifier = call.body.get("id") or str(2_000_000 + own.reserve(USER))
    stamps = {name: rfc3339_ms(call.now_ms) for name in ("createdDateTime", "updatedDateTime")}
    attributes = {"status": "ACTIVE", "isExternalUser": False, **stamps}
    attributes |= call.body.get("attributes", {})
    own.put(USER, identifier, {"attributes": attributes})
    _note(call, org, "ACCOUNT_ADDED", identifier, attributes)
    return {"id": identifier, "attributes": attributes}


def delete_user(call: ControlCall) -> None:
    """Delete a person."""
    for one in call.state.organisations_with(USER, call.path["id"]):
        found = call.state.of(one).get(USER, call.path["id"])
        if found is not None:
            call.state.of(one).delete(USER, found.key)
            _note(call, one, "ACCOUNT_DELETED", found.key, found.body["attributes"])
            return
    raise LookupError(f"no user has the id {call.path['id']}")


def _note(call: ControlCall, org: str, kind: str, identifier: str, attributes: Body) -> None:
    name = attributes.get("managedAppleAccount") or identifier
    actor = _administrator(call.state, org)
    own = call.state.of(org)
    audit.record(own, kind, identifier, name, {}, actor=actor, now_ms=call.now_ms)


_ORGANISATION = String("organisation", "Id of the organisation, where there is more than one.")
_FORM = String("form", "Label of the key's file: as it should be, or Apple's.", values=_FORMS)
_ROLE = String("role", "What it may use.", values=tuple(ROLES))
_SHOWN: tuple[Field, ...] = (
    String("id", "Id.", required=True),
    String("client_id", "Client id.", required=True),
    String("key_id", "Id of the newest key.", required=True),
)


def _attributes(rows: tuple[Field, ...], about: str, name: str = "attributes") -> Object:
    return Object(name, about, fields=rows)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        "GET",
        "/axm-accounts",
        "List API accounts.",
        list_accounts,
        answer=(Objects("axm_accounts", "All of them.", required=True),),
    ),
    Resource(
        "POST",
        "/axm-accounts",
        "Add an API account.",
        add_account,
        body=(
            identifier("id", "Its id; made if absent."),
            String("name", "Its name.", shortest=1),
            String("product", "Which product.", values=tuple(PRODUCTS)),
            _ROLE,
            _FORM,
            _ORGANISATION,
        ),
        answer=(*_SHOWN, String("private_key", "What signs, PEM.", required=True)),
        status=201,
        renews=True,
    ),
    Resource(
        "PATCH",
        "/axm-accounts/{id}",
        "Give an API account another role.",
        change_account,
        body=(String("role", "What it may use.", required=True, values=tuple(ROLES)),),
        answer=_SHOWN,
    ),
    Resource(
        "DELETE",
        "/axm-accounts/{id}",
        "Delete an API account.",
        delete_account,
        status=204,
        renews=True,
    ),
    Resource(
        "POST",
        "/axm-accounts/{id}/keys",
        "Generate a key.",
        add_key,
        body=(_FORM,),
        answer=(*_SHOWN, String("private_key", "What signs, PEM.", required=True)),
        status=201,
        renews=True,
    ),
    Resource(
        "DELETE",
        "/axm-accounts/{id}/keys/{key}",
        "Revoke a key.",
        delete_key,
        status=204,
        renews=True,
    ),
    Resource(
        "PATCH",
        "/axm-devices/{serial}",
        "Set what the API says about a device.",
        set_device,
        body=(
            _attributes(ATTRIBUTES, "Attributes in place of those that are made up."),
            Objects("coverage", "Its AppleCare coverage, all of it.", fields=COVERAGE),
            _attributes(LOCK, "Its Activation Lock.", "lock"),
        ),
    ),
    Resource(
        "PUT",
        "/axm-mdm-devices/{serial}",
        "Put a device into Apple's built-in MDM.",
        set_managed,
        body=(
            _attributes(MANAGED_ROWS, "Its attributes."),
            _attributes(DETAIL_ROWS, "Its details.", "details"),
            _ORGANISATION,
        ),
    ),
    Resource(
        "POST",
        "/axm-users",
        "Add a person.",
        add_user,
        body=(
            String("id", "Id; made if absent.", shortest=1),
            _attributes(USER_ROWS, "Attributes by the API's names."),
            _ORGANISATION,
        ),
        status=201,
    ),
    Resource("DELETE", "/axm-users/{id}", "Delete a person.", delete_user, status=204),
)
