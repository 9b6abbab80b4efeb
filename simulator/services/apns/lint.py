"""What APNs says nothing about and what yet keeps a push from working."""

import base64
import binascii

from simulator.core.messages import Finding
from simulator.protocol.operations import Call

MDM = "com.apple.mgmt."
"""How the topics of MDM begin."""


def note(call: Call, kind: str | None, token: str, *, is_hex: bool) -> None:
    """Note what is odd about a push, whatever its answer is going to be.

    *kind* is the apns-push-type of a push to an MDM topic (empty: it has none), else None.
    """
    if kind is not None:
        if kind not in ("", "mdm"):
            text = "a push to an MDM topic is of type mdm"
            _note(call, "push-type", "header", "apns-push-type", text)
        findings = call.exchange.findings
        if findings and any(one.at == "/aps" for one in findings):
            text = "an MDM payload holds mdm and nothing else: leave aps out"
            _note(call, "push-aps", "body", "/aps", text)
    else:
        forgive(call)
    if not is_hex and _is_base64(token):
        text = "the token is base64, as the check-in's plist shows it: send its bytes as hex"
        _note(call, "push-token-base64", "path", "{token}", text)
    identifier = call.header("apns-id")
    if identifier and identifier != identifier.lower():
        _note(call, "push-id-case", "header", "apns-id", "apns-id is documented in lower case")


def note_magic(call: Call) -> None:
    """Note a magic that is not the device's."""
    text = "the payload's mdm is not the device's PushMagic: it will stay silent"
    _note(call, "push-magic", "body", "/mdm", text)


_FREE = ("field-unknown", "field-answer-only")


def forgive(call: Call) -> None:
    """Take back what was noted of keys of an app's payload: it may hold any."""
    findings = call.exchange.findings
    if findings:
        findings[:] = [one for one in findings if one.rule not in _FREE]


def _note(call: Call, rule: str, part: str, at: str, text: str) -> None:
    call.note(Finding(rule, part, at, text))


def _is_base64(token: str) -> bool:
    try:
        return bool(base64.b64decode(token.replace("%2F", "/").replace("%2B", "+"), validate=True))
    except (binascii.Error, ValueError):
        return False
