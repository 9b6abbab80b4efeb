"""HAR 1.2: the exchanges themselves, for any viewer of HTTP traffic.

What a client sent is shown as the level of redaction allows, leaf by leaf, so
that the shape of each message stays; secrets stop at fingerprint. Fields that
start with ``_`` are ours.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import quote

import msgspec

from simulator.core.messages import Exchange, Headers
from simulator.core.timestamps import rfc3339_ms
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.manifest import as_json, judge
from simulator.disclosure.observe.inner import step
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.observe.values import length_of, shape_of
from simulator.disclosure.redact.known import NO_RECORD
from simulator.disclosure.redact.markers import parse_marker
from simulator.disclosure.report.redaction import shown
from simulator.protocol.fields import Field, Object, Objects, Table
from simulator.protocol.wire import pairs_of, parse_json, query_pairs

RECORD = "_record"
"""Key of an entry: the exchange as the journal holds it, which mdmsim judge reads."""
_SHORT = 200
"""Bytes of an answer that is no JSON and yet shown: error codes are short."""


class _Values:
    """What is shown of the values of a request, by part and place, each handed out once."""

    def __init__(self, values: Iterable[tuple[Disclosure, str]]) -> None:
        self._texts: dict[tuple[str, str], list[str]] = {}
        for one, text in values:
            self._texts.setdefault((one.part, one.at), []).append(text)

    def take(self, part: str, at: str, default: str = "") -> str:
        """Return the next value at a place; a name that comes twice has two."""
        found = self._texts.get((part, at))
        return found.pop(0) if found else default

    def cookies(self) -> list[dict[str, str]]:
        return [
            {"name": at, "value": text}
            for (part, at), texts in self._texts.items()
            if part == "cookie"
            for text in texts
        ]


def to_har(material: Material) -> Iterator[str]:
    """Yield one log, entry by entry: the journal may be larger than the memory."""
    provenance = material.report.provenance
    name, _, version = provenance.tool.partition(" ")
    creator = json.dumps({"name": name, "version": version})
    comment = json.dumps(
        f"Redacted to level {provenance.redaction}; verdict {material.report.verdict}; "
        f"journal head {material.report.evidence.head_sha256}"
    )
    yield f'{{"log":{{"version":"1.2","creator":{creator},"comment":{comment},"entries":[\n'
    comma = ""
    for exchange in material.disclosing():
        yield comma + json.dumps(_entry(exchange, material), ensure_ascii=False)
        comma = ",\n"
    yield "\n]}}\n"


def _entry(exchange: Exchange, material: Material) -> dict[str, Any]:
    level = material.report.provenance.redaction
    operation = material.catalogue.operations.get(exchange.operation)
    observed = material.observed(exchange)
    values = _Values((one, shown(one, text, level)) for one, text in observed)
    judged = [
        judge(one, exchange.service, exchange.operation, material.manifest) for one, _ in observed
    ]
    # Nothing but secrets is hidden then, and of those the journal holds fingerprints only.
    whole = {RECORD: msgspec.to_builtins(exchange)} if level == "clear" else {}
    return whole | {
        "startedDateTime": rfc3339_ms(exchange.at_ms),
        "time": exchange.took_us / 1000,
        "request": _request(exchange, values, tables(operation.request if operation else ())),
        "response": _response(exchange, level, tables(operation.response if operation else ())),
        "cache": {},
        "timings": {"send": 0, "wait": exchange.took_us / 1000, "receive": 0},
        "_exchange": exchange.seq,
        "_service": exchange.service,
        "_operation": exchange.operation,
        "_version": exchange.version,
        "_organisation": exchange.organisation,
        "_error": exchange.error or None,
        "_findings": [
            {"rule": one.rule, "part": one.part, "at": one.at, "message": one.message}
            for one in exchange.findings
        ],
        "_disclosures": [_disclosure(as_json(one), one.disclosure, level) for one in judged],
    }


def _disclosure(row: dict[str, Any], one: Disclosure, level: str) -> dict[str, Any]:
    """Return a record of the API without what *level* keeps back."""
    row.pop("value")
    if level in ("names", "shape"):
        row.pop("fp"), row.pop("clear")
    if level == "names":
        row.pop("shape"), row.pop("len")
    return row | {"field": one.field, "versions": one.versions, "inherent": one.inherent or None}


def tables(rows: Iterable[Field], pointer: str = "") -> frozenset[str]:
    """Return the generic places of objects whose keys are data, such as serial numbers."""
    found: set[str] = set()
    for row in rows:
        if row.place != "body":
            continue
        here = f"{pointer}/{row.name}"
        if isinstance(row, Table):
            found |= {here, *tables(row.fields, f"{here}/*")}
        elif isinstance(row, Object):
            found |= tables(row.fields, f"{here}/*" if isinstance(row, Objects) else here)
    return frozenset(found)


def _request(exchange: Exchange, values: _Values, keyed: AbstractSet[str]) -> dict[str, Any]:
    request = exchange.request
    host = next((value for name, value in request.headers if name.lower() == "host"), "unknown")
    query = [
        {"name": pair.name, "value": values.take("query", pair.name)}
        for pair in query_pairs(request.target)
    ]
    path = exchange.route.partition(" ")[2] or "/"
    url = f"{request.scheme}://{host}{path}"
    if query:
        url += "?" + "&".join(f"{quote(q['name'])}={quote(q['value'])}" for q in query)
    found: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": f"HTTP/{request.http}",
        "cookies": values.cookies(),
        "headers": _headers(request.headers, values),
        "queryString": query,
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        mime = _header(request.headers, "content-type") or "application/octet-stream"
        found["postData"] = {"mimeType": mime, "text": _body(request.body, values, keyed)}
    return found


def _headers(headers: Headers, values: _Values) -> list[dict[str, str]]:
    """Return header fields; the parts of a structured one are in ``_disclosures``."""
    return [
        {
            "name": name,
            "value": value
            if name.lower() in NO_RECORD
            else values.take("header", name.lower(), "(see _disclosures)"),
        }
        for name, value in headers
    ]


def _header(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _body(body: bytes, values: _Values, keyed: AbstractSet[str]) -> str:
    """Return a JSON body with each value as it may be shown; anything else as its one record."""
    try:
        tree = parse_json(body)
    except ValueError:
        return values.take("body", "", "(not shown)")
    return _written(_replaced(tree, "", "", keyed, lambda at, _: values.take("body", at)))


def _replaced(
    node: Any, at: str, generic: str, keyed: AbstractSet[str], leaf: Callable[[str, Any], Any]
) -> Any:
    """Return *node* with what *leaf* makes of each value, and key that is data, and its place."""
    if isinstance(node, dict) and node:
        data = generic in keyed
        found = []
        for key, value in pairs_of(node):
            place = at + step(key)
            below = f"{generic}/*" if data else generic + step(key)
            name = leaf(place, key) if data else key
            found.append((str(name), _replaced(value, place, below, keyed, leaf)))
        return found
    if isinstance(node, list) and node:
        return tuple(
            _replaced(item, f"{at}/{number}", f"{generic}/*", keyed, leaf)
            for number, item in enumerate(node)
        )
    return leaf(at, node)


def _written(node: Any) -> str:
    """Write pairs and items as JSON; duplicate keys stay."""
    if isinstance(node, list):
        return "{" + ", ".join(f"{json.dumps(key)}: {_written(one)}" for key, one in node) + "}"
    if isinstance(node, tuple):
        return "[" + ", ".join(_written(one) for one in node) + "]"
    return json.dumps(node, ensure_ascii=False)


def _response(exchange: Exchange, level: str, keyed: AbstractSet[str]) -> dict[str, Any]:
    response = exchange.response
    return {
        "status": response.status,
        "statusText": "",
        "httpVersion": f"HTTP/{exchange.request.http}",
        "cookies": [],
        "headers": [
            {"name": name, "value": _answered(value, level) if "<sealed " in value else value}
            for name, value in response.headers
        ],
        "content": {
            "size": len(response.body),
            "mimeType": _header(response.headers, "content-type") or "application/octet-stream",
            "text": _answer(response.body, level, keyed),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(response.body),
    }


def _answer(body: bytes, level: str, keyed: AbstractSet[str]) -> str:
    """Return an answer; below ``clear`` its values as figures."""
    try:
        tree = parse_json(body)
    except ValueError:
        # Error codes, and nothing that a client sent.
        return body.decode("utf-8", "replace") if len(body) < _SHORT else "(not shown)"
    return _written(_replaced(tree, "", "", keyed, lambda _, value: _answered(value, level)))


def _answered(value: Any, level: str) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = value if isinstance(value, str) else ""
    sealed = parse_marker(text)
    if level == "names":
        return ""
    if sealed is not None:
        fp = f" fp={sealed.fp}" if level != "shape" else ""
        return f"{sealed.shape}[{sealed.length}]{fp}"
    return value if level == "clear" or not text else f"{shape_of(text)}[{length_of(text)}]"
