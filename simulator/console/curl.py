"""An exchange as a command for curl."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.console.formatting import shell
from simulator.control.api.golden import TRANSPORT
from simulator.disclosure.redact.markers import named, parse_body_marker

_ADDED = ("User-Agent", "Accept")
"""Headers that it adds where there were none."""


def curl(exchange: Mapping[str, Any], base: str, ca: str) -> str:
    """Return the command that sends the request again, to *base*.

    Secrets are not in the journal: names in capitals stand in their place.
    """
    request, body = exchange["request"], exchange["request"]["body"]
    target = named(request["target"])
    words = ["curl", "-i", *_manner(request, target)]
    if base.startswith("https"):
        words += ["--cacert", ca]
    content = _kept(body.get("text", "")) or body.get("base64")
    words += header_options(request["headers"], has_body=bool(content))
    if "base64" in body:
        return (
            f"echo {content} | base64 -d | {shell([*words, '--data-binary', '@-', base + target])}"
        )
    if content:
        words += ["--data-raw", named(content)]
    return shell([*words, base + target])


def header_options(headers: Sequence[Sequence[str]], *, has_body: bool = True) -> list[str]:
    """Return the options that make curl send *headers*, and none of its own beside."""
    words = []
    for name, value in headers:
        if name.lower() not in TRANSPORT:
            # curl sends a header without a value only when it ends with a semicolon.
            words += ["-H", f"{name}: {named(value)}" if value else f"{name};"]
    sent = {name.lower() for name, _ in headers}
    for name in (*_ADDED, *(["Content-Type"] if has_body else [])):
        if name.lower() not in sent:
            words += ["-H", f"{name}:"]
    return words


def _manner(request: Mapping[str, Any], target: str) -> Iterator[str]:
    """Yield how it is to be sent, as far as curl would do it otherwise by itself."""
    if request["http"] == "2":
        yield "--http2"
    if request["method"] != ("POST" if any(request["body"].values()) else "GET"):
        yield from ("-X", request["method"])
    if any(one in target for one in "[]{}"):
        yield "-g"
    if "/." in target:
        yield "--path-as-is"


def _kept(text: str) -> str:
    """Return what was kept of a body that could not be read, without its figures."""
    return text if parse_body_marker(text.encode()) is None else text.partition("\n")[2]
