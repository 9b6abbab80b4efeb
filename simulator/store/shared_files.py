"""The files of a data directory that all replicas need alike, kept sealed in the store.

Keys, authorities, and the certificates and keys of organisations: each replica gets a copy in
its own data directory, so none has to be shared. Each file is sealed by AES-256-GCM with its name;
the key of that comes from ``--store-key`` by HKDF, and is nowhere in the database.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from simulator.core.files import write_file
from simulator.core.settings import ConfigurationError

SHORTEST_KEY = 32
"""Characters: the key is stretched, not guessed at, so it has to be a random one."""
_SUFFIXES = {".pem", ".key", ".pub", ".p12"}
_KEYS = "keys.json"
_IDENTITY = {_KEYS, "ca.pem", "ca.key"}
"""What makes a data directory the one of these replicas: it is not replaced."""
_NONCE = 12
_PURPOSE = b"mdmsim files of replicas"
_MODE = 0o777


class SealedTable(Protocol):
    """Where a store keeps them: name -> sealed content."""

    name: str
    """Of the store, without its password."""

    def read(self) -> dict[str, bytes]:
        """Return all of them; none if the database is empty."""
        ...

    def add(self, files: Mapping[str, bytes]) -> None:
        """Keep those whose name there is not yet."""
        ...


class SharedFiles:
    """The files of one store."""

    def __init__(self, table: SealedTable, key: str) -> None:
        """Take where they are, and what seals them; without a *key* none can be kept.

        ConfigurationError if the key is too short.
        """
        if key and len(key) < SHORTEST_KEY:
            raise ConfigurationError(
                f"MDMSIM_STORE_KEY has less than {SHORTEST_KEY} characters: "
                "make a random one, as by openssl rand -hex 32"
            )
        self._table = table
        derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode())
        self._cipher = AESGCM(derived) if key else None

    def fetch(self, directory: Path) -> None:
        """Write to *directory*, which is made, what the store keeps.

        ConfigurationError if that needs another key, or the directory has an identity of its own.
        """
        sealed = self._table.read()
        opened = {name: self._open(name, content) for name, content in sealed.items()}
        for name, (mode, content) in opened.items():
            path = directory / name
            there = path.read_bytes() if path.exists() else None
            if there == content:
                continue
            if there is not None and name in _IDENTITY:
                raise ConfigurationError(
                    f"{path} is not the one that {self._table.name} keeps for all replicas: "
                    "give an empty --data"
                )
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(path, content, mode)

    def share(self, directory: Path) -> None:
        """Keep what *directory* has and the store has not; then fetch what others were first to."""
        if self._cipher is None:
            return
        known = self._table.read()
        found = {
            name: _sealed(self._cipher, name, path)
            for path in sorted(directory.rglob("*"))
            if path.suffix in _SUFFIXES or path.name == _KEYS
            if (name := path.relative_to(directory).as_posix()) not in known
        }
        if found:
            self._table.add(found)
        self.fetch(directory)

    def _open(self, name: str, sealed: bytes) -> tuple[int, bytes]:
        """Return mode and content of a file."""
        if self._cipher is None:
            raise ConfigurationError(
                f"{self._table.name} keeps its keys encrypted: set MDMSIM_STORE_KEY to what they "
                "were encrypted with"
            )
        try:
            content = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(
                f"{self._table.name} keeps keys that MDMSIM_STORE_KEY does not open: "
                "set it to what they were encrypted with"
            ) from error
        return int.from_bytes(content[:2]), content[2:]


def _sealed(cipher: AESGCM, name: str, path: Path) -> bytes:
    content = (path.stat().st_mode & _MODE).to_bytes(2) + path.read_bytes()
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, content, name.encode())


@contextmanager
def sharing(files: SharedFiles | None, directory: Path) -> Iterator[None]:
    """Have *directory* hold what the store keeps, and the store what is made in the block."""
    if files is None:
        yield
        return
    files.fetch(directory)
    yield
    files.share(directory)
