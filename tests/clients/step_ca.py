"""step-ca as an ACME server that wants attested keys (device-attest-01)."""

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.clients.harness import binary, environment, running, until
from tests.ports import free_port


@dataclass(frozen=True, slots=True)
class StepCa:
    """A running step-ca."""

    directory: str
    """The URL of its ACME directory."""
    root: str
    """Its root certificate, PEM."""


def _authority(home: Path) -> str:
    """Write root, intermediate and the intermediate's key; return the root, PEM."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "intermediate")}
    names = {
        name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"School {name} CA")])
        for name in keys
    }
    for depth, name in enumerate(("intermediate", "root")):
        made = (
            x509.CertificateBuilder()
            .subject_name(names[name])
            .issuer_name(names["root"])
            .public_key(keys[name].public_key())
            .serial_number(depth + 1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
            .sign(keys["root"], hashes.SHA256())
        )
        (home / f"{name}.crt").write_bytes(made.public_bytes(Encoding.PEM))
    (home / "intermediate.key").write_bytes(
        keys["intermediate"].private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return (home / "root.crt").read_text()


@contextmanager
def step_ca(home: Path, device_ca: bytes) -> Iterator[StepCa]:
    """Run step-ca in *home*; attestations are to be signed by *device_ca*, PEM."""
    root, port = _authority(home), free_port()
    configuration = {
        "root": str(home / "root.crt"),
        "crt": str(home / "intermediate.crt"),
        "key": str(home / "intermediate.key"),
        "address": f"127.0.0.1:{port}",
        "dnsNames": ["127.0.0.1"],
        "db": {"type": "badgerv2", "dataSource": str(home / "db")},
        "authority": {
            "provisioners": [
                {
                    "type": "ACME",
                    "name": "devices",
                    "challenges": ["device-attest-01"],
                    "attestationFormats": ["apple"],
                    "attestationRoots": base64.b64encode(device_ca).decode(),
                }
            ]
        },
    }
    file = home / "ca.json"
    file.write_text(json.dumps(configuration))
    log = home / "step-ca.log"
    with running((binary("step-ca"), str(file)), env=environment(), log=log) as process:

        def probe() -> bool | None:
            assert process.poll() is None, f"step-ca ended:\n{log.read_text()}"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return None
            return True

        until(probe, "step-ca")
        yield StepCa(f"https://127.0.0.1:{port}/acme/devices/directory", root)
