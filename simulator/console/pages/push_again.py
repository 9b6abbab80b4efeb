"""A push as a command that sends it again: the device token comes from the state, not the journal.

The journal holds the fingerprints of a push's token and magic. The device that
has them is found by its token's fingerprint; curl gets both from an answer of
its own, as `credentials` says why.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulator.console import calls, curl
from simulator.console.formatting import shell
from simulator.console.pages.credentials import base, configuration
from simulator.console.pages.start import bearer
from simulator.console.parts import READY, Page
from simulator.control.parts import PARTS, missing
from simulator.core.state import State
from simulator.disclosure.redact.markers import Marker, apart
from simulator.services.apns import registry
from simulator.services.apns.registry import DeviceToken

OPERATION = "apns.push"
_CONCEPT = "push.token"
_MAGIC = "push.magic"
_AUTHORIZATION = "authorization"


async def command(request: web.Request, exchange: Mapping[str, Any]) -> str:
    """Return the command that sends *exchange* again, if it is a push that one can; else nothing.

    It shows the certificate of the topic, also for a push that a provider
    token authenticated: that token is not kept.
    """
    if exchange["operation"] != OPERATION:
        return ""
    ready = request.app[READY]()
    topic = next((v for n, v in exchange["request"]["headers"] if n.lower() == "apns-topic"), "")
    pair = next(
        (
            pair
            for one in ready["organisations"]
            for pair in one["push_topics"]
            if pair["topic"] == (topic or exchange["client"].partition(":")[2])
        ),
        None,
    )
    if pair is None or not ready["tls"] or _marker(exchange) is None:
        return ""
    if "written" in pair:
        pair = await calls.get(request, "push-topics", pair["topic"], "token")
    url = "/".join([str(request.url.origin()), "traffic", str(exchange["seq"]), "curl"])
    give = shell(["curl", "-s", *bearer(request), url])
    show = ["--cacert", ready["ca"], "--cert", pair["certificate"], "--key", pair["key"]]
    kept = [
        (name, value)
        for name, value in exchange["request"]["headers"]
        if name.lower() != _AUTHORIZATION
    ]
    take = shell(["curl", "-K", "-", "-i", "--http2", *show, *curl.header_options(kept)])
    return f"{give} | {take}"


def _marker(exchange: Mapping[str, Any]) -> Marker | None:
    found = (one for one in apart(exchange["request"]["target"]) if isinstance(one, Marker))
    return next((one for one in found if one.concept == _CONCEPT), None)


async def secrets(request: web.Request) -> web.StreamResponse:
    """Answer what of a push is secret, as curl's configuration: the URL and the body."""
    seq = request.match_info["seq"]
    exchange = await calls.get(request, "exchanges", seq)
    marker = _marker(exchange)
    if exchange["operation"] != OPERATION or marker is None:
        raise missing(f"exchange {seq} is no push to a device token")
    mark = request.app[PARTS].observer.mark

    def find(state: State) -> DeviceToken | None:
        for organisation in state.organisations_with(registry.TOKEN):
            for one in state.of(organisation).scan(registry.TOKEN):
                if mark(_CONCEPT, one.key).fp == marker.fp:
                    return DeviceToken.of(one)
        return None

    device = await request.app[PARTS].gateway.run(find)
    if device is None:
        raise missing(f"no device has the token of exchange {seq} any more")
    body = "".join(
        (device.magic if one.concept == _MAGIC else "") if isinstance(one, Marker) else one
        for one in apart(exchange["request"]["body"].get("text", ""))
    )
    url = f"{base(request.app[READY]())}/3/device/{device.token}"
    return configuration(url=url, data=body)


PAGES = (Page("GET", "/traffic/{seq}/curl", secrets),)
