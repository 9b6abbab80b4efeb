"""Shapes of responses that others published, with requests that should get them.

``fixtures/captures/public-shapes.json`` holds no value of theirs. A text such as
``{dep.fetch /devices/*/serial_number}`` stands for the first such value of earlier
responses, a list of ``{dep.fetch /devices/*/serial_number all}`` for all of them. A
response without a shape is only a step on the way, and is not compared. What is
known to differ in the world ``demo``, and why, stands in the file as well.
"""

import json
from collections.abc import Mapping
from typing import Any

from simulator.captures.messages import NO_CONNECTION
from simulator.captures.replaying import Captured, Replay
from simulator.captures.shapes import nodes
from simulator.core import resources
from simulator.core.messages import Request
from simulator.disclosure.formats.har import tables
from simulator.protocol.catalogue import Catalogue

PUBLIC_SHAPES = "public-shapes"


def replay_shapes(replay: Replay, catalogue: Catalogue) -> Mapping[str, str]:
    """Send all requests in order; return why which differences are known, by their texts."""
    file = json.loads(resources.read_text("captures", f"{PUBLIC_SHAPES}.json"))
    rows: list[dict[str, Any]] = file["responses"]
    seen: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        request = _request(row, seen)
        shape = {place: frozenset(kinds) for place, kinds in row.get("shape", {}).items()}
        response = replay.send(Captured(number, request, row.get("status", 0), shape or None))
        operation = catalogue.match(request).operation
        if response is not None and operation is not None:
            for place, value in nodes(_json(response.body), tables(operation.response)):
                if isinstance(value, str) and value:
                    seen.setdefault(f"{operation.name} {place}", []).append(value)
    known: Mapping[str, str] = file["known"]
    return known


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _request(row: dict[str, Any], seen: dict[str, list[str]]) -> Request:
    text = json.dumps(row["request"])
    for name, values in seen.items():
        text = text.replace(f"{{{name}}}", json.dumps(values[0])[1:-1])
        text = text.replace(f'["{{{name} all}}"]', json.dumps(list(dict.fromkeys(values))))
    sent = json.loads(text)
    headers = tuple((name, value) for name, value in sent["headers"].items())
    body = json.dumps(sent["json"]).encode() if "json" in sent else b""
    return Request(sent["method"], sent["target"], headers, body, "https", NO_CONNECTION)
