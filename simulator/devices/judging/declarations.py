"""Declarative management: what the server answers to each endpoint, and the declarations."""

import json
from collections.abc import Iterator, Mapping

from simulator.core.messages import Finding
from simulator.devices.device import VirtualDevice
from simulator.devices.judging.form import TargetDevice, finding, judge_form
from simulator.devices.judging.schema import Key, declarations, known

_ENTRY = Key(
    "dictionary",
    keys={
        "Identifier": Key("string", required=True),
        "ServerToken": Key("string", required=True),
    },
)
_SECTION = Key("array", required=True, item=_ENTRY)
_TOKENS = Key(
    "dictionary",
    required=True,
    keys={
        "DeclarationsToken": Key("string", required=True),
        "Timestamp": Key("string", required=True),
    },
)
_ANSWERS: Mapping[str, Key] = {
    "tokens": Key("dictionary", keys={"SyncTokens": _TOKENS}),
    "declaration-items": Key(
        "dictionary",
        keys={
            "Declarations": Key(
                "dictionary",
                required=True,
                keys={
                    "Activations": _SECTION,
                    "Assets": _SECTION,
                    "Configurations": _SECTION,
                    "Management": _SECTION,
                },
            ),
            "DeclarationsToken": Key("string", required=True),
        },
    ),
}
"""By endpoint (device.md 7.1)."""
_DECLARATION = "declaration/"
_KEYS = {
    "Type": Key("string", required=True),
    "Identifier": Key("string", required=True),
    "ServerToken": Key("string", required=True),
}


def judge_declarative(endpoint: str, body: bytes, device: VirtualDevice) -> Iterator[Finding]:
    """Yield what is wrong with the JSON that the server answered to an *endpoint* with."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        yield finding("device-type", "", "the body must be JSON")
        return
    target = TargetDevice(device, device.enrolment)
    if not endpoint.startswith(_DECLARATION):
        yield from judge_form(_ANSWERS.get(endpoint, Key("any")), answer, "", target)
        return
    type_ = answer.get("Type") if isinstance(answer, dict) else None
    schema = declarations().get(type_) if isinstance(type_, str) else None
    payload = Key("dictionary", required=True)
    if schema is not None:
        payload.keys = schema.root.keys
        if text := target.unmet(schema):
            yield finding("device-platform", "/Type", f"{schema.name} {text}")
    elif isinstance(type_, str) and type_ not in known():
        yield finding("device-value", "/Type", "no such declaration is documented")
    root = Key("dictionary", keys={**_KEYS, "Payload": payload})
    yield from judge_form(root, answer, "", target)
