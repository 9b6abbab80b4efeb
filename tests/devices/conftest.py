"""A simulator and an MDM server beside each other, with a device between them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.app import Simulator
from simulator.core.settings import Settings
from simulator.testing.client import Mdmsim
from tests.devices.mdm import IDENTITY, Mdm, certificate, serving


@dataclass
class Bench:
    """Both servers, and the control API's client."""

    simulator: Simulator
    mdm: Mdm
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Return the JSON that the control API answers; it must not refuse."""
        status, answer = await self.ask(method, path, body, **more)
        assert status < 300, answer
        return answer

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Return status and JSON of one call of the control API."""
        url = f"{self.simulator.ready['control']}/api/v1{path}"
        async with self.http.request(method, url, json=body, **more) as answer:
            return answer.status, await answer.json(content_type=None)

    async def assigned(self, *families: str, **profile: Any) -> str:
        """Buy a device, assign a profile that leads to the MDM, and return its serial number."""
        server = self.simulator.ready["organisations"][0]["dep_servers"][0]["id"]
        body = {"count": 1, "server": server, "families": list(families) or ["iPhone"]}
        serial = (await self.call("POST", "/devices", body))["serial_numbers"][0]
        handle = Mdmsim(self.simulator.ready)
        url = f"{self.mdm.url}/enrol"
        await asyncio.to_thread(partial(handle.assign_profile, serial, url, **profile))
        return str(serial)

    async def device(self, *families: str, options: Any = None, **profile: Any) -> Any:
        """Return a device that was bought, assigned and turned on."""
        serial = await self.assigned(*families, **profile)
        body = {"serial_numbers": [serial], "power_on": True, "options": options or {}}
        answer = await self.call("POST", "/simulated-devices", body)
        return answer["simulated_devices"][0]

    async def act(self, serial: str, action: str, **body: Any) -> Any:
        """Act on a simulated device."""
        return await self.call("POST", f"/simulated-devices/{serial}/{action}", body)

    async def run(self, udid: str, serial: str, request_type: str, **values: Any) -> Any:
        """Let the device execute a command, and return its result."""
        uuid = self.mdm.queue_command(udid, request_type, **values)
        await self.act(serial, "poll")
        return self.mdm.result(uuid)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until something happened in the MDM server; it looks at each request."""
        async with asyncio.timeout(20):
            while not happened():
                self.mdm.arrived.clear()
                await self.mdm.arrived.wait()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A simulator that keeps nothing, and an MDM server."""
    settings = Settings(
        data=":memory:", tls_port=(0,), http_port=0, control_port=0, proxy_port=None
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        topic = simulator.ready["organisations"][0]["push_topics"][0]["topic"]
        async with serving(Mdm(topic)) as mdm:
            yield Bench(simulator, mdm, session)


@pytest.fixture
def server_tls(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A TLS context of a self-signed certificate for loopback, and the certificate, PEM."""
    key = rsa.generate_private_key(65537, 2048)
    made = certificate("127.0.0.1", key, "127.0.0.1").public_bytes(serialization.Encoding.PEM)
    file = tmp_path / "server.pem"
    file.write_bytes(
        made
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    # A client may show a certificate; this is the only one that the server trusts.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=IDENTITY.public_bytes(Encoding.PEM).decode())
    return context, made.decode()
