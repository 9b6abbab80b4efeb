"""Provenance: what a report was made of, and of which product."""

import re
from dataclasses import dataclass

from simulator.core.timestamps import rfc3339
from simulator.disclosure.judge.claims import Manifest
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.redaction import Level
from simulator.journal.chain import Evidence
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.reference import digest

_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,60}/[0-9][0-9A-Za-z._+-]{0,30}(?=[\s(;]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the report was made of."""

    tool: str
    run: str
    """Names this state of this journal: the same exchanges and key give the same."""
    manifest: str
    manifest_sha256: str
    manifest_claims: int
    manifest_revision: str
    discloser: str
    products: tuple[str, ...]
    """Products with their versions, as their User-Agent or a flag names them."""
    source: str
    catalogue_sha256: str
    key_id: str
    redaction: str
    language: str
    first_exchange: int
    last_exchange: int
    first_seen: str
    last_seen: str


def provenance(
    ledger: Ledger,
    evidence: Evidence,
    manifest: Manifest,
    catalogue: Catalogue,
    tool: str,
    redact: Level,
    language: str,
    product: str | None,
) -> Provenance:
    """Return what a report of *ledger* was made of."""
    (first, first_ms), (last, last_ms) = ledger.first, ledger.last
    some = ledger.exchanges > 0
    return Provenance(
        tool=tool,
        run=f"r-{evidence.head.link.hex()[:8]}-{evidence.head.seq}",
        manifest=manifest.name,
        manifest_sha256=manifest.sha256,
        manifest_claims=len(manifest.claims),
        manifest_revision=str(manifest.about.get("revision", "")),
        discloser=str(manifest.about.get("discloser", "")),
        products=(product,) if product else _products(ledger, redact),
        source=str(manifest.about.get("source", "")),
        catalogue_sha256=digest(catalogue),
        key_id=ledger.key_id,
        redaction=redact,
        language=language,
        first_exchange=first,
        last_exchange=last,
        first_seen=rfc3339(first_ms) if some else "",
        last_seen=rfc3339(last_ms) if some else "",
    )


def _products(ledger: Ledger, redact: Level) -> tuple[str, ...]:
    """Return the products that clients named first in their User-Agent, such as ``curl/8.5.0``."""
    if redact in ("names", "shape"):
        return ()
    texts = [one.text for one in ledger.sent.values() if one.example.concept == "net.user_agent"]
    found = [match[0] for text in texts if text and (match := _PRODUCT.match(text))]
    return tuple(dict.fromkeys(found))
