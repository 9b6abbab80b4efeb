"""Simulated devices: how many enrol, what each costs in memory, how fast they answer commands.

The MDM server is the one of the tests, in this process; the devices are in the
simulator's, with its store, its APNs and its control API. All devices have one
identity (PKCS #12, not encrypted), so that neither a SCEP server nor the making
of keys is measured. Each result is signed: with RSA of 2048 bits, as SCEP brings
it, of which ``signatures_per_cpu_s`` is the most that one core makes, measured
between the rounds, as other work on the machine makes both slower; and once more
with a key of an elliptic curve (``_ec``), and with none, as the profile has the
identity shown in TLS (``_tls``). Devices have answered once before they are
measured. Memory and processor time are those of the simulator's process, the
middle of some rounds. Prints what it measured, and adds it to bench.json.
"""

import argparse
import asyncio
import ssl
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12

from simulator.testing.client import Mdmsim
from simulator.testing.enrolment_service import EnrolmentService
from tests.bench.running import cpu_s, keep, resident_mb, serving
from tests.devices import mdm as server
from tests.devices.mdm import Mdm, certificate

BATCH = 100
COMMANDS = 40
"""Commands for each device that is asked, in each round."""
ROUNDS = 5
"""Of which the first is not counted."""
ASKED = 50
"""Devices that are asked at the same time."""
SIGNED = 200
"""Signatures that are made alone, between two rounds."""
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PATIENCE_S = 600


async def measure(
    pid: int, ready: dict[str, Any], mdm: Mdm, devices: int, trust: str
) -> dict[str, float]:
    """Enrol *devices*, have some of them execute commands, and return the figures."""
    handle = Mdmsim(ready)
    enrolment = EnrolmentService(handle.http, handle.dep_token)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(f"{ready['control']}/", timeout=timeout) as http:
        serials = await asyncio.to_thread(handle.add_devices, devices)
        for at in range(0, devices, 1000):
            some = serials[at : at + 1000]
            profile = {"profile_name": "Bench", "url": f"{mdm.url}/enrol", "devices": some}
            await asyncio.to_thread(enrolment.call, "POST", "/profile", profile)
        rest, begun, spent = resident_mb(pid), time.perf_counter(), cpu_s(pid)
        for at in range(0, devices, BATCH):
            some = serials[at : at + BATCH]
            body = {"serial_numbers": some, "power_on": True, "options": {"trust": trust}}
            async with http.post("api/v1/simulated-devices", json=body) as answer:
                answer.raise_for_status()
        enrolled_s, enrolled_cpu = time.perf_counter() - begun, cpu_s(pid) - spent
        memory = resident_mb(pid)
        return {
            "devices": devices,
            "enrolled_per_s": devices / enrolled_s,
            "enrolled_per_cpu_s": devices / enrolled_cpu,
            "resident_mb": memory,
            "kb_per_device": (memory - rest) * 1024 / devices,
        } | await commands(pid, mdm, http)


async def commands(pid: int, mdm: Mdm, http: aiohttp.ClientSession) -> dict[str, float]:
    """Have some devices execute commands, in rounds; return the middle of their figures."""
    async with http.get("api/v1/simulated-devices", params={"limit": ASKED}) as answer:
        asked = (await answer.json())["simulated_devices"]
    assert {one["state"] for one in asked} == {"enrolled"}

    async def poll(serial: str) -> None:
        async with http.post(f"api/v1/simulated-devices/{serial}/poll", json={}) as answer:
            answer.raise_for_status()

    rounds: list[tuple[float, float, float]] = []
    for _ in range(ROUNDS):
        for one in asked:
            for _ in range(COMMANDS):
                queries = ["UDID", "OSVersion", "DeviceName"]
                mdm.queue_command(one["udid"], "DeviceInformation", Queries=queries)
        mdm.results.clear()
        begun, spent = time.perf_counter(), cpu_s(pid)
        await asyncio.gather(*(poll(one["serial_number"]) for one in asked))
        taken, used = time.perf_counter() - begun, cpu_s(pid) - spent
        answered = len(mdm.results) - len(asked)
        rounds.append((answered / taken, answered / used, signatures_per_cpu_s()))
    names = ("commands_per_s", "commands_per_cpu_s", "signatures_per_cpu_s")
    middles = map(statistics.median, zip(*rounds[1:], strict=True))
    return dict(zip(names, middles, strict=True))


async def run(devices: int, directory: Path, *, tls: bool) -> dict[str, float]:
    """Serve an MDM beside a simulator of its own process, and measure."""
    with serving(directory, "--http-port", "0") as (pid, ready):
        mdm = Mdm(ready["organisations"][0]["push_topics"][0]["topic"])
        mdm.keeps_requests = False
        mdm.mdm = {"SignMessage": not tls}
        trust, site = server_tls(directory) if tls else ("", {})
        async with server.serving(mdm, **site):
            return await measure(pid, ready, mdm, devices, trust)


def server_tls(directory: Path) -> tuple[str, dict[str, Any]]:
    """Return the certificate, PEM, of a server that wants those of devices, and its context."""
    made = certificate("127.0.0.1", EC_KEY, "127.0.0.1").public_bytes(serialization.Encoding.PEM)
    key = EC_KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = directory / "server.pem"
    file.write_bytes(made + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_mode = ssl.CERT_OPTIONAL
    known = server.IDENTITY.public_bytes(serialization.Encoding.PEM)
    context.load_verify_locations(cadata=known.decode())
    return made.decode(), {"ssl_context": context}


def enrolled(key: Any, devices: int, *, tls: bool = False) -> dict[str, float]:
    """Measure with devices whose identity has *key*, shown in TLS or signed with."""
    made = server.IDENTITY if key is server.KEY else certificate("device identity", key)
    server.P12 = pkcs12.serialize_key_and_certificates(
        b"identity", key, made, None, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(run(devices, Path(directory), tls=tls))


def signatures_per_cpu_s() -> float:
    """Return how many RSA signatures one core makes in a second of its time."""
    begun = time.process_time()
    for _ in range(SIGNED):
        server.KEY.sign(b"result", PKCS1v15(), SHA256())
    return SIGNED / (time.process_time() - begun)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=2000)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    server.PASSWORD = ""
    figures = enrolled(server.KEY, arguments.devices)
    figures["commands_per_cpu_s_ec"] = enrolled(EC_KEY, ASKED)["commands_per_cpu_s"]
    figures["commands_per_cpu_s_tls"] = enrolled(server.KEY, ASKED, tls=True)["commands_per_cpu_s"]
    for name, value in figures.items():
        print(f"{name:20} {value:10,.1f}")
    keep(arguments.output, "fleet", figures)


if __name__ == "__main__":
    main()
