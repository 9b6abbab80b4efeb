"""The push topics of a data directory: each with a certificate and a key that an MDM can use."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from simulator.core.data_directory import write_file
from simulator.core.state import Body, State
from simulator.pki.push import P12_PASSWORD, PushAuthority
from simulator.services.apns import topics
from simulator.services.dep.organisations import ORGANISATION

_CA, _CA_KEY = "push-ca.pem", "push-ca.key"
_PRIVATE, _PUBLIC = 0o600, 0o644
FOLDER = "push"


def authority(path: Path, now: datetime) -> PushAuthority:
    """Return the data directory's authority for push certificates; the first time it is made."""
    certificate, key = path / _CA, path / _CA_KEY
    if certificate.exists() and key.exists():
        return PushAuthority.load(certificate.read_bytes(), key.read_bytes())
    made = PushAuthority.create(now)
    write_file(key, made.key_pem, _PRIVATE)
    write_file(certificate, made.certificate_pem, _PUBLIC)
    return made


def register(state: State, seed: int) -> dict[str, list[str]]:
    """Give each organisation that has no push topic one; return the topics of all."""
    found = {}
    for org in state.of("").scan(ORGANISATION, limit=10_000):
        if not topics.names(state, org.key):
            topics.add(state, org.key, topics.made(org.key, seed))
        found[org.key] = topics.names(state, org.key)
    return found


def files(
    path: Path, maker: PushAuthority, known: Mapping[str, Sequence[str]], now: datetime
) -> dict[str, list[Body]]:
    """Return topic, certificate and key file of each *known* topic, as ``ready.json`` has them.

    They are by organisation. A certificate that is missing is made. Its file holds it alone,
    as Apple hands it out: some MDM servers take the last certificate of a file for the one
    that the key is for. Certificate and key are also in one file, joined, and as PKCS #12.
    """
    folder = path / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return {
        organisation: [_pair(folder, maker, topic, now) for topic in names]
        for organisation, names in known.items()
    }


def _pair(folder: Path, maker: PushAuthority, topic: str, now: datetime) -> Body:
    certificate, key = folder / f"{topic}.pem", folder / f"{topic}.key"
    joined, p12 = folder / f"{topic}.joined.pem", folder / f"{topic}.p12"
    if not all(file.exists() for file in (certificate, key, joined, p12)):
        made = maker.mint(topic, now)
        write_file(key, made.key_pem, _PRIVATE)
        write_file(joined, made.joined_pem, _PRIVATE)
        write_file(p12, made.p12, _PRIVATE)
        write_file(certificate, made.certificate_pem, _PUBLIC)
    return {
        "topic": topic,
        "certificate": str(certificate),
        "key": str(key),
        "joined": str(joined),
        "pkcs12": str(p12),
        "pkcs12_password": P12_PASSWORD,
    }
