"""The data directory: who may use it, its lock, its keys and its certificate authority."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulator.core.files import PRIVATE, PUBLIC, load_pair, write_file
from simulator.core.settings import ConfigurationError
from simulator.pki import dsse, evidence_key
from simulator.pki.authority import Authority

MEMORY = ":memory:"
"""What stands for a data directory that is thrown away at the end."""
DATABASE = "mdmsim.db"
"""Name of the database in it."""
EVIDENCE_KEY = "evidence.key"
"""Name of the file with the key that signs heads and attestations."""
KEYS = "keys.json"
"""Name of the file with its secrets."""
LEDGER = "ledger.cache"
"""Name of the file that the ledger of a large journal is kept in. It may go at any time."""
CHECKED = "ledger.checked"
"""Name of the file that notes which hashes were checked, and when. It may go at any time."""
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one data directory."""

    fingerprint: bytes = field(repr=False)
    """Key of value fingerprints."""
    secret: bytes = field(repr=False)
    """Key for session tokens and cursors."""
    control_token: str = field(repr=False)
    """What the control API asks for when it is reachable from elsewhere."""

    def mark(self, authority_pem: bytes) -> bytes:
        """Return what tells them, with the CA of *authority_pem*, from those of others."""
        own = self.fingerprint + self.secret + self.control_token.encode()
        return hashlib.sha256(own + authority_pem).digest()

    def texts(self) -> dict[str, str]:
        """Return them as text, by what they may be called."""
        return {
            "control token": self.control_token,
            "fingerprint key": self.fingerprint.hex(),
            "signing key": self.secret.hex(),
        }


class Directory:
    """One data directory, held by this process until it is released."""

    def __init__(self, data: str, *, shared: bool = False, keyless: bool = False) -> None:
        """Make the directory *data* if it is missing and lock it.

        A *shared* one keeps no database: all processes that share it may hold it. A *keyless* one
        is not the only place of its keys. ConfigurationError if others could tamper with it, or a
        process holds it.
        """
        if shared and data == MEMORY and not keyless:
            raise ConfigurationError(
                f"--data {MEMORY} keeps no keys, without which what --store keeps is of no use: "
                "give a directory, or set MDMSIM_STORE_KEY to have them kept there"
            )
        self.kept = data != MEMORY
        self.path = Path(data if self.kept else tempfile.mkdtemp(prefix="mdmsim-")).absolute()
        _check(self.path)
        self._lock = _lock(self.path, shared=shared)

    @property
    def database(self) -> Path | None:
        """The database file, or None if it is to be kept in memory."""
        return self.path / DATABASE if self.kept else None

    def keys(self, fingerprint_key: str) -> Keys:
        """Return the keys, made at the first call; *fingerprint_key* replaces the made one."""
        path = self.path / KEYS
        if not path.exists():
            names = ("fingerprint_key", "secret", "control_token")
            made = {name: secrets.token_hex(_KEY_BYTES) for name in names}
            write_file(path, json.dumps(made).encode(), PRIVATE)
        return read_keys(path, fingerprint_key)

    def authority(self, sans: Iterable[str], now: datetime) -> Authority:
        """Return the CA, made at the first call to sign for *sans* as well.

        *now* is the wall clock's. ConfigurationError if an earlier CA may not
        sign for one of *sans*.
        """
        certificate, key = self.path / "ca.pem", self.path / "ca.key"

        def make() -> tuple[bytes, bytes]:
            made = Authority.create(now, sans=sans)
            return made.certificate_pem, made.key_pem

        try:
            authority = Authority.load(*load_pair(certificate, key, make))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"{error.filename} is missing beside its other half: restore it, or remove "
                "ca.pem and ca.key to have new ones made"
            ) from error
        for name in sans:
            if not authority.covers(name):
                raise ConfigurationError(
                    f"the CA {certificate} may not sign for {name}, as it was made without: "
                    f"have it replaced by mdmsim ca replace --san {name}, and trust the new CA"
                )
        return authority

    def publish(self, folder: str) -> None:
        """Put what everybody may read into *folder*, which is made if it is missing.

        ConfigurationError if it is where the keys are, or cannot be written.
        """
        public = Path(folder).absolute()
        if public.resolve() == self.path.resolve():
            raise ConfigurationError(
                f"{folder} is the data directory, which holds keys: choose another --public-dir"
            )
        try:
            if not public.exists():
                public.mkdir(parents=True)
                public.chmod(0o755)
            write_file(public / "ca.pem", (self.path / "ca.pem").read_bytes(), PUBLIC)
        except OSError as error:
            raise ConfigurationError(
                f"cannot write to {folder} ({error.strerror}): choose another --public-dir"
            ) from error

    def evidence_key(self) -> Ed25519PrivateKey:
        """Return what the function `evidence_key_of` does."""
        return evidence_key_of(self.path)

    def release(self) -> None:
        """Let other processes use the directory; remove it if nothing is kept."""
        if not self.kept:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def evidence_key_of(directory: Path) -> Ed25519PrivateKey:
    """Return the key that heads and attestations are signed with, made at the first call.

    ``evidence.key`` is PKCS#8 PEM, private; ``evidence.pub`` is for whoever checks.
    """
    path = directory / EVIDENCE_KEY
    try:
        if not path.exists():
            private, public = evidence_key.make()
            write_file(path.with_suffix(".pub"), public, PUBLIC)
            write_file(path, private, PRIVATE)
        return evidence_key.load(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is damaged: restore it, or remove it to have a new key made"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: let mdmsim write there") from error


