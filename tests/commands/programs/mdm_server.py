"""An MDM server of a few lines: it pushes once, and renews its certificate on a day of its own.

Arguments: its folder (``push.pem``, ``push.key``, ``setup.json``). Run once a day.
"""

import json
import ssl
import sys
import urllib.request
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

HOME = Path(sys.argv[1])
SETUP = json.loads((HOME / "setup.json").read_text())


def renew() -> None:
    """Upload the signed request to the portal, and use what it issues."""
    body = {"request": SETUP["request"], "renews": SETUP["serial"]}
    asked = urllib.request.Request(  # noqa: S310 (our own URL)
        f"{SETUP['control']}/api/v1/push-certificates",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 (our own URL)
        made = json.load(answer)
    (HOME / "push.pem").write_text(made["certificate"])
    (HOME / "push.key").write_text(SETUP["new_key"])


def push() -> None:
    """Push to the device by HTTP/1.1, as the certificate allows."""
    context = ssl.create_default_context(cafile=SETUP["ca"])
    context.load_cert_chain(HOME / "push.pem", HOME / "push.key")
    where = urlsplit(SETUP["tls"])
    connection = HTTPSConnection(where.hostname or "", where.port, context=context)
    headers = {"apns-push-type": "mdm", "apns-topic": SETUP["topic"]}
    connection.request(
        "POST", f"/3/device/{SETUP['token']}", json.dumps({"mdm": SETUP["magic"]}), headers
    )
    connection.getresponse().read()
    connection.close()


days = HOME / "days"
days.write_text(days.read_text() + "." if days.exists() else ".")
if len(days.read_text()) == SETUP["renew_on"]:
    renew()
push()
