"""No credential of one organisation reads or changes what belongs to another.

The cases come from the catalogue: an operation that is added is tried as well.
"""

from typing import Any, cast

import pytest

from simulator import services
from simulator.core.state import State
from simulator.pki.push import PushAuthority, PushCertificate
from simulator.protocol.operations import Operation
from simulator.services import organisations
from simulator.services.apns import registry, topics
from simulator.services.dep import tokens
from simulator.services.fleet import portal, servers
from simulator.store.sqlite.store import SqliteStore
from tests.apple import ORG, Apple, hardware
from tests.services.apns.conftest import MAGIC, NOW, OTHER, Apns, make
from tests.services.axm import test_isolation as axm_isolation
from tests.services.vpp import test_isolation as vpp_isolation

THEIRS = {"profile_uuid": "", "device": "THEIRS1", "devices": ["THEIRS1", "THEIRS2"]}
"""What of another organisation a request can name; the profile's uuid is known later."""
THEIR_TOKEN = "e5f6a7b8" * 8
NO_ORGANISATION = "vpp."
"""How operations are named that tell what the store has, to anybody alike."""
MARK = "Rival"
"""Stands in every text of the other organisation."""
OPERATIONS = [
    pytest.param(one, id=one.name)
    for one in services.load().operations.values()
    if one.service == "dep" and one.auth == "session"
]


@pytest.fixture
def apple() -> Apple:
    """Two organisations; the other one has devices and an assigned profile of its own."""
    apple = Apple()
    apple.add("OURS1")
    apple.run(_add_rival)
    return apple


def _add_rival(state: State) -> None:
    marked = {name: f"{MARK} {value}" for name, value in ORG.items() if name.startswith("admin")}
    names = {"name": MARK, "email": f"{MARK}@x.example", "address": f"{MARK} street", **marked}
    organisations.add_organisation(state, ORG | names | {"id": "rival"})
    home = state.of("rival")
    servers.add_server(home, "r", f"{MARK} server", random_hex="7".rjust)
    rows = [(hardware(one, asset_tag=MARK), 0) for one in ("THEIRS1", "THEIRS2")]
    portal.add_devices(home, rows, server="r", by=f"{MARK}@x.example", events=True)
    profile = {"profile_name": MARK, "url": f"https://{MARK}.example/"}
    body = {"uuid": "F" * 32, "server": "r", "defined_ms": 0, "profile": profile}
    home.put("dep.profile", "F" * 32, body)


def belongings(apple: Apple) -> list[Any]:
    """Return all that the other organisation has."""
    query = "SELECT kind, key, body FROM entity WHERE organisation = 'rival' ORDER BY kind, key"
    found: list[Any] = cast("SqliteStore", apple.store)._connection.execute(query).fetchall()
    return found


def naming_theirs(one: Operation) -> tuple[str, Any]:
    """Return query and body of a good request that names what is theirs wherever it can."""
    theirs = THEIRS | {"profile_uuid": "F" * 32}
    rows = {row.name: theirs.get(row.name, row.example) for row in one.request}
    query = [f"{row.name}={rows[row.name]}" for row in one.request if row.place == "query"]
    body = {
        row.name: rows[row.name]
        for row in one.request
        if row.place == "body" and (row.required or row.name in theirs)
    }
    takes_body = any(row.place == "body" for row in one.request)
    return "?" + "&".join(query) if query else "", body if takes_body else None


@pytest.mark.parametrize("one", OPERATIONS)
def test_an_operation_neither_tells_nor_changes_what_is_theirs(
    apple: Apple, one: Operation
) -> None:
    before = belongings(apple)
    query, body = naming_theirs(one)

    answer = apple.call(one.methods[0], one.path + query, body, session=apple.session())

    assert belongings(apple) == before
    assert MARK not in answer.text
    assert '"SUCCESS"' not in answer.text
    assert answer.exchange.organisation == "acme"


