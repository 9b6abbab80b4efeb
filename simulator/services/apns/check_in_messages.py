"""Check-in messages, as whoever teaches a device token sends them."""

from typing import Any

import msgspec

from simulator.protocol.body_formats import load_plist


class _CheckinEvent(msgspec.Struct):
    raw_payload: bytes
    """Base64 in the JSON."""


class _Webhook(msgspec.Struct):
    """What MicroMDM and nanomdm post to a webhook, as far as it matters here."""

    topic: str
    checkin_event: _CheckinEvent | None = None


def read_message(content: bytes) -> dict[str, Any]:
    """Return the check-in message in a body; empty for an event of the webhook without one.

    *content* is a property list, XML or binary, or JSON of MicroMDM's webhook. ValueError says
    why there is none.
    """
    if not content.lstrip().startswith(b"{"):
        return _property_list(content)
    try:
        event = msgspec.json.decode(content, type=_Webhook)
    except msgspec.DecodeError as error:
        raise ValueError(f"the body is no event of MicroMDM's webhook: {error}") from None
    return {} if event.checkin_event is None else _property_list(event.checkin_event.raw_payload)


def _property_list(content: bytes) -> dict[str, Any]:
    message = load_plist(content)
    if not isinstance(message, dict):
        raise ValueError("the property list must be a dictionary")  # noqa: TRY004 (of a body)
    return message
