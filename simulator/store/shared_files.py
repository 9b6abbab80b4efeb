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

    def replace(self, files: Mapping[str, bytes], *, other_identity: bool) -> None:
        """Keep these and no others; of an *other_identity*, the next replica is asked anew.

        ConfigurationError, and all as before, while any replica runs.
        """
        ...


class SharedFiles:
    """The files of one store."""

    def __init__(self, table: SealedTable, key: str, called: str = "MDMSIM_STORE_KEY") -> None:
        """Take where they are, and what seals them; without a *key* none can be kept.

        ConfigurationError if the key, which is *called* so, is too short.
        """
        if key and len(key) < SHORTEST_KEY:
            raise ConfigurationError(
                f"{called} has less than {SHORTEST_KEY} characters: "
                "make a random one, as by openssl rand -hex 32"
            )
        self._table = table
        derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode())
        self._cipher = AESGCM(derived) if key else None

    def fetch(self, directory: Path) -> None:
        """Write to *directory*, which is made, what the store keeps.

        ConfigurationError if that needs another key, or the directory has an identity of its own.
        """
        for name, (mode, content) in self.opened().items():
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
            name: _sealed(self._cipher, name, path.stat().st_mode & _MODE, path.read_bytes())
            for path in sorted(directory.rglob("*"))
            if path.suffix in _SUFFIXES or path.name == _KEYS
            if (name := path.relative_to(directory).as_posix()) not in known
        }
        if found:
            self._table.add(found)
        self.fetch(directory)

    def opened(self) -> dict[str, tuple[int, bytes]]:
        """Return mode and content of each; ConfigurationError if that needs another key."""
        return {name: self._open(name, content) for name, content in self._table.read().items()}

    def replace(self, files: Mapping[str, tuple[int, bytes]], other: "SharedFiles") -> None:
        """Keep *files* in place of all, sealed by the key of *other*, which may be this one.

        ConfigurationError while any replica runs.
        """
        sealed = {}
        if (cipher := other._cipher) is not None:  # noqa: SLF001 (of this class)
            sealed = {name: _sealed(cipher, name, *one) for name, one in files.items()}
        self._table.replace(sealed, other_identity=other is self)

    def sealed_by(self, key: str, called: str) -> "SharedFiles":
        """Return the same with another *key*, which is *called* so."""
        return SharedFiles(self._table, key, called)

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


def _sealed(cipher: AESGCM, name: str, mode: int, content: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, mode.to_bytes(2) + content, name.encode())


@contextmanager
def sharing(files: SharedFiles | None, directory: Path) -> Iterator[None]:
    """Have *directory* hold what the store keeps, and the store what is made in the block."""
    if files is None:
        yield
        return
    files.fetch(directory)
    yield
    files.share(directory)
