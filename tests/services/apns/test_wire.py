"""APNs on real sockets: certificates good and bad, both protocols, and the device that listens."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import biplist  # type: ignore[import-untyped]  # it is of 2017
import h2.connection
import h2.events
import httpx
import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings

TOKEN = bytes(range(32))
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
PAYLOAD = f'{{"mdm":"{MAGIC}"}}'.encode()


@dataclass
class Served:
    """A running simulator, and the clients of it."""

    ready: dict[str, Any]
    folder: Path
    control: httpx.AsyncClient

    @property
    def topic(self) -> str:
        return str(self.ready["organisations"][0]["push_topics"][0]["topic"])

    async def call(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.control.request(method, f"/api/v1{path}", **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def certificate(self, **wanted: Any) -> Path:
        """Return a file with a certificate for the topic, and its key."""
        made = await self.call("POST", "/push-topics", json={"topic": self.topic, **wanted})
        path = self.folder / f"{made['serial']}.pem"
        await asyncio.to_thread(path.write_text, made["joined"])
        return path

    @asynccontextmanager
    async def provider(
        self, certificate: Path, *, http2: bool = True
    ) -> AsyncIterator[httpx.AsyncClient]:
        trust = await asyncio.to_thread(ssl.create_default_context, cafile=self.ready["ca"])
        await asyncio.to_thread(trust.load_cert_chain, certificate)
        async with httpx.AsyncClient(
            base_url=self.ready["tls"][0],
            verify=trust,
            http1=not http2,
            http2=http2,
            timeout=1,
            trust_env=False,
        ) as client:
            yield client

    async def push(self, certificate: Path, *, http2: bool = True) -> httpx.Response:
        async with self.provider(certificate, http2=http2) as client:
            return await client.post(f"/3/device/{TOKEN.hex()}", content=PAYLOAD)


@asynccontextmanager
async def served(folder: Path, **settings: Any) -> AsyncIterator[Served]:
    ports = {"tls_port": (0,), "http_port": 0, "control_port": 0, "proxy_port": None}
    made = Settings(data=str(folder / "data"), **{**ports, **settings})
    async with (
        Simulator(made) as simulator,
        httpx.AsyncClient(base_url=simulator.ready["control"], trust_env=False) as control,
    ):
        one = Served(simulator.ready, folder, control)
        message = {
            "MessageType": "TokenUpdate",
            "Topic": one.topic,
            "UDID": "device-1",
            "Token": TOKEN,
            "PushMagic": MAGIC,
        }
        content = biplist.writePlistToString(message, binary=True)
        assert content.startswith(b"bplist00")
        await one.call("POST", "/push-tokens/checkin", content=content)
        yield one


@pytest.mark.parametrize("http2", [True, False], ids=["http2", "http1"])
async def test_a_certificate_pushes_and_the_listening_device_hears(
    tmp_path: Path, http2: bool
) -> None:
    async with served(tmp_path) as apns:
        own = Path(apns.ready["organisations"][0]["push_topics"][0]["joined"])
        events = f"/api/v1/push-tokens/{TOKEN.hex()}/events"
        async with apns.control.stream("GET", events) as stream:
            answer = await apns.push(own, http2=http2)
            lines = stream.aiter_lines()
            _, _, event, data = [await anext(lines) for _ in range(4)]

        assert (answer.status_code, answer.content) == (200, b"")
        assert event == "event: push"
        assert json.loads(data.removeprefix("data: "))["mdm"] == MAGIC
        assert "date" not in answer.headers


async def test_fleets_form_of_the_stream_keeps_a_payload_of_many_lines(tmp_path: Path) -> None:
    pretty = json.dumps({"mdm": MAGIC}, indent=1).encode()
    async with served(tmp_path, push_auth="none") as apns:
        async with httpx.AsyncClient(base_url=apns.ready["http"], trust_env=False) as fleet:
            answer = await fleet.post(f"/3/device/{TOKEN.hex()}", content=pretty)
        async with apns.control.stream("GET", f"/events?token={TOKEN.hex()}") as stream:
            lines = stream.aiter_lines()
            _, _, *heard = [await anext(lines) for _ in range(6)]

    assert answer.status_code == 200
    assert heard[0] == "event: ping"
    assert json.loads("".join(one.removeprefix("data: ") for one in heard[1:])) == {"mdm": MAGIC}


async def test_prior_knowledge_is_enough_in_clear(tmp_path: Path) -> None:
    async with (
        served(tmp_path, push_auth="none") as apns,
        httpx.AsyncClient(
            base_url=apns.ready["http"], http1=False, http2=True, trust_env=False
        ) as client,
    ):
        answer = await client.post(f"/3/device/{TOKEN.hex()}", content=PAYLOAD)

    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")


def heard_of(ready: dict[str, Any], certificate: Path) -> str:
    """Push over a connection by h2; return why it ended: the alert, debug data, or nothing."""
    trust = ssl.create_default_context(cafile=ready["ca"])
    trust.load_cert_chain(certificate)
    trust.set_alpn_protocols(["h2"])
    url = httpx.URL(ready["tls"][0])
    client = h2.connection.H2Connection()
    client.initiate_connection()
    head = [(":method", "POST"), (":scheme", "https"), (":path", f"/3/device/{TOKEN.hex()}")]
    client.send_headers(1, [*head, ("host", "api.push.apple.com")])
    client.send_data(1, PAYLOAD, end_stream=True)
    with closing(socket.create_connection((url.host, url.port), timeout=1)) as plain:
        try:
            with trust.wrap_socket(plain, server_hostname=url.host) as tls:
                tls.sendall(client.data_to_send())
                while received := tls.recv(65_536):
                    for event in client.receive_data(received):
                        if isinstance(event, h2.events.ConnectionTerminated):
                            return (event.additional_data or b"").decode()
        except ssl.SSLError as error:
            return str(error.reason)
        except TimeoutError:
            return ""
    raise AssertionError("it ended without a word")


@pytest.mark.parametrize(
    ("wanted", "settings", "heard"),
    [
        pytest.param({"expires_in_s": -60}, {}, "SSLV3_ALERT_CERTIFICATE_EXPIRED", id="expired"),
        pytest.param({"issuer": "other"}, {}, "TLSV1_ALERT_UNKNOWN_CA", id="not-ours"),
        pytest.param(
            {"environments": ["development"]},
            {},
            '{"reason":"BadCertificateEnvironment"}',
            id="environment",
        ),
        pytest.param(
            {"expires_in_s": -60},
            {"bad_certificate": "goaway"},
            '{"reason":"BadCertificate"}',
            id="expired-told-by-goaway",
        ),
        pytest.param({"expires_in_s": -60}, {"bad_certificate": "silence"}, "", id="silence"),
        pytest.param(
            {"expires_in_s": -60},
            {"tls_max": "1.2"},
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            id="while-it-connects",
        ),
        *(
            pytest.param(wanted, {"tls_alert": name}, heard, id=f"{name}-{what}")
            for name, heard in (
                ("bad_certificate", "SSLV3_ALERT_BAD_CERTIFICATE"),
                ("decrypt_error", "TLSV1_ALERT_DECRYPT_ERROR"),
                ("internal_error", "TLSV1_ALERT_INTERNAL_ERROR"),
            )
            for wanted, what in (({"expires_in_s": -60}, "expired"), ({"issuer": "other"}, "other"))
        ),
    ],
)
async def test_a_bad_certificate_is_heard_of_as_was_chosen(
    tmp_path: Path, wanted: dict[str, Any], settings: dict[str, Any], heard: str
) -> None:
    async with served(tmp_path, **settings) as apns:
        certificate = await apns.certificate(**wanted)

        assert await asyncio.to_thread(heard_of, apns.ready, certificate) == heard


async def test_a_bad_certificate_can_have_an_answer(tmp_path: Path) -> None:
    async with served(tmp_path, bad_certificate="response") as apns:
        answer = await apns.push(await apns.certificate(expires_in_s=-60))

    assert (answer.status_code, answer.json()) == (403, {"reason": "BadCertificate"})
