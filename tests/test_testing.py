"""The handle that test suites get, on a simulator that runs in a thread."""

import asyncio
import json
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from subprocess import run
from urllib.parse import urlsplit

import pytest

import simulator
from simulator.core.settings import ConfigurationError
from simulator.testing.client import ControlError, Mdmsim
from simulator.testing.serving import serving


@pytest.fixture(scope="module")
def server() -> Iterator[Mdmsim]:
    with serving() as running:
        yield running


@pytest.fixture
def mdmsim(server: Mdmsim) -> Mdmsim:
    server.begin()
    return server


def ask(mdmsim: Mdmsim, path: str = "/session") -> int:
    """Ask as a client that trusts the CA, and return the status."""
    parts = urlsplit(mdmsim.https)
    trust = ssl.create_default_context(cafile=mdmsim.ca)
    connection = HTTPSConnection(parts.hostname or "", parts.port, context=trust)
    with closing(connection):
        connection.request("GET", path, headers={"User-Agent": "ExampleMDM/1"})
        return connection.getresponse().status


def test_it_tells_of_this_test_only(server: Mdmsim) -> None:
    ask(server, "/account")
    server.begin()

    ask(server, "/session")

    assert [one["operation"] for one in server.exchanges()] == ["dep.session"]
    assert [one["status"] for one in server.exchanges(service="dep")] == [400]
    assert server.exchanges(operation="dep.account") == []


def test_what_is_not_declared_fails_with_where_it_stood(mdmsim: Mdmsim) -> None:
    ask(mdmsim, "/session")
    mdmsim.assert_only_declared()
    ask(mdmsim, "/account?probe=1")

    with pytest.raises(AssertionError, match=r"dep.account: query probe is unknown"):
        mdmsim.assert_only_declared()
    mdmsim.assert_only_declared(allow=("unknown",))


def test_time_is_frozen_and_moved(mdmsim: Mdmsim) -> None:
    mdmsim.freeze("2026-01-05T10:00:00Z")
    mdmsim.advance(90)

    ask(mdmsim)

    assert mdmsim.exchanges()[0]["at"] == "2026-01-05T10:01:30.000Z"


def test_time_may_begin_anew(mdmsim: Mdmsim) -> None:
    mdmsim.freeze("2026-01-05T10:00:00Z")
    mdmsim.freeze("2026-01-04T10:00:00Z")

    assert mdmsim.control("GET", "/clock")["now"] == "2026-01-04T10:00:00Z"


def test_apple_answers_what_is_wanted(mdmsim: Mdmsim) -> None:
    fault = mdmsim.fault("dep.SERVICE_UNAVAILABLE", count=1, match={"operation": "dep.account"})
    mdmsim.fault(delivery={"name": "delay", "ms": 0}, count=1)

    first, second = ask(mdmsim, "/account"), ask(mdmsim, "/account")

    assert (first, second) == (503, 401)
    assert mdmsim.exchanges(fault=fault)[0]["status"] == 503


def test_what_was_asked_is_waited_for_and_verified(mdmsim: Mdmsim) -> None:
    ask(mdmsim, "/account")

    (found,) = mdmsim.wait(operation="dep.account", status=401)
    mdmsim.verify(operation="dep.account")
    mdmsim.verify(0, operation="dep.sync")

    assert found["seq"] == mdmsim.exchanges()[0]["seq"]
    with pytest.raises(AssertionError, match=r"operation is 'dep.account', wanted dep.sync"):
        mdmsim.verify(operation="dep.sync")
    with pytest.raises(ControlError, match="0 came"):
        mdmsim.wait(operation="dep.sync", timeout_s=0)


def test_the_world_comes_back(mdmsim: Mdmsim) -> None:
    (serial,) = mdmsim.add_devices(1)
    token = mdmsim.dep_token

    mdmsim.reset()

    with pytest.raises(ControlError):
        mdmsim.control("GET", f"/devices/{serial}")
    assert mdmsim.dep_token == token


def test_the_portal_is_there(mdmsim: Mdmsim) -> None:
    (serial,) = mdmsim.add_devices(1)

    mdmsim.act(serial, "throttle", seconds=60)

    assert mdmsim.control("GET", f"/devices/{serial}")["serial_number"] == serial
    with pytest.raises(ControlError, match=r"GET /devices/NOPE: .*NOPE") as refused:
        mdmsim.control("GET", "/devices/NOPE")
    assert refused.value.status == 404


def test_the_report_is_told_in_each_form(mdmsim: Mdmsim) -> None:
    ask(mdmsim)

    assert mdmsim.report().startswith("Disclosure report")
    assert json.loads(mdmsim.report("json"))["counts"]["exchanges"] >= 1


def test_a_program_is_led_here_by_its_environment(mdmsim: Mdmsim) -> None:
    variables = mdmsim.environment

    assert variables["HTTPS_PROXY"] == mdmsim.ready["proxy"]
    assert variables["SSL_CERT_FILE"] == variables["NODE_EXTRA_CA_CERTS"] == mdmsim.ca
    assert mdmsim.http.startswith("http://127.0.0.1:")
    assert set(mdmsim.dep_token) > {"consumer_key", "access_secret"}
    assert Path(mdmsim.push_topic["certificate"]).is_file()


def test_a_simulator_elsewhere_is_found_by_its_data_directory(tmp_path: Path) -> None:
    with serving(data=str(tmp_path / "data")) as running:
        found = Mdmsim.of(tmp_path / "data")

        assert found.ready == running.ready
        assert ask(found) == 400
    with pytest.raises(LookupError, match="nothing serves"):
        Mdmsim.of(tmp_path / "data")


def test_what_keeps_it_from_starting_is_raised_where_it_was_asked_for() -> None:
    with (
        pytest.raises(ConfigurationError, match="there is no world 'nope'"),
        serving(world="nope"),
    ):
        pass


def test_the_public_names_are_there() -> None:
    assert simulator.serving is serving
    assert {name: hasattr(simulator, name) for name in simulator.__all__} == dict.fromkeys(
        simulator.__all__, True
    )
    assert not hasattr(simulator, "nonsense")


def test_a_reset_takes_back_time_faults_and_the_portal(mdmsim: Mdmsim) -> None:
    mdmsim.freeze()
    mdmsim.fault("dep.SERVICE_UNAVAILABLE")
    (serial,) = mdmsim.add_devices(1)

    mdmsim.reset()

    assert mdmsim.control("GET", "/clock")["mode"] == "real"
    assert mdmsim.control("GET", "/faults")["faults"] == []
    with pytest.raises(ControlError):
        mdmsim.control("GET", f"/devices/{serial}")
    assert ask(mdmsim) == 400


SUITE = """
import ssl, urllib.request, urllib.error, pytest

def test_login_is_refused_without_a_token(mdmsim):
    trust = ssl.create_default_context(cafile=mdmsim.ca)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(mdmsim.https + "/session", context=trust)
    assert [one["operation"] for one in mdmsim.exchanges()] == ["dep.session"]

def test_the_journal_is_this_tests_own(mdmsim):
    assert mdmsim.exchanges() == []
    mdmsim.assert_only_declared()
"""


def test_a_suite_gets_its_fixture_where_mdmsim_is_installed(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(SUITE)

    done = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_handle_waits_in_a_thread_whose_loop_is_a_browsers(mdmsim: Mdmsim) -> None:
    async def drive() -> None:
        mdmsim.device(power_on=False).wait(state="enrolled", timeout_s=0.01)

    with pytest.raises(AssertionError, match="did not come to"):
        asyncio.run(drive())
