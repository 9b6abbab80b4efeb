"""The vault: the secrets that this simulator has issued, and a fast search for them in bytes.

Every secret is known by short windows of it, one for each way in which it can
stand across multiples of the window's size. A search reads the bytes as numbers
of that size and looks each up, so it costs the same for ten secrets and for a
hundred thousand, and learning one more is a few entries. A multi-pattern
automaton is not faster, and has to be built anew for each secret that is added.
"""

import sys
from array import array
from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from simulator.core.steps import Steps, finished

SHORTEST = 8
"""Shorter secrets are equal to other text by chance, so they are not looked for."""
_FEW = 16
_PIECE = 100
"""Secrets after which others may have their turn: they take two milliseconds to learn."""
_SIZES = ((8, "Q"), (4, "I"))
"""Bytes of a window, and its type in `array`; the larger one needs longer secrets."""


class SecretSpan(Struct, frozen=True):
    """Where a secret stands."""

    start: int
    end: int
    concept: str
    secret: bytes


class _Windows:
    """Secrets that are long enough for windows of one size."""

    def __init__(self, size: int, code: str) -> None:
        self.shortest = 2 * size - 1
        self._size, self._code = size, code
        self._places: dict[int, tuple[tuple[int, int], ...]] = {}
        """Offset in the secret and length of the secret, by the number of a window."""
        self._same: dict[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]] = {}
        """Each of these once: there are few."""

    def add(self, secret: bytes) -> None:
        size = self._size
        for residue in range(size):
            starts = range(residue, len(secret) - size + 1, size)
            # One that is varied, as zeros stand everywhere.
            varied = (at for at in starts if len(set(secret[at : at + size])) > size // 2)
            start = next(varied, starts[0])
            number = int.from_bytes(secret[start : start + size], sys.byteorder)
            places = self._places.get(number, ())
            if (start, len(secret)) not in places:
                more = (*places, (start, len(secret)))
                self._places[number] = self._same.setdefault(more, more)

    def may_hold(self, data: bytes) -> bool:
        """Tell whether any window stands in *data*."""
        padded = data + bytes(-len(data) % self._size)
        return not self._places.keys().isdisjoint(array(self._code, padded))

    def candidates(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield start and end of what may be a secret."""
        padded = data + bytes(-len(data) % self._size)
        places = self._places
        for index, number in enumerate(array(self._code, padded)):
            for offset, length in places.get(number, ()):
                start = index * self._size - offset
                if start >= 0:
                    yield start, start + length


def finder(secrets: Collection[str]) -> Callable[[str], bool]:
    """Do `making_finder` at once."""
    return finished(making_finder(secrets))


def making_finder(secrets: Collection[str]) -> Steps[Callable[[str], bool]]:
    """Return what tells whether any of *secrets* stands in a text, be there many of them."""
    if len(secrets) <= _FEW:
        return lambda text: any(secret in text for secret in secrets)
    vault = Vault()
    for number, secret in enumerate(secrets, 1):
        vault.add("", secret)
        if not number % _PIECE:
            yield
    return lambda text: vault.holds(text.encode("utf-8", "surrogatepass"))


class Vault:
    """Secrets by value. Only ever grows: a secret that was revoked stays one."""

    def __init__(self) -> None:
        self._concepts: dict[bytes, str] = {}
        self._windows = tuple(_Windows(size, code) for size, code in _SIZES)
        self._used: tuple[_Windows, ...] = ()
        """Those of the windows that any secret needs."""

    def __len__(self) -> int:
        return len(self._concepts)

    def add(self, concept: str, secret: str) -> None:
        """Learn a *secret* and what it is; one that is too short is passed over."""
        data = secret.encode("utf-8", "surrogatepass")
        if data in self._concepts or len(data) < SHORTEST:
            return
        self._concepts[data] = concept
        windows = next(one for one in self._windows if len(data) >= one.shortest)
        windows.add(data)
        if windows not in self._used:
            self._used = (*self._used, windows)

    def holds(self, data: bytes) -> bool:
        """Tell whether any secret stands in *data* as it is."""
        for windows in self._used:
            if windows.may_hold(data):
                return bool(self.find(data))
        return False

    def find(self, data: bytes) -> list[SecretSpan]:
        """Return the secrets that stand in *data*, in order; of two that overlap, the longer."""
        found = {
            (start, end)
            for windows in self._used
            for start, end in windows.candidates(data)
            if data[start:end] in self._concepts
        }
        kept: list[SecretSpan] = []
        for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
            if not kept or start >= kept[-1].end:
                secret = data[start:end]
                kept.append(SecretSpan(start, end, self._concepts[secret], secret))
        return kept
