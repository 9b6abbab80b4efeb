"""micromdm takes the simulator for Apple: by -depsim, and by the proxy with hosts built in."""

from pathlib import Path

import pytest

from tests.clients.harness import Simulator, until
from tests.clients.micromdm import Micromdm, micromdm

pytestmark = pytest.mark.clients
PROFILE = {"profile_name": "Staff", "url": "https://mdm.example.com/e", "is_mdm_removable": True}


def assert_it_manages_devices(simulator: Simulator, server: Micromdm) -> None:
    """Wait for its first sync, then let it define, assign and look at devices."""
    until(lambda: simulator.exchanges(operation="dep.sync") or None, "a sync")
    serials = simulator.serials()[:2]

    account = server.api("GET", "/v1/dep/account").json
    defined = server.api("PUT", "/v1/dep/profiles", PROFILE | {"devices": serials[:1]}).json
    assigned = server.api(
        "POST", "/v1/dep/assign", {"id": defined["profile_uuid"], "serials": serials[1:]}
    ).json
    found = server.api("POST", "/v1/dep/devices", {"serials": serials}).json["devices"]

    assert account["server_name"] == "Example MDM"
    assert defined["devices"] == {serials[0]: "SUCCESS"}
    assert assigned["devices"] == {serials[1]: "SUCCESS"}
    assert {one: found[one]["profile_status"] for one in serials} == dict.fromkeys(
        serials, "assigned"
    )
    assert {status for _, status in simulator.answered()} == {200}


@pytest.mark.parametrize("flags", [("--dialect", "depsim")])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_with_depsim_its_constant_token_is_good(
    simulator: Simulator, scheme: str, tmp_path: Path
) -> None:
    home = tmp_path / "micromdm"
    home.mkdir()

    with micromdm(home, simulator.ca, ("-depsim", simulator.base(scheme))) as server:
        assert_it_manages_devices(simulator, server)


def test_by_the_proxy_it_takes_the_portals_token(simulator: Simulator, tmp_path: Path) -> None:
    home = tmp_path / "micromdm"
    home.mkdir()
    proxy = {"HTTPS_PROXY": simulator.ready["proxy"]}

    with micromdm(home, simulator.ca, variables=proxy) as server:
        server.take_token(simulator)
        assert_it_manages_devices(simulator, server)

    assert {one["host"] for one in simulator.exchanges()} == {"mdmenrollment.apple.com"}
