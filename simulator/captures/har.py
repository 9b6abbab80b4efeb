"""HAR 1.2, entry by entry: the file may be larger than the memory.

ijson reads it piece by piece, one entry at a time. Entries of our own
export at level ``clear`` hold the exchange as the journal has it, at others what it disclosed.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode

import msgspec

from simulator.captures import exports
from simulator.captures.messages import (
    Advance,
    Entry,
    Invalid,
    InvalidEntryError,
    Message,
    request_of,
)
from simulator.core.messages import Exchange, Headers, Response
from simulator.core.settings import ConfigurationError
from simulator.disclosure.formats.har import RECORD

_MARK = b"\xef\xbb\xbf"
_VERSIONS = {"http/1.0": "1.0", "http/2": "2", "http/2.0": "2", "h2": "2"}


class _Counting:
    """A binary file that tells how much of it was read, and leaves out a byte order mark."""

    def __init__(self, file: BinaryIO, advance: Advance) -> None:
        self._file, self._advance = file, advance
        if file.read(len(_MARK)) != _MARK:
            file.seek(0)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._advance(len(data))
        return data


def entries(path: Path, advance: Advance) -> Iterator[Entry]:
    """Yield the entries of the HAR at *path*; ConfigurationError where it is none."""
    import ijson  # noqa: PLC0415 (for captures only)

    number = 0
    with path.open("rb") as file:
        try:
            for number, entry in enumerate(
                ijson.items(_Counting(file, advance), "log.entries.item"), 1
            ):
                yield _entry(path, number, entry)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            about = " ".join(str(error).split())[:120]
            where = f"behind entry {number}" if number else "at its start"
            raise ConfigurationError(
                f"{path}: is no JSON {where} ({about}): capture it again, or fix it there"
            ) from None
        if not number:
            file.seek(0)
            found = ijson.parse(_Counting(file, lambda _: None))
            if ("log.entries", "start_array") not in ((one[0], one[1]) for one in found):
                raise ConfigurationError(f"{path}: is no HAR: it has no list log.entries")


def _entry(path: Path, number: int, entry: Any) -> Entry:
    if not isinstance(entry, dict):
        return Invalid(number, "it is no object")
    try:
        if RECORD in entry:
            return msgspec.convert(entry[RECORD], Exchange)
        if "_disclosures" in entry:
            return exports.of_har(path, entry)
        return _message(number, entry)
    except InvalidEntryError as error:
        return Invalid(number, str(error))
    except msgspec.ValidationError as error:
        return Invalid(number, f"{RECORD}: {error}")


def _message(number: int, entry: dict[str, Any]) -> Message:
    sent = entry.get("request")
    if not isinstance(sent, dict):
        raise InvalidEntryError(f"its request is {'missing' if sent is None else 'no object'}")
    headers = _headers(sent)
    body, coded = _body(sent, headers)
    size = max(_number(sent.get("bodySize")), 0 if coded else _length(headers))
    host, request = request_of(
        _text(sent, "method"),
        _text(sent, "url"),
        headers,
        body,
        _VERSIONS.get(_text(sent, "httpVersion").lower(), "1.1"),
        whole=coded or len(body) >= size,
    )
    response, bodiless = _response(entry)
    return Message(number, _moment(entry), host, request, response, coded, bodiless)


def _body(sent: Mapping[str, Any], headers: Headers) -> tuple[bytes, bool]:
    """Return the body, and whether its content coding was undone."""
    posted = sent.get("postData")
    if posted is None:
        return b"", False
    if not isinstance(posted, dict):
        raise InvalidEntryError("its postData is no object")
    text, params = posted.get("text"), posted.get("params")
    if text is None and isinstance(params, list):
        if not all(isinstance(one, dict) for one in params):
            raise InvalidEntryError("the params of its postData are no objects")
        pairs = [(str(one.get("name", "")), str(one.get("value", ""))) for one in params]
        text = urlencode(pairs, errors="replace")
    if posted.get("encoding") == "base64":
        return _base64(text), False
    coding = next((value for name, value in headers if name.lower() == "content-encoding"), "")
    return _encoded(text), coding.strip().lower() not in {"", "identity"}


def _response(entry: Mapping[str, Any]) -> tuple[Response, bool]:
    """Return what was answered, and whether it had a body that was not captured."""
    answered = entry.get("response")
    if not isinstance(answered, dict):
        return Response(0), False
    content = answered.get("content")
    content = content if isinstance(content, dict) else {}
    text = content.get("text")
    body = _base64(text) if content.get("encoding") == "base64" else _encoded(text)
    response = Response(_number(answered.get("status")), _headers(answered), body)
    return response, not body and _number(content.get("size")) > 0


def _text(node: Mapping[str, Any], name: str) -> str:
    found = node.get(name, "")
    return found if isinstance(found, str) else ""


def _number(value: Any) -> int:
    # Numbers with a fraction are Decimal: a number of any size is no reason to read no further.
    return int(value) if isinstance(value, int | Decimal) and 0 < value < 2**53 else 0


def _length(headers: Headers) -> int:
    """Return the Content-Length; 0 if there is none."""
    found = next((value for name, value in headers if name.lower() == "content-length"), "0")
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 16 else 0  # noqa: PLR2004 (digits)


def _headers(node: Mapping[str, Any]) -> Headers:
    found = node.get("headers", [])
    if not isinstance(found, list) or not all(
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("value"), str)
        for one in found
    ):
        raise InvalidEntryError("its header fields are no list of names and values")
    return tuple((one["name"], one["value"]) for one in found)


def _base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidEntryError("a body is no base64, as its encoding says") from None


def _encoded(text: Any) -> bytes:
    if not isinstance(text, str | None):
        raise InvalidEntryError("a body is no text")
    return (text or "").encode("utf-8", "surrogatepass")


def _moment(entry: Mapping[str, Any]) -> int:
    """Return startedDateTime in milliseconds."""
    try:
        found = datetime.fromisoformat(entry["startedDateTime"])
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidEntryError("its startedDateTime is no ISO 8601 time with a zone")
    return round(found.timestamp() * 1000)
