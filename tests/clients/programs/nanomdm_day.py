"""One day of whoever runs nanomdm: on the day that ``setup.json`` names, they renew its push
certificate in the portal; then nanomdm pushes to its device.

Argument: the folder with ``setup.json``.
"""

import json
import sys
from pathlib import Path

from tests.clients.harness import call

HOME = Path(sys.argv[1])
SETUP = json.loads((HOME / "setup.json").read_text())


def renew() -> None:
    """Upload the signed request, and give nanomdm what the portal issues."""
    body = json.dumps({"request": SETUP["request"], "renews": SETUP["serial"]}).encode()
    kind = {"Content-Type": "application/json"}
    made = call("POST", f"{SETUP['control']}/api/v1/push-certificates", body, kind)
    assert made.status == 201, made.text
    pair = made.json["certificate"] + SETUP["new_key"]
    authorization = {"Authorization": SETUP["authorization"]}
    taken = call("PUT", f"{SETUP['nanomdm']}/v1/pushcert", pair.encode(), authorization)
    assert taken.status == 200, taken.text


days = HOME / "days"
days.write_text(days.read_text() + "." if days.exists() else ".")
if len(days.read_text()) == SETUP["renew_on"]:
    renew()
pushed = call(
    "GET",
    f"{SETUP['nanomdm']}/v1/push/{SETUP['udid']}",
    None,
    {"Authorization": SETUP["authorization"]},
)
(HOME / f"day-{len(days.read_text())}.json").write_bytes(pushed.body)
