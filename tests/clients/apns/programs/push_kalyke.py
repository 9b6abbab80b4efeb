"""Push with kalyke and its certificate client, which connects anew for each push."""

import asyncio
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from kalyke import ApnsConfig, ApnsPriority, ApnsPushType
from kalyke.clients.voip_certificate import VoIPCertificateClient
from kalyke.exceptions import ApnsProviderException

_FIELDS = {
    "apns-id": ("identifier", str),
    "apns-topic": ("topic", str),
    "apns-priority": ("priority", ApnsPriority),
    "apns-push-type": ("push_type", ApnsPushType),
    "apns-collapse-id": ("collapse_id", str),
    "apns-expiration": ("expiration", int),
}
"""Where kalyke wants each header, and as what."""


def _client(job: Mapping[str, Any]) -> VoIPCertificateClient:
    """Return kalyke's client for certificates, pointed at *job*'s address."""
    base = f"https://{job['address']}:{job['port']}"

    class Client(VoIPCertificateClient):
        @property
        def _base_url(self) -> str:
            return base

    with warnings.catch_warnings():
        # It advises against certificates; MDM has nothing else.
        warnings.simplefilter("ignore", DeprecationWarning)
        return Client(
            use_sandbox=False, auth_key_filepath=job["certificate"], key_filepath=job["key"]
        )


async def _send(client: VoIPCertificateClient, push: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        _FIELDS[name][0]: _FIELDS[name][1](value) for name, value in push["headers"].items()
    }
    try:
        # Its annotation admits configurations for VoIP only; the code takes any.
        given: Any = ApnsConfig(**fields)
        identifier = await client.send_message(push["token"], dict(push["payload"]), given)
    except ApnsProviderException as error:
        return {"reason": type(error).__name__, "timestamp": error.error.get("timestamp")}
    except (httpx2.HTTPError, KeyError, AttributeError) as error:
        return {"error": repr(error)}
    return {"status": 200, "id": identifier}


async def _run(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    client = _client(job)
    if job["at_once"]:
        return await asyncio.gather(*(_send(client, push) for push in job["pushes"]))
    return [await _send(client, push) for push in job["pushes"]]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(Path(sys.argv[1]).read_bytes())))))
