"""The log of an activity: a CSV that anybody can read who has its link, for a minute (axm.md 6.3).

The link leads to Apple's store of files where one of Apple's hosts was asked, else to us.
"""

import csv
import hashlib
import hmac
import io
from datetime import UTC, datetime
from urllib.parse import quote

from simulator.core.state import Body
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.axm import errors
from simulator.services.axm.documents import (
    ACCOUNT,
    BLOBS,
    BUSINESS,
    DOCS,
    SCHOOL,
    authority,
    host_name,
)
from simulator.services.fleet import changes
from simulator.services.fleet.changes import BulkChange

LOG = "axm.log"
"""Which activity a path is the log of; seen from no organisation."""
LIFE_S = 60
_ACCESS_KEY = "MACOSX_SU_ACCESS_KEY"


def publish(call: Call, activity: str) -> None:
    """Give the log of an activity a path."""
    body: Body = {"organisation": call.principal.organisation, "activity": activity}
    call.state.of("").put(LOG, _key(call.secret, activity), body)


def _key(secret: bytes, activity: str) -> str:
    return hmac.digest(secret, f"axm.log|{activity}".encode(), hashlib.sha256).hex()[:40]


def url(call: Call, change: BulkChange) -> str:
    """Return a link that was signed just now."""
    base = authority(call)
    if host_name(call) in (BUSINESS, SCHOOL):
        base = base.replace(host_name(call), BLOBS, 1)
    key = _key(call.secret, change.id)
    moment = datetime.fromtimestamp(change.completed_ms / 1000, UTC)
    stamp = f"{moment:%B}-{moment.day}-{moment:%Y_%H-%M-%S}"
    disposition = f'attachment;filename="ABM-ActivityLog_{stamp}.csv"'
    expires = call.now_ms // 1000 + LIFE_S
    query = {
        "response-content-disposition": disposition,
        "response-content-type": "application/octet-stream",
        "iCloudAccessKeyId": _ACCESS_KEY,
        "Expires": str(expires),
        "Signature": _signature(call.secret, key, str(expires), disposition),
    }
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"{base}/activity-logs/{key}?{pairs}"


def _signature(secret: bytes, key: str, expires: str, disposition: str) -> str:
    text = f"axm.log-url|{key}|{expires}|{disposition}"
    return hmac.digest(secret, text.encode(), hashlib.sha256).hex()[:40]


def _pair(name: str, about: str, concept: str = "protocol") -> String:
    return String(name, about, place="query", concept=concept, source="AXM-D")


@operation(
    "GET /activity-logs/{id}",
    "Download the log of an activity by its link.",
    name="axm.log",
    request=(
        String("id", "Which log.", place="path", concept="axm.log_key", source="AXM-D"),
        _pair("response-content-disposition", "File name to return."),
        _pair("response-content-type", "Content type to return."),
        _pair("iCloudAccessKeyId", "Whose key has signed."),
        _pair("Expires", "Until when it is good, seconds since 1970."),
        _pair("Signature", "Signature of the link.", "axm.log_signature"),
    ),
    docs=f"{DOCS}get-orgdeviceactivity-information",
    source="AXM-D, AXM-TF",
    inferred="Its path and rows are ours: a preamble, then serial_number, operation_status and "
    "operation_substatus, as a client reads them.",
)
def download(call: Call) -> bytes:
    """Return the CSV; 403 once the link has expired or if it was changed."""
    if host_name(call) in (BUSINESS, SCHOOL, ACCOUNT):
        raise errors.unknown_path(call)
    key = call.path["id"]
    expires = call.query.get("Expires", "")
    disposition = call.query.get("response-content-disposition", "")
    wanted = _signature(call.secret, key, expires, disposition)
    if not hmac.compare_digest(wanted, call.query.get("Signature", "")):
        raise ApiError(errors.FORBIDDEN_ERROR, "the link is not one that was returned")
    if call.now_ms >= int(expires) * 1000:
        raise ApiError(errors.FORBIDDEN_ERROR, "the link has expired: get the activity again")
    found = call.state.of("").get(LOG, key)
    state = call.state.of("" if found is None else found.body["organisation"])
    change = None if found is None else changes.find(state, found.body["activity"])
    if found is None or change is None:
        raise errors.not_found("activityLogs", key)
    call.exchange.organisation = found.body["organisation"]
    call.headers.append(("Content-Disposition", disposition))
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["Activity Log"])
    rows.writerow([])
    rows.writerow(["serial_number", "operation_status", "operation_substatus"])
    rows.writerows(changes.results(state, change))
    return out.getvalue().encode()
