"""Judging disclosures by a manifest: what was declared, and how bad the rest is.

A claim covers a disclosure by concept and service, within its operations,
places and values if it names any. Where several claims do, the one that names
the operation wins, then the one that names the place (before all of them one that
somebody declared, before what a reviewer only lets pass), then the one whose label
is the name of the field on the wire (a plural's s does not count), then the one
whose promised format fits, then the first in the file. So of the seed's two
rows for serial numbers, ``devices`` covers ``devices`` and ``device`` in
requests, and ``serial_number`` what comes back under that name.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from simulator.core import resources
from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import PROTOCOL
from simulator.disclosure.judge.claims import NO_MANIFEST, NOTHING_DECLARED, Claim, Manifest, plain
from simulator.disclosure.observe.observation import Disclosure
from simulator.disclosure.observe.values import EMPTY

__all__ = ["Claim", "Judged", "Manifest", "as_json", "claim_for", "judge", "load_manifest"]

FOLDER = "manifests"
EXEMPT = "exempt"
NONE = "-"
UNDECLARED = "undeclared"
FORBIDDEN = "forbidden"
SEVERITIES = ("ok", "warn", "fail")
"""From harmless to worst."""

_UNDECLARED: dict[str, tuple[str, str]] = {
    "credential": ("fail", "fail"),
    "person-identifier": ("fail", "fail"),
    "contact": ("fail", "fail"),
    "device-identifier": ("fail", "fail"),
    "free-text": ("fail", "fail"),
    "unknown": ("fail", "fail"),
    "device-attribute": ("warn", "fail"),
    "organisation": ("warn", "fail"),
    "server-identity": ("warn", "fail"),
    "asset": ("warn", "fail"),
    "configuration": ("warn", "warn"),
    "network-metadata": ("warn", "warn"),
    "protocol": ("ok", "ok"),
}
"""How bad an undeclared value of a category is: for people at work, and for a gate."""
_FAILING = frozenset(
    (FORBIDDEN, "misplaced", "misplaced-credential", "undocumented", "secret-in-url")
)
_WARNING = ("version<", "version>", "value:")


class Judged(Struct, frozen=True):
    """A disclosure and what a manifest says of it."""

    disclosure: Disclosure
    declared: str
    """Id of the claim, ``exempt``, or ``-``."""
    flags: tuple[str, ...]
    severity: str
    """``ok``, ``warn`` or ``fail``."""
    inherent: bool = False
    """Whether no claim covers it, and none needs to: the protocol demands it."""


def load_manifest(name_or_path: str) -> Manifest:
    """Read a shipped manifest by name, or a file whose path ends in ``.toml``.

    The name ``none`` stands for no declaration at all.
    ConfigurationError if there is none, or something is wrong with it.
    """
    if name_or_path.endswith(".toml"):
        return Manifest.parse(read_manifest(name_or_path), name_or_path)
    if name_or_path == NO_MANIFEST:
        return NOTHING_DECLARED
    shipped = manifest_names()
    if name_or_path not in shipped:
        raise ConfigurationError(
            f"there is no manifest {name_or_path!r}: "
            f"name one of {', '.join(shipped)} or a path that ends in .toml"
        )
    return Manifest.parse(resources.read_text(FOLDER, f"{name_or_path}.toml"), name_or_path)


def manifest_names() -> list[str]:
    """Return the names that `load_manifest` takes: ``none``, then those that ship, sorted."""
    return [NO_MANIFEST, *(name.removesuffix(".toml") for name in resources.names(FOLDER))]


def read_manifest(path: str) -> str:
    """Return the text of the manifest's file at *path*; ConfigurationError if there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: name a manifest's file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8: save it as UTF-8") from None


def claim_for(
    disclosure: Disclosure, service: str, operation: str, manifest: Manifest
) -> Claim | None:
    """Return the claim that covers *disclosure*, or None."""
    claims = manifest.by_concept.get((service, disclosure.concept), ())
    fitting = [one for one in claims if _covers(one, disclosure, operation)]
    return max(fitting, key=lambda one: _closeness(one, disclosure), default=None)


def _covers(claim: Claim, disclosure: Disclosure, operation: str) -> bool:
    if claim.direction == "received" or (claim.op and operation not in claim.op):
        return False
    if claim.place and not {disclosure.part, disclosure.generic} & {*claim.place}:
        return False
    shown = disclosure.clear in claim.values or disclosure.shape in EMPTY
    return not claim.values or shown


def _closeness(claim: Claim, disclosure: Disclosure) -> tuple[bool, ...]:
    return (
        not claim.allowed,
        bool(claim.op),
        bool(claim.place),
        plain(disclosure.field) in claim.names,
        claim.format == disclosure.shape,
    )


def judge(
    disclosure: Disclosure, service: str, operation: str, manifest: Manifest, *, gate: bool = False
) -> Judged:
    """Say whether *disclosure* to *service* was declared, and how bad it is if not.

    *gate* judges as strictly as a release should. Service and operation are
    empty where a request matched none: then no claim covers it. Where no
    manifest is named, nothing is undeclared; what is undocumented or misplaced
    fails all the same.
    """
    flags = disclosure.flags
    if (service, disclosure.concept) in manifest.never:
        flags = (*flags, FORBIDDEN)
    claim = None
    if disclosure.category == PROTOCOL:
        declared = EXEMPT
    else:
        claim = claim_for(disclosure, service, operation, manifest)
        declared = NONE if claim is None else claim.id
    if declared == NONE and manifest.declares and disclosure.shape not in EMPTY:
        flags = (*flags, UNDECLARED)
    inherent = declared == NONE and bool(disclosure.inherent) and not manifest.demands_inherent
    passed = {UNDECLARED} if inherent else set(claim.flags) if claim else set()
    weighed = [flag for flag in flags if flag not in passed]
    severity = severity_of(weighed, disclosure.category, gate=gate)
    return Judged(disclosure, declared, flags, severity, inherent)


def severity_of(flags: Iterable[str], category: str, *, gate: bool = False) -> str:
    """Return how bad *flags* are for a value of *category*: the worst of them."""
    found = {"ok"}
    for flag in flags:
        if flag in _FAILING:
            found.add("fail")
        elif flag == UNDECLARED:
            found.add(_UNDECLARED[category][gate])
        elif flag.startswith(_WARNING):
            found.add("warn")
    return max(found, key=SEVERITIES.index)


def rendered(disclosure: Disclosure) -> str:
    """Return the value as it may be shown to anybody: in clear if closed, else its figures."""
    if disclosure.shape in EMPTY:
        return f"({disclosure.shape})"
    if disclosure.clear is not None:
        return disclosure.clear
    return f"{disclosure.shape}[{disclosure.len}] fp={disclosure.fp}"


def as_json(judged: Judged) -> dict[str, Any]:
    """Return the record as the control API answers it."""
    one = judged.disclosure
    return {
        "part": one.part,
        "at": one.at,
        "generic": one.generic,
        "via": one.via,
        "concept": one.concept,
        "category": one.category,
        "subject": one.subject,
        "secret": one.secret,
        "documented": one.documented,
        "declared": judged.declared,
        "inherent": one.inherent if judged.inherent else None,
        "flags": list(judged.flags),
        "fp": one.fp,
        "shape": one.shape,
        "len": one.len,
        "clear": one.clear,
        "field": one.field,
        "severity": judged.severity,
        "value": rendered(one),
    }