def test_the_cursor_of_another_organisation_is_no_cursor(apple: Apple) -> None:
    with apple.store.transaction() as state:
        tokens.issue_token(
            state.of("rival"), "rival", "r", now_ms=apple.now_ms, random_hex="9".rjust
        )
        theirs = tokens.current_token(state.of("rival"), "r")
    assert theirs is not None
    session = apple.log_in(apple.oauth_of(theirs)).json["auth_session_token"]
    cursor = apple.call("POST", "/server/devices", {}, session=session).json["cursor"]

    answer = apple.call("POST", "/devices/sync", {"cursor": cursor}, session=apple.session())

    assert (answer.status, answer.text) == (400, "INVALID_CURSOR")


def test_every_operation_is_tried_somewhere() -> None:
    cases = (*OPERATIONS, *vpp_isolation.OPERATIONS, *axm_isolation.OPERATIONS)
    tried = {str(one.id) for one in cases}
    with_a_credential = {one.name for one in services.load().operations.values() if one.auth}

    # A push and a login are below; an unlock is with the others of its service.
    others = {one for one in with_a_credential - tried if not one.startswith(NO_ORGANISATION)}
    assert others == {"apns.push", "dep.session", "lock.unlock"}


def test_a_login_of_ours_with_secrets_of_theirs_is_none(apple: Apple) -> None:
    with apple.store.transaction() as state:
        tokens.issue_token(
            state.of("rival"), "rival", "r", now_ms=apple.now_ms, random_hex="9".rjust
        )
        theirs = tokens.current_token(state.of("rival"), "r")
    assert theirs is not None
    ours, before = apple.token(), belongings(apple)

    for mixed in (
        ours | {"consumer_secret": theirs["consumer_secret"]},
        ours | {"access_token": theirs["access_token"]},
        theirs | {"consumer_secret": ours["consumer_secret"]},
        theirs | {"access_token": ours["access_token"], "access_secret": ours["access_secret"]},
    ):
        answer = apple.log_in(apple.oauth_of(mixed))
        assert answer.status == 401
        assert MARK not in answer.text
    assert belongings(apple) == before


@pytest.fixture
def rivals() -> tuple[Apns, PushCertificate]:
    """APNs with a topic and a device each for two organisations, and the other's certificate."""
    authority = PushAuthority.create(NOW)
    apns = make(authority)
    apns.apple.run(_add_rival)
    apns.apple.run(lambda state: topics.add(state, "rival", OTHER))
    message = {
        "MessageType": "TokenUpdate",
        "Topic": OTHER,
        "UDID": "their-device",
        "Token": bytes.fromhex(THEIR_TOKEN),
        "PushMagic": MAGIC,
    }
    apns.apple.run(lambda state: registry.check_in(state.of("rival"), message, apns.apple.now_ms))
    return apns, authority.mint(OTHER, NOW)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        pytest.param({}, "BadDeviceToken", id="their-device"),
        pytest.param({"apns_topic": OTHER}, "TopicDisallowed", id="their-topic"),
    ],
)
def test_a_push_reaches_nobody_elses_device(
    rivals: tuple[Apns, PushCertificate], headers: dict[str, Any], reason: str
) -> None:
    apns, _ = rivals
    before = belongings(apns.apple)

    answer = apns.push(token=THEIR_TOKEN, **headers)

    assert (answer.status, answer.json["reason"]) == (400, reason)
    assert belongings(apns.apple) == before
    assert answer.exchange.organisation in ("acme", "")


def test_their_certificate_reaches_their_device_and_not_ours(
    rivals: tuple[Apns, PushCertificate],
) -> None:
    apns, theirs = rivals

    refused = apns.push(certificate=theirs)
    taken = apns.push(token=THEIR_TOKEN, certificate=theirs)

    assert (refused.status, taken.status) == (400, 200)
    assert apns.take() is None
    assert taken.exchange.organisation == "rival"
