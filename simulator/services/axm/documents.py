"""Documents of JSON:API as the service writes them: links, single resources, lists, errors.

Links are absolute and lead to the authority that was asked, as clients follow them verbatim.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode, Field, Integer, Object, Objects, String
from simulator.protocol.head import RequestHead
from simulator.protocol.operations import Call
from simulator.services.axm import errors
from simulator.services.axm.errors import OAuthError, Refused

BUSINESS, SCHOOL = "api-business.apple.com", "api-school.apple.com"
ACCOUNT, BLOBS = "account.apple.com", "store.blobstore.apple.com"
DOCS = "https://developer.apple.com/documentation/applebusinessapi/"
JSON_TYPE = "application/json"


def authority(call: Call) -> str:
    """Return scheme and authority that the client asked, with the label of a test run."""
    request = call.request
    scheme = (request.header("x-forwarded-proto") or request.scheme).partition(",")[0].strip()
    host = (request.header("x-forwarded-host") or request.header("host") or "").partition(",")[0]
    return f"{scheme}://{host.strip() or BUSINESS}{call.prefix}"


def host_name(head: RequestHead) -> str:
    """Return the host name that the client asked, in lower case and without a port."""
    return (head.header("host") or "").lower().partition(":")[0]


def itself(call: Call) -> str:
    """Return the link to what was asked for, without its query."""
    return authority(call) + call.request.target.partition("?")[0]


class Links:
    """Makes the links of one answer."""

    def __init__(self, call: Call) -> None:
        self._base = f"{authority(call)}/v1/"

    def to(self, *steps: str) -> str:
        """Return the link to a path below ``/v1``."""
        return self._base + "/".join(steps)

    def relationship(self, kind: str, identifier: str, name: str) -> Body:
        """Return the object of a relationship that has both links."""
        return {
            "links": {
                "self": self.to(kind, identifier, "relationships", name),
                "related": self.to(kind, identifier, name),
            }
        }


def resource(
    kind: str,
    identifier: str,
    attributes: Body,
    *,
    relationships: Body | None = None,
    link: str = "",
    only: frozenset[str] | None = None,
) -> Body:
    """Return a resource object; *only* holds the names that ``fields[kind]`` asks for."""
    if only is not None:
        attributes = {name: value for name, value in attributes.items() if name in only}
        relationships = {k: v for k, v in (relationships or {}).items() if k in only}
    made: Body = {"type": kind, "id": identifier, "attributes": attributes}
    if relationships:
        made["relationships"] = relationships
    if link:
        made["links"] = {"self": link}
    return made


def single(call: Call, data: Body, link: str = "") -> Body:
    """Return the document of one resource."""
    return {"data": data, "links": {"self": link or itself(call)}}


def asked_fields(call: Call, kind: str) -> frozenset[str] | None:
    """Return the names that ``fields[kind]`` trims attributes and relationships to, or None."""
    text = call.query.get(f"fields[{kind}]")
    return None if text is None else frozenset(filter(None, text.split(",")))


def fields_row(kind: str, names: Iterable[str], since: str = "10+") -> String:
    """Return the row of ``fields[kind]``: some of *names*, joined by commas."""
    known = frozenset(names)

    def check(value: Any, _: object) -> str:
        strange = [name for name in value.split(",") if name not in known]
        return "names a field that there is not" if strange else ""

    return String(
        f"fields[{kind}]",
        "Names of the attributes and relationships to return, joined by commas.",
        place="query",
        versions=since,
        concept="protocol",
        check=check,
        invalid=errors.PARAMETER_INVALID,
        example=min(known),
        source="AXM-D, AXM-HI",
        inferred="An unknown name is PARAMETER_ERROR.INVALID, as in App Store Connect.",
    )


def identifier_row(about: str, concept: str = "protocol") -> String:
    """Return the row of the path's ``{id}``."""
    return String("id", about, place="path", concept=concept, source="AXM-D")


def names(rows: Iterable[Field]) -> list[str]:
    """Return the names of *rows*."""
    return [row.name for row in rows]


_LINK = String("self", "Link to it.", concept="protocol", source="AXM-D")
LINKS = Object(
    "links",
    "Links of the document.",
    fields=(
        _LINK,
        String("next", "Link to the next page, if there is one.", concept="protocol"),
    ),
    source="AXM-D",
)
META = Object(
    "meta",
    "About the page.",
    fields=(
        Object(
            "paging",
            "Where the page stands.",
            fields=(
                Integer("limit", "Size of a page.", concept="protocol"),
                String("nextCursor", "Where to go on; absent at the end.", concept="protocol"),
            ),
        ),
    ),
    source="AXM-D",
)
RELATED = (
    Object(
        "links",
        "Its links.",
        fields=(
            _LINK,
            String("related", "Link to what it names.", concept="protocol"),
            String("include", "Link that includes it.", concept="protocol"),
        ),
    ),
)


def resource_rows(
    kind: str,
    attributes: tuple[Field, ...],
    relationships: tuple[Field, ...] = (),
    concept: str = "protocol",
) -> tuple[Field, ...]:
    """Return the rows of a resource object; *concept* is that of its id."""
    rows: list[Field] = [
        String("type", f"Always {kind}.", concept="protocol", values=(kind,), source="AXM-D"),
        String("id", "Its identifier.", concept=concept, source="AXM-D"),
        Object("attributes", "Its attributes.", fields=attributes, source="AXM-D"),
    ]
    if relationships:
        rows.append(Object("relationships", "Its relationships.", fields=relationships))
    return (*rows, Object("links", "Its links.", fields=(_LINK,)))


def document(rows: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return the rows of a document of one resource."""
    return (Object("data", "The resource.", fields=rows, source="AXM-D"), LINKS)


def listing(rows: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return the rows of a document of many resources."""
    return (Objects("data", "The resources.", fields=rows, source="AXM-D"), LINKS, META)


def linkage_rows(kind: str, concept: str) -> tuple[Field, ...]:
    """Return the rows of a resource identifier."""
    return (
        String("type", f"Always {kind}.", concept="protocol", values=(kind,), source="AXM-D"),
        String("id", "Its identifier.", concept=concept, source="AXM-D"),
    )


def error_document(call: Call, row: ErrorCode) -> Body:
    """Return the document of a refusal."""
    if isinstance(row, OAuthError):
        return {"error": row.code}
    one: Body = {
        "id": _error_id(call),
        "status": str(row.status),
        "code": row.code,
        "title": row.about,
        "detail": row.about,
    }
    where: Mapping[str, str] | None = None
    if isinstance(row, Refused):
        one["detail"], where = row.detail, row.where
    finding = next((each for each in call.exchange.findings if each.refused), None)
    if where is None and finding is not None:
        one["detail"] = f"{finding.message[:1].upper()}{finding.message[1:]}"
        if finding.part == "query":
            where = {"parameter": finding.at}
        elif finding.part == "body" and finding.rule.startswith("field"):
            where = {"pointer": finding.at}
    if where is not None:
        one["source"] = dict(where)
    return {"errors": [one]}


def _error_id(call: Call) -> str:
    number = call.state.of("").reserve("axm.error")
    return uuid_of(call.secret, "error", number)


def uuid_of(secret: bytes, *what: object) -> str:
    """Return a lower-case uuid of version 4 that follows from *what*."""
    digits = list(hmac.digest(secret, "|".join(map(str, what)).encode(), hashlib.sha256).hex()[:32])
    digits[12] = "4"
    digits[16] = "89ab"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
