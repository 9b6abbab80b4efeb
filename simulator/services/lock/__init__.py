"""Removal of Activation Lock with a bypass code: ``escrowKeyUnlock``.

This module is the service as a whole; who calls is known by the push certificate
that it shows. Facts come from more.md section 3, whose source tags the rows carry.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from simulator.core.messages import Response
from simulator.pki.push import read_push_certificate
from simulator.protocol.fields import ErrorCode
from simulator.protocol.head import NOBODY, Principal
from simulator.protocol.operations import ApiError, Call
from simulator.protocol.responses import TEXT, allow, user_agent
from simulator.protocol.service import Service
from simulator.services import push_topics
from simulator.services.lock import errors, quirks

DOCS = "https://developer.apple.com/documentation/devicemanagement/creating-and-using-bypass-codes"
HEADERS = (user_agent("NM"),)
_read = lru_cache(maxsize=1024)(read_push_certificate)


def by_certificate(call: Call) -> Principal:
    """Recognise the push certificate: it is good now, and for a topic of this world."""
    tls = call.tls
    if tls is None or not tls.client_certificate:
        if call.has(quirks.NO_CERTIFICATE):
            return NOBODY
        raise ApiError(errors.CERTIFICATE_REQUIRED, "show the push certificate to TLS")
    shown = _read(tls.client_certificate)
    topic = push_topics.find(call.state, shown.topic) if shown.topic else None
    if topic is None:
        raise ApiError(errors.CERTIFICATE_REFUSED, "no organisation has the certificate's topic")
    if {"*", f"{shown.serial:x}"} & set(topic["revoked"]):
        raise ApiError(errors.CERTIFICATE_REFUSED, "the certificate was revoked")
    if not shown.not_before <= datetime.fromtimestamp(call.now_ms / 1000, UTC) <= shown.not_after:
        raise ApiError(errors.CERTIFICATE_REFUSED, "the certificate is not valid at this time")
    return Principal(topic["organisation"], f"lock:{shown.topic}", shown.topic)


def answer(_: Call, __: Any) -> Response:
    """Make the answer: 200 with nothing, as clients look at the status only."""
    return Response(200, TEXT)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: its body as text."""
    headers = (*TEXT, *allow(call))
    body = row.code if row.body is None else row.body
    return Response(row.status, headers, body.encode())


SERVICE = Service(
    name="lock",
    about="Removal of Activation Lock with a bypass code.",
    hosts=("deviceservices-external.apple.com",),
    docs=DOCS,
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.BAD_REQUEST,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.WRONG_TYPE,
    broken=errors.SERVER_ERROR,
    authenticate={"certificate": by_certificate},
    credentials={"certificate": ("connection", "client_cert")},
    answer=answer,
    refuse=refuse,
    quirks=quirks.ALL,
)
