"""The School and Business API over 200,000 devices: pages, and an activity of 10,000 devices.

Beside the activity a push is sent every few milliseconds. Adds to bench.json the first and the
last pages of the list of devices, how long the activity takes, and how long the pushes wait.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvloop

from tests.axm import ASSERTION, AUDIENCE, sign
from tests.bench.pages import FLAGS, kinds
from tests.bench.running import keep, percentiles, serving, show

HOST = "api-business.apple.com"
WORLD = "enterprise"
DEVICES = 10_000
SOME = 5
"""Pages at either end that are compared."""
PAUSE_S = 0.005
PUSHES_ALONE = 300
Ready = dict[str, Any]


def token_request(account: dict[str, Any]) -> dict[str, str]:
    """Return the form with which an API account, as ``ready.json`` describes it, gets a token."""
    now_s = time.time_ns() // 10**9
    name, key = account["client_id"], Path(account["key"]).read_text()
    claims = {"iss": name, "sub": name, "aud": AUDIENCE, "iat": now_s, "exp": now_s + 300}
    return {
        "grant_type": "client_credentials",
        "client_id": name,
        "client_assertion_type": ASSERTION,
        "client_assertion": sign(key, {"alg": "ES256", "kid": account["key_id"]}, claims),
        "scope": account["scope"],
    }


async def access(client: httpx.AsyncClient, form: dict[str, str]) -> str:
    """Return an access token."""
    host = {"Host": "account.apple.com"}
    answer = await client.post("/auth/oauth2/v2/token", data=form, headers=host)
    return str(answer.raise_for_status().json()["access_token"])


async def pages(client: httpx.AsyncClient) -> tuple[list[float], list[str]]:
    """Read the list of devices; return how long each page took, and the first serial numbers."""
    times, serials = [], list[str]()
    path = "/v1/orgDevices?limit=1000"
    while path:
        started = perf_counter()
        answer = (await client.get(path)).raise_for_status()
        times.append((perf_counter() - started) * 1000)
        body = answer.json()
        if len(serials) < DEVICES:
            serials += [one["id"] for one in body["data"]]
        link = urlsplit(body["links"].get("next", ""))
        path = f"{link.path}?{link.query}" if link.query else ""
    return times, serials[:DEVICES]


async def activity(client: httpx.AsyncClient, serials: list[str], server: str) -> float:
    """Assign devices; return how many seconds it takes until that is complete."""
    body = {
        "data": {
            "type": "orgDeviceActivities",
            "attributes": {"activityType": "ASSIGN_DEVICES"},
            "relationships": {
                "mdmServer": {"data": {"type": "mdmServers", "id": server}},
                "devices": {"data": [{"type": "orgDevices", "id": one} for one in serials]},
            },
        }
    }
    started = perf_counter()
    made = (await client.post("/v1/orgDeviceActivities", json=body)).raise_for_status()
    path = f"/v1/orgDeviceActivities/{made.json()['data']['id']}"
    while True:
        state = (await client.get(path)).raise_for_status().json()["data"]["attributes"]
        if state["status"] != "IN_PROGRESS":
            if state["status"] != "COMPLETED":
                raise SystemExit(f"the activity ended as {json.dumps(state)}")
            return perf_counter() - started
        await asyncio.sleep(0.1)


async def measure(ready: Ready, number: int) -> dict[str, float]:
    """Return the figures of round *number*, each of which assigns to another server."""
    push = kinds(ready, "")["a push"]
    accounts = [one for each in ready["organisations"] for one in each["axm_accounts"]]
    account = next(one for one in accounts if one["scope"].startswith("business"))
    form = await asyncio.to_thread(token_request, account)
    async with httpx.AsyncClient(
        base_url=ready["http"], headers={"Host": HOST}, timeout=120
    ) as client:
        client.headers["Authorization"] = f"Bearer {await access(client, form)}"
        times, serials = await pages(client)
        listed = (await client.get("/v1/mdmServers")).raise_for_status().json()["data"]
        alone = [took for _ in range(PUSHES_ALONE) for took in await push()]
        beside: list[float] = []
        running = asyncio.ensure_future(activity(client, serials, listed[number % 2]["id"]))
        while not running.done():
            beside += await push()
            await asyncio.sleep(PAUSE_S)
    first, last = median(times[1 : 1 + SOME]), median(times[-1 - SOME : -1])
    return {
        "pages": len(times),
        "first pages, ms": first,
        "last pages, ms": last,
        "last beside first": last / first,
        f"activity of {len(serials)} devices, s": await running,
        "a push alone, p99 ms": percentiles(alone)[1],
        "a push beside it, p50 ms": percentiles(beside)[0],
        "a push beside it, p99 ms": percentiles(beside)[1],
    }


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--world", default=WORLD)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    flags = (*FLAGS, "--world", wanted.world)
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory, "data"), *flags) as (_, ready),
    ):
        rounds = [uvloop.run(measure(ready, number)) for number in range(wanted.rounds)]
    rows = {name: [found[name] for found in rounds] for name in rounds[0]}
    show("School and Business API (budget: 1.2; 5 s; p99 under 20 ms)", rows)
    keep(wanted.output, "activities", rows)


if __name__ == "__main__":
    main()