def signed(directory: Path, content: bytes, content_type: str) -> str:
    """Return *content* in an envelope that the key of *directory* signed; see `dsse.enclose`."""
    return dsse.enclose(content, content_type, evidence_key_of(directory))


def secret_lines(path: Path) -> dict[str, str]:
    """Return the lines of the private keys in the directory *path*, by what they may be called."""
    found: dict[str, str] = {}
    for file in sorted(path.rglob("*.key")):
        found |= key_lines(file)
    return found


def key_lines(file: Path) -> dict[str, str]:
    """Return the lines of one private key, by what they may be called."""
    lines = file.read_text("ascii", "replace").splitlines()
    body = [line for line in lines if line and not line.startswith("-")]
    return {f"{file.name} line {number}": line for number, line in enumerate(body, 1)}


def drop_ledger(data: str) -> None:
    """Remove the ledger that was kept, as it holds examples of what is now deleted."""
    if data != MEMORY:
        Path(data, LEDGER).unlink(missing_ok=True)


def read_keys(path: Path, fingerprint_key: str) -> Keys:
    """Return the keys in the file *path*; *fingerprint_key* replaces the one in it.

    ConfigurationError if there is none or it is damaged.
    """
    try:
        kept = json.loads(path.read_bytes())
        return Keys(
            fingerprint_key.encode() or bytes.fromhex(kept["fingerprint_key"]),
            bytes.fromhex(kept["secret"]),
            str(kept["control_token"]),
        )
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path} ({error.strerror}): choose another directory with --data"
        ) from error
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{path} is damaged: restore it, or remove it to have new keys made"
        ) from None


def holder(path: Path) -> int:
    """Return the number of the process that uses the data directory *path*, or 0."""
    try:
        handle = os.open(path / "lock", os.O_RDONLY)
    except OSError:
        return 0
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _number(handle)
    finally:
        os.close(handle)
    return 0


def _check(path: Path) -> None:
    """Make the directory *path* if it is missing; refuse one that others could tamper with."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError as error:
        why = f"cannot make the data directory {path} ({error.strerror})"
        raise ConfigurationError(f"{why}: choose another with --data") from error
    if status.st_uid != os.geteuid():
        why = f"the data directory {path} belongs to user {status.st_uid}, not to this one"
        raise ConfigurationError(f"{why}: choose another with --data")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        why = f"the data directory {path} can be written by others"
        raise ConfigurationError(f"{why}: chmod go-w {path}, or choose another with --data")
    if not writable:
        why = f"the data directory {path} cannot be written"
        raise ConfigurationError(f"{why}: chmod u+rwx {path}, or choose another with --data")


def _lock(path: Path, *, shared: bool) -> int:
    """Lock the directory and return the open lock file, which names this process."""
    handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        number = _number(handle)
        os.close(handle)
        raise ConfigurationError(
            f"the data directory {path} is in use by process {number}: "
            "stop it or choose another with --data"
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _number(handle: int) -> int:
    with contextlib.suppress(ValueError):
        return int(os.pread(handle, 20, 0))
    return 0
