"""Connections: what a client shows beside its messages, once per connection.

Server name, application protocol, TLS version and cipher, HTTP/2 SETTINGS and
the order of header fields tell which software calls, however bland its
User-Agent is. They are kept apart from the records of a request, which are
what it was told to send; the client's certificate is among those.
"""

from simulator.core.messages import Request
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.observe.records import Disclosure, record_of
from simulator.disclosure.observe.values import Fingerprinter

PART = "conn"
_FACTS = {
    "sni": "net.sni",
    "alpn": "net.tls",
    "tls_version": "net.tls",
    "cipher": "net.tls",
    "http2_settings": "net.http2_settings",
    "header_order": "net.header_order",
}
"""Concept by fact, in the order of their records."""


def facts(request: Request) -> dict[str, str]:
    """Return what the connection of *request* told, if this is its first request."""
    peer = request.peer
    if not peer.first:
        return {}
    tls = peer.tls
    found = {
        "sni": tls.sni if tls else "",
        "alpn": tls.alpn if tls else "",
        "tls_version": tls.version if tls else "",
        "cipher": tls.cipher if tls else "",
        "http2_settings": peer.settings,
        "header_order": ",".join(name.lower() for name, _ in request.headers),
    }
    return {name: found[name] for name in _FACTS if found[name]}


def connection_records(
    request: Request, fingerprinter: Fingerprinter
) -> list[tuple[Disclosure, str]]:
    """Return a record of each fact, with its value."""
    found = []
    for name, value in facts(request).items():
        # What was agreed on in TLS is from our own lists, so it may be shown.
        agreed = frozenset((value,)) if _FACTS[name] == "net.tls" else frozenset[str]()
        row = Row(name, _FACTS[name], closed=agreed)
        leaf = ObservedValue(PART, name, name, row, value, concept=row.concept, documented=True)
        found.append((record_of(leaf, 0, fingerprinter), value))
    return found
