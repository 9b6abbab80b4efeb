"""One round of pyaxm, unmodified, as its users' scripts call it; prints what it got as JSON.

Arguments: client id, key id, key file, where to keep the token.
"""

import json
import sys
from typing import Any

from pyaxm import client as module  # type: ignore[import-untyped]
from pyaxm.client import Client  # type: ignore[import-untyped]

WAIT_S = 3


def sooner(sleep: Any) -> Any:
    """Return *sleep* that takes at most WAIT_S: pyaxm waits 10 s before its first look."""
    return lambda seconds: sleep(min(seconds, WAIT_S))


def main(client_id: str, key_id: str, key: str, token: str) -> None:
    """List, read, unassign, assign with a deadline, release, and read the trail."""
    module.time.sleep = sooner(module.time.sleep)
    axm = Client(client_id, key_id, key, token)
    devices = [one.id for one in axm.list_devices()]
    (server,) = axm.list_mdm_servers()
    assigned = [one.id for one in axm.list_devices_in_mdm_server(server.id)]
    first, second, third = devices[:3]
    found: dict[str, Any] = {
        "devices": devices,
        "server": server.attributes.serverName,
        "assigned": sorted(assigned),
        "server_of_first": axm.get_device_server_assignment(first).id == server.id,
        "coverage": [one.attributes.description for one in axm.get_apple_care_coverage(first)],
    }
    act = axm.assign_unassign_device_to_mdm_server
    done = [
        act([first, second], server.id, "UNASSIGN_DEVICES"),
        act(
            [first],
            server.id,
            "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE",
            sys.argv[5],
        ),
        axm.release_devices([third]),
    ]
    found["activities"] = [one.attributes.subStatus for one in done]
    found["migration"] = axm.get_device(first).attributes.mdmMigrationStatus
    found["second"] = axm.get_device(second).attributes.status
    found["left"] = len(axm.list_devices())
    found["users"] = [one.attributes.email for one in axm.list_users()]
    events = axm.get_audit_events("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z")
    found["events"] = [one.attributes.type for one in events]
    print(json.dumps(found))  # noqa: T201 (that is what it is for)


main(*sys.argv[1:5])
