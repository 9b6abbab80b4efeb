"""mitmproxy's flow files, read by mitmproxy's own package, which is an optional extra."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.captures.messages import (
    Advance,
    Entry,
    Invalid,
    InvalidEntryError,
    Message,
    request_of,
)
from simulator.core.messages import Headers, Response
from simulator.core.settings import ConfigurationError

_VERSIONS = {"HTTP/1.0": "1.0", "HTTP/2": "2", "HTTP/2.0": "2"}
_NEEDS = (3, 12)
"""The Python that mitmproxy of the extra needs."""


def entries(path: Path, advance: Advance) -> Iterator[Entry]:
    """Yield the flows in the file at *path*; ConfigurationError where it is none."""
    try:
        from mitmproxy import exceptions, http, io  # noqa: PLC0415 (the extra)
    except ImportError:
        advice = "pip install 'mdmsim[mitmproxy]'"
        if sys.version_info < _NEEDS:
            advice += ", with Python 3.12 or newer"
        raise ConfigurationError(
            f"{path}: flows of mitmproxy are read by its own package: {advice}, or save a HAR"
        ) from None
    done = 0
    with path.open("rb") as file:
        reader = io.FlowReader(file)
        try:
            for number, flow in enumerate(reader.stream(), 1):
                advance(file.tell() - done)
                done = file.tell()
                if isinstance(flow, http.HTTPFlow):
                    yield _entry(number, flow)
        except (exceptions.FlowReadException, ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(f"{path}: is no file of flows ({error})") from None
        except MemoryError:  # the length that it gives itself is read as it stands
            raise ConfigurationError(f"{path}: is no file of flows (a length is wrong)") from None


def _entry(number: int, flow: Any) -> Entry:
    sent = flow.request
    try:
        host, request = request_of(
            sent.method,
            # Not its pretty form, which takes the host from the header.
            f"{sent.scheme}://{sent.host}:{sent.port}{sent.path}",
            _headers(sent),
            sent.raw_content or b"",
            _VERSIONS.get(sent.http_version, "1.1"),
            whole=sent.raw_content is not None,
        )
    except InvalidEntryError as error:
        return Invalid(number, str(error))
    answered = flow.response
    response, bodiless = Response(0), False
    if answered is not None:
        body = answered.get_content(strict=False)
        response = Response(answered.status_code, _headers(answered), body or b"")
        bodiless = body is None
    at_ms = round(sent.timestamp_start * 1000)
    return Message(number, at_ms, host, request, response, bodiless=bodiless)


def _headers(message: Any) -> Headers:
    return tuple((_text(name), _text(value)) for name, value in message.headers.fields)


def _text(raw: bytes) -> str:
    """Return header bytes as our own listeners read them."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
