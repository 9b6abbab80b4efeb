"""Push with aioapns: HTTP/2 without ALPN, ``host`` instead of ``:authority``."""

import asyncio
import json
import logging
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aioapns import APNs, NotificationRequest, PushType
from aioapns.connection import APNsProductionClientProtocol
from aioapns.exceptions import MaxAttemptsExceeded

_FIELDS = {
    "apns-id": ("notification_id", str),
    "apns-topic": ("apns_topic", str),
    "apns-priority": ("priority", int),
    "apns-push-type": ("push_type", PushType),
    "apns-collapse-id": ("collapse_key", str),
}
"""Where aioapns wants each header, and as what."""
_ATTEMPTS = 2


def _request(push: Mapping[str, Any]) -> NotificationRequest:
    fields = {_FIELDS[name][0]: _FIELDS[name][1](value) for name, value in push["headers"].items()}
    return NotificationRequest(push["token"], push["payload"], **fields)


async def _send(client: APNs, push: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer = await client.send_notification(_request(push))
    except MaxAttemptsExceeded as error:
        return {"error": type(error).__name__}
    return {
        "status": int(answer.status),
        "id": answer.notification_id,
        "reason": answer.description or "",
        "timestamp": answer.timestamp,
    }


async def _run(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    APNsProductionClientProtocol.APNS_SERVER = job["address"]
    APNsProductionClientProtocol.APNS_PORT = job["port"]
    client = APNs(
        client_cert=job["joined"],
        ssl_context=ssl.create_default_context(cafile=job["ca"]),
        max_connections=1,
        max_connection_attempts=_ATTEMPTS,
    )
    try:
        if job["at_once"]:
            return await asyncio.gather(*(_send(client, push) for push in job["pushes"]))
        return [await _send(client, push) for push in job["pushes"]]
    finally:
        client.pool.close()


if __name__ == "__main__":
    # It reports each refusal as an error of its own; the result says it already.
    logging.disable()
    sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(Path(sys.argv[1]).read_bytes())))))
