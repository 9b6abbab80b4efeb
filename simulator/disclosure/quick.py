"""The short way to seal the calls that clients make most.

It takes a request only where it can tell at a glance that the long way would
seal nothing but whole headers; the result is the same.
"""

from dataclasses import replace

from simulator.disclosure.concepts import CONCEPTS, QUERY
from simulator.disclosure.inner import CARRIERS
from simulator.disclosure.known import CREDENTIALS, NO_RECORD
from simulator.disclosure.markers import OPENING
from simulator.disclosure.plans import Plan
from simulator.disclosure.values import Fingerprinter
from simulator.messages import Headers, Request
from simulator.protocol.wire import Decoded, JsonObject

_STRUCTURED = frozenset(("authorization", "cookie"))
_NEEDLES = (b"\\", OPENING.encode(), *(needle.encode() for needle, _, _ in CREDENTIALS))
"""What makes a body worth a closer look; a backslash may hide the others."""


def seal_quickly(
    request: Request, content: Decoded | None, plan: Plan, fingerprinter: Fingerprinter
) -> Request | None:
    """Seal *request* if the short way does, else return None."""
    if request.problem or plan.path or plan.strays or "?" in request.target:
        return None
    if request.body and not (content and _is_harmless(content, plan)):
        return None
    sorted_headers = _sorted(request.headers, plan)
    if sorted_headers is None:
        return None
    secrets, others = sorted_headers
    rest = "\n".join((request.target, *others))
    if OPENING in rest or any(needle in rest for needle, _, _ in CREDENTIALS):
        return None
    headers = list(request.headers)
    for index, concept in secrets:
        name, value = headers[index]
        if not value or value in rest or value.encode("utf-8", "replace") in request.body:
            return None
        headers[index] = (name, str(fingerprinter.mark(concept, value)))
    return replace(request, headers=tuple(headers)) if secrets else request


def _sorted(headers: Headers, plan: Plan) -> tuple[list[tuple[int, str]], list[str]] | None:
    """Return place and concept of each secret, and all other values; None if that is not all."""
    secrets, others = [], []
    for index, (sent, value) in enumerate(headers):
        row = plan.headers.get(sent) or plan.headers.get(sent.lower())
        if row is None:
            if sent.lower() not in NO_RECORD:
                return None
            others.append(value)
        elif row.name in _STRUCTURED or row.concept + QUERY in CONCEPTS or row.concept in CARRIERS:
            return None
        elif CONCEPTS[row.concept].sealed:
            secrets.append((index, row.concept))
        else:
            others.append(value)
    return secrets, others


def _is_harmless(content: Decoded, plan: Plan) -> bool:
    """Tell whether a body holds only plain values of fields that are no secrets."""
    tree = content.tree
    if content.coded or not content.readable or not isinstance(tree, dict):
        return False
    if plan.body_secret or isinstance(tree, JsonObject):
        return False
    if any(needle in content.content for needle in _NEEDLES):
        return False
    return all(name in plan.body and _is_plain(value) for name, value in tree.items())


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, dict | list) for item in value)
    return not isinstance(value, dict)
