"""The credentials of a data directory: what ``ready.json`` lists, and the files that go with it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from simulator.core.files import PRIVATE, PUBLIC, load_pair, write_file
from simulator.core.state import State
from simulator.pki.authorities import Authorities
from simulator.pki.push import PushAuthority
from simulator.pki.vendor import Vendor, VendorAuthority
from simulator.services.organisations import all_organisations
from simulator.services.provisioning import Held, Making, Provisioning

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
HeldByList = Mapping[str, list[Held]]
"""The holders of an organisation, by their list in ``ready.json``."""


def push_authority(path: Path, now: datetime) -> PushAuthority:
    """Return the data directory's authority for push certificates; the first time it is made."""

    def make() -> tuple[bytes, bytes]:
        made = PushAuthority.create(now)
        return made.certificate_pem, made.key_pem

    return PushAuthority.load(*load_pair(path / "push-ca.pem", path / "push-ca.key", make))


def authorities(path: Path, push: PushAuthority, now: datetime) -> Authorities:
    """Return all authorities of the data directory; those that few need are made when asked for."""
    return Authorities(push, partial(developer, path, now), partial(vendor, path, now))


def developer(path: Path, now: datetime) -> VendorAuthority:
    """Return the authority for vendors' certificates; the first time it is made."""

    def make() -> tuple[bytes, bytes]:
        made = VendorAuthority.create(now)
        return made.certificate_pem, made.key_pem

    return VendorAuthority.load(*load_pair(path / "vendor-ca.pem", path / "vendor-ca.key", make))


def vendor(path: Path, now: datetime, issuer: VendorAuthority) -> Vendor:
    """Return our own vendor, whose certificate outlives any clock that is moved a few years."""
    key = path / "vendor.key"
    if not key.exists():
        write_file(key, issuer.vendor("mdmsim", now).key_pem, PRIVATE)
    return issuer.renewed("mdmsim", key.read_bytes(), now)


def push_certificates(
    organisations: Iterable[Mapping[str, Any]],
) -> list[tuple[str, str, bytes]]:
    """Return organisation, topic and certificate (PEM) of each push topic of ``ready.json``."""
    return [
        (organisation["id"], pair["topic"], Path(pair["certificate"]).read_bytes())
        for organisation in organisations
        for pair in organisation.get("push_topics", [])
    ]


def complete(provisionings: Iterable[Provisioning], state: State, seed: int) -> None:
    """Make what organisations lack, as their data is of an earlier version."""
    for organisation in all_organisations(state):
        for one in provisionings:
            if one.complete is not None:
                one.complete(state, organisation.key, seed)


def holders(provisionings: Iterable[Provisioning], state: State) -> dict[str, HeldByList]:
    """Return who holds which credentials, by organisation; *state* is seen from none."""
    known = [kind for one in provisionings for kind in one.credentials]
    return {
        one.key: {kind.ready: list(kind.held(state, one.key)) for kind in known}
        for one in all_organisations(state)
    }


def write(path: Path, making: Making, held: Mapping[str, HeldByList]) -> list[dict[str, Any]]:
    """Return the organisations as ``ready.json`` has them; files that are missing are made.

    ValueError if one cannot be made, such as a certificate for an impossible topic.
    """
    return [
        {"id": organisation}
        | {name: [entry(path, making, one) for one in rows] for name, rows in lists.items()}
        for organisation, lists in held.items()
    ]


def entry(path: Path, making: Making | None, held: Held) -> dict[str, Any]:
    """Return one entry of ``ready.json``; with *making*, its files are made if one is missing."""
    targets = [path / _safe(file.name) for file in held.files]
    if making and held.make and not all(target.exists() for target in targets):
        contents = held.make(making)
        for file, target, content in zip(held.files, targets, contents, strict=True):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(target, content, PRIVATE if file.secret else PUBLIC)
    paths = {file.key: str(target) for file, target in zip(held.files, targets, strict=True)}
    return {**held.entry, **paths}


def _safe(name: str) -> str:
    """Return a file's name that stays in its directory, whatever a snapshot calls its holder."""
    parts = (_UNSAFE.sub("_", part) for part in name.split("/"))
    return "/".join(part if part.strip(".") else "_" for part in parts)
