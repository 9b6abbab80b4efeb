"""Checking attestations: whether a key signed one, and what it says."""

import json
from pathlib import Path

from simulator.core.data_directory import EVIDENCE_KEY
from simulator.core.settings import ConfigurationError
from simulator.disclosure.formats.attestation import CONTENT_TYPE, PREDICATE
from simulator.disclosure.judge.gate import CLEAN, INCOMPLETE
from simulator.disclosure.report.layout import printable
from simulator.pki import dsse, evidence_key

PUBLIC_KEY = Path(EVIDENCE_KEY).with_suffix(".pub")
"""Name of the file with the public key in a data directory."""


def check(attestation: Path, public_key: Path) -> tuple[str, int]:
    """Return a line on what *attestation* says, and the exit code: 3 if its signature is wrong.

    ConfigurationError if a file cannot be read.
    """
    try:
        key = evidence_key.load_public(_read(public_key))
    except ValueError:
        raise ConfigurationError(f"{public_key}: is no public key of Ed25519, as PEM") from None
    envelope = _read(attestation).decode("utf-8", "replace")
    try:
        statement = json.loads(dsse.content_of(envelope, CONTENT_TYPE, key))
        kind, subject = statement["predicateType"], statement["subject"][0]
        result = statement["predicate"]["result"]
        told = f"{result}, {subject['name']}, head {subject['digest']['sha256']}"
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return printable(f"signature INVALID: {attestation} {error}"), INCOMPLETE
    if kind != PREDICATE:
        return printable(
            f"signature INVALID: {attestation} is of {kind}, not {PREDICATE}"
        ), INCOMPLETE
    return printable(f"signature valid, by {dsse.key_id(key)}: {told}"), CLEAN


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: name another file") from error
