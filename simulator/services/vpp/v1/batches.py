"""Batches of v1: large lists by tokens that the client gives back unseen (L-batch).

A token carries the filters of the first call; what is passed again is ignored.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from simulator.core.state import Body
from simulator.protocol.operations import ApiError, Call
from simulator.services.vpp import errors
from simulator.services.vpp.checks import forbidden
from simulator.services.vpp.domain.locations import Location

KEPT_MS = 24 * 3600 * 1000
"""How long a batchToken is good."""


class Batch(Struct, frozen=True):
    """What a request asks for."""

    index: int
    """Number of the batch, from 1."""
    since: int | None
    """Revision after which records count; None: all."""
    given: bool
    """Whether it came with a batchToken."""
    filters: Body
    """By the names on the wire: as first asked, whatever comes with a token."""


def _seal(call: Call, content: Body) -> str:
    packed = base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode())
    code = hmac.digest(call.secret, b"batch|" + packed, hashlib.sha256).hex()[:32]
    return f"{packed.decode()}.{code}"


def _open(call: Call, text: str, at: str) -> Body:
    packed, _, code = text.partition(".")
    known = hmac.digest(call.secret, b"batch|" + packed.encode(), hashlib.sha256).hex()[:32]
    if not hmac.compare_digest(known.encode(), code.encode()):
        forbidden(call, errors.INVALID_ARGUMENT, at)
        raise ApiError(errors.INVALID_ARGUMENT)
    content: Body = json.loads(base64.urlsafe_b64decode(packed))
    return content


def requested_batch(call: Call, location: Location, name: str, filters: Collection[str]) -> Batch:
    """Return which batch of the list *name* is asked for; *filters* are the fields that narrow it.

    ApiError if a token is none of this location and list.
    """
    token, since = call.body.get("batchToken"), call.body.get("sinceModifiedToken")
    override = call.body.get("overrideIndex")
    if token and since:
        forbidden(call, errors.INVALID_ARGUMENT, "/sinceModifiedToken")
    if since:
        content = _fitting(call, location, name, since, "/sinceModifiedToken")
        return Batch(1, content["after"], given=False, filters=content["filters"])
    if not token:
        given = {one: call.body[one] for one in filters if one in call.body}
        return Batch(1, None, given=False, filters=given)
    content = _fitting(call, location, name, token, "/batchToken")
    if call.now_ms - content["at_ms"] > KEPT_MS:
        forbidden(call, errors.NO_BATCH, "/batchToken")
    index = content["next"] if override is None else override
    return Batch(index, content["since"], given=True, filters=content["filters"])


def _fitting(call: Call, where: Location, name: str, text: str, at: str) -> Body:
    content = _open(call, text, at)
    if content["uid"] != where.uid:
        forbidden(call, errors.FOREIGN_BATCH, at)
    if content["list"] != name or ("after" in content) != (at == "/sinceModifiedToken"):
        forbidden(call, errors.INVALID_ARGUMENT, at)
    return content


def batch_facts(
    call: Call, location: Location, name: str, batch: Batch, *, total: int, count: int, version: int
) -> Body:
    """Return the fields about a batch of *count* records out of *total*.

    *version* is the revision of the list's newest write.
    """
    batches = -(-total // call.settings.vpp_batch_size)
    if batch.index > max(batches, 1):
        forbidden(call, errors.INVALID_ARGUMENT, "/overrideIndex")
    facts: dict[str, Any] = {"uid": location.uid, "list": name, "filters": batch.filters}
    body: Body = {"batchCount": count, "totalBatchCount": str(batches)}
    if not batch.given:
        body["totalCount"] = total
    if batch.index < batches:
        more = {"next": batch.index + 1, "since": batch.since, "at_ms": call.now_ms}
        body["batchToken"] = _seal(call, facts | more)
    else:
        body["sinceModifiedToken"] = _seal(call, facts | {"after": version})
    return body
