"""nanodep, the DEP client inside many MDM servers, works against the simulator unmodified."""

import json
from pathlib import Path

import pytest

from tests.clients.harness import MDMSIM, Simulator, binary, environment, run
from tests.clients.nanodep import BOTH, NAME, Nanodep, assert_refused_nothing

pytestmark = pytest.mark.clients


# The server token


def shown(simulator: Simulator) -> object:
    """Return the server token as it is now: the download that a test made has renewed it."""
    command = [*MDMSIM, "token", "dep", "--data", str(simulator.data), "--show"]
    told = run(command, env=environment(), cwd=simulator.data.parent)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_depserver_decrypts_the_token_of_the_portal(
    simulator: Simulator, fresh_nanodep: Nanodep
) -> None:
    certificate = fresh_nanodep.api("GET", f"/v1/tokenpki/{NAME}").body
    sealed = simulator.control("POST", f"/dep-servers/{simulator.server}/token", certificate)

    stored = fresh_nanodep.api("PUT", f"/v1/tokenpki/{NAME}", sealed)

    assert stored.status == 200, stored.text
    assert fresh_nanodep.api("GET", f"/v1/tokens/{NAME}").json == shown(simulator)


def test_deptokens_decrypts_what_the_command_line_sealed(
    simulator: Simulator, tmp_path: Path
) -> None:
    env = environment()
    run([binary("deptokens")], env=env, cwd=tmp_path)
    seal = ["--data", str(simulator.data), "--certificate", "cert.pem", "--output", "token.p7m"]
    sealed = run([*MDMSIM, "token", "dep", *seal], env=env, cwd=tmp_path)

    opened = run([binary("deptokens"), "-token", "token.p7m"], env=env, cwd=tmp_path)

    assert sealed.returncode == 0, sealed.stderr
    assert opened.returncode == 0, opened.stdout
    assert json.loads(opened.stdout) == shown(simulator)


def test_a_regenerated_token_replaces_the_one_before(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    certificate = nanodep.api("GET", f"/v1/tokenpki/{NAME}").body
    path = f"/dep-servers/{simulator.server}/token"
    sealed = simulator.control("POST", path, certificate, regenerate="true")

    refused = nanodep.apple("GET", "/account")
    # Without force=1 nanodep takes it only if the consumer key is still the same.
    stored = nanodep.api("PUT", f"/v1/tokenpki/{NAME}", sealed)
    welcome = nanodep.apple("GET", "/account")

    assert (refused.status, refused.text) == (502, "signature_invalid")
    assert stored.status == 200, stored.text
    assert stored.json["access_token"] != simulator.token["access_token"]
    assert welcome.status == 200, welcome.text


# Calls through the reverse proxy


@BOTH
def test_the_account_is_reached_through_the_proxy(simulator: Simulator, nanodep: Nanodep) -> None:
    account = nanodep.apple("GET", "/account")

    assert account.status == 200, account.text
    assert account.json["server_name"] == "Example MDM"
    assert account.json["org_name"] == "Example School"
    assert simulator.answered() == [("dep.session", 200), ("dep.account", 200)]
    assert_refused_nothing(simulator)


@BOTH
def test_a_profile_is_defined_assigned_and_cleared(simulator: Simulator, nanodep: Nanodep) -> None:
    serials = simulator.serials()[:3]

    uuid = nanodep.define(org_magic="magic", skip_setup_items=["Siri"], department="Staff")
    got = nanodep.apple("GET", f"/profile?profile_uuid={uuid}").json
    assigned = nanodep.apple(
        "PUT", "/profile/devices", {"profile_uuid": uuid, "devices": [*serials, "NOBODYS"]}
    )
    details = nanodep.apple("POST", "/devices", {"devices": serials}).json["devices"]
    cleared = nanodep.apple("DELETE", "/profile/devices", {"devices": serials[:1]})

    assert got["profile_name"] == "Pupils"
    assert got["skip_setup_items"] == ["Siri"]
    assert assigned.json == {
        "profile_uuid": uuid,
        "devices": {**dict.fromkeys(serials, "SUCCESS"), "NOBODYS": "NOT_ACCESSIBLE"},
    }
    assert {one["profile_status"] for one in details.values()} == {"assigned"}
    assert {one["profile_uuid"] for one in details.values()} == {uuid}
    assert cleared.json == {"devices": {serials[0]: "SUCCESS"}}
    states = [simulator.device(serial)["profile_status"] for serial in serials]
    assert states == ["removed", "assigned", "assigned"]
    assert_refused_nothing(simulator)


def test_a_session_that_has_expired_is_renewed_unseen(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    nanodep.apple("GET", "/account")
    simulator.control("PUT", "/clock", {"mode": "offset", "advance_s": 3600})

    account = nanodep.apple("GET", "/account")

    assert account.status == 200, account.text
    renewal = [("dep.account", 401), ("dep.session", 200), ("dep.account", 200)]
    assert simulator.answered()[2:] == renewal


# What goes wrong


def test_terms_that_are_not_accepted_stop_nanodep_until_they_are(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    welcome = nanodep.apple("GET", "/account")
    simulator.control("POST", "/organisations/demo/terms", {"accepted": False})

    in_session = nanodep.apple("GET", "/account")
    at_login = nanodep.sync()
    simulator.control("POST", "/organisations/demo/terms", {"accepted": True})
    accepted = nanodep.apple("GET", "/account")

    assert welcome.status == 200, welcome.text
    assert (in_session.status, in_session.text) == (403, "T_C_NOT_SIGNED")
    assert "DEP auth error: 403 Forbidden: T_C_NOT_SIGNED" in at_login.text
    assert at_login.pages == []
    assert accepted.status == 200, accepted.text


def test_the_user_agent_that_apple_blocked_is_refused(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    refused = nanodep.sync("-user-agent", "nanodep-godep/0")

    assert "USER_AGENT_INVALID" in refused.text
    assert refused.pages == []


def test_a_throttled_device_has_failed_as_far_as_nanodep_can_know(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    uuid = nanodep.define()
    hot, cool = simulator.serials()[:2]
    simulator.act(hot, "throttle", seconds=60)

    assigned = nanodep.apple(
        "PUT", "/profile/devices", {"profile_uuid": uuid, "devices": [hot, cool]}
    )

    # THROTTLED is a word of protocol version 9; nanodep sends 7.
    assert assigned.json == {"profile_uuid": uuid, "devices": {hot: "FAILED", cool: "SUCCESS"}}
