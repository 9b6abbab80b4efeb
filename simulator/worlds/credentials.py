"""The credentials of a data directory: what ``ready.json`` lists, and the files that go with it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from simulator.core.files import PRIVATE, PUBLIC, exclusive, load_pair, write_file
from simulator.core.state import State
from simulator.pki.authorities import Authorities
from simulator.pki.push import PushAuthority
from simulator.pki.vendor import Vendor, VendorAuthority
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
        if pair.get("written", True)
    ]


def complete(
    provisionings: Iterable[Provisioning], state: State, organisation: str, seed: int
) -> None:
    """Make what an organisation lacks, as its data is of an earlier version."""
    for one in provisionings:
        if one.complete is not None:
            one.complete(state, organisation, seed)


def holders(provisionings: Iterable[Provisioning], state: State, organisation: str) -> HeldByList:
    """Return who holds which credentials in an organisation; *state* is seen from none."""
    known = [kind for one in provisionings for kind in one.credentials]
    return {kind.ready: list(kind.held(state, organisation)) for kind in known}


def make_files(path: Path, making: Making, held: Held) -> list[Path]:
    """Make the files of *held* if one is missing, and return those that were made.

    ValueError if they cannot be made, such as a certificate for an impossible topic.
    """
    if held.make is None or not _missing(path, held):
        return []
    with exclusive(path):  # else two at once leave a key and another's certificate
        if not _missing(path, held):
            return []
        targets = _targets(path, held)
        for file, target, content in zip(held.files, targets, held.make(making), strict=True):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(target, content, PRIVATE if file.secret else PUBLIC)
    return targets


def entry(path: Path, held: Held) -> dict[str, Any]:
    """Return one entry of ``ready.json``; with files that are not there yet it says so."""
    paths = {
        file.key: str(target) for file, target in zip(held.files, _targets(path, held), strict=True)
    }
    later = {"written": False} if held.files and _missing(path, held) else {}
    return {**held.entry, **paths, **later}


def _targets(path: Path, held: Held) -> list[Path]:
    return [path / _safe(file.name) for file in held.files]


def _missing(path: Path, held: Held) -> bool:
    return not all(target.exists() for target in _targets(path, held))


def _safe(name: str) -> str:
    """Return a file's name that stays in its directory, whatever a snapshot calls its holder."""
    parts = (_UNSAFE.sub("_", part) for part in name.split("/"))
    return "/".join(part if part.strip(".") else "_" for part in parts)
