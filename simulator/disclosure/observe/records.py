"""Records: what is kept of one value that left a client."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from simulator.disclosure.concepts import CONCEPTS, PROTOCOL, UNKNOWN
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.values import (
    Fingerprinter,
    length_of,
    normalise,
    shape_of,
    text_of,
)

MISPLACED = "misplaced"
"""The flag of a value that is known, but stands where it does not belong."""
_LONGEST_CODE = 35
"""Longest tag of BCP 47 that anybody needs; longer text is in no closed set."""


class Disclosure(Struct, frozen=True):
    """One value that left the client."""

    part: str
    """``tls``, ``path``, ``query``, ``header``, ``cookie``, ``oauth1`` or ``body``."""
    at: str
    """Header name, query key or JSON pointer."""
    generic: str
    """The same with ``*`` for indices and for keys that are data."""
    via: str
    """Decoder that found it; empty if it stood there as it is."""
    concept: str
    category: str
    subject: str
    secret: str
    documented: bool
    flags: tuple[str, ...]
    fp: str
    shape: str
    len: int
    clear: str | None
    """The value as text, where it may be shown to anybody."""
    field: str
    """Name on the wire."""
    versions: str
    """Protocol versions that the field is documented for; empty if it is not."""
    inherent: str = ""
    """Why no client can leave it out, as `simulator.disclosure.judge.inherent` has it."""


class Alike(Struct, eq=False):
    """Records of a piece of a request, which are made when asked for.

    They differ from those of like pieces in their places in lists, and the figures of their
    values, only; none of the values is empty.
    """

    form: tuple[Disclosure, ...]
    """What each field's records have in common; the same object for all that are alike."""
    numbers: Sequence[Sequence[int]]
    """The fingerprints of each field's values, as numbers."""
    make: Callable[[], list[Disclosure]]
    made: list[Disclosure] | None = None

    def __iter__(self) -> Iterator[Disclosure]:
        """Yield the records: the same objects each time."""
        if self.made is None:
            self.made = self.make()
        return iter(self.made)


Records = tuple[Disclosure, ...] | list[Disclosure] | Alike
"""Those of a piece of a request; a tuple is of one that came before, or may come again."""
ObservedRecord = tuple[Disclosure, str | None]
"""A record, and the value behind it; None if it was sealed."""


def record_like(one: Disclosure, at: str, fp: str, shape: str, length: int) -> Disclosure:
    """Return a record like *one*, but for its place and figures, of a value not to be shown."""
    return Disclosure(
        one.part,
        at,
        one.generic,
        one.via,
        one.concept,
        one.category,
        one.subject,
        one.secret,
        one.documented,
        one.flags,
        fp,
        shape,
        length,
        None,
        one.field,
        one.versions,
        one.inherent,
    )


def record_of(leaf: ObservedValue, version: int, fingerprinter: Fingerprinter) -> Disclosure:
    """Return the record of one settled leaf; *version* is the protocol's, 0 if there is none."""
    concept = CONCEPTS.get(leaf.concept, CONCEPTS[UNKNOWN])
    marker, value, row = leaf.marker, leaf.value, leaf.row
    if marker is None:
        shape, length = shape_of(value), length_of(value)
        fp = fingerprinter.fingerprint(concept.name, normalise(concept.name, value))
    else:
        shape, length, fp = marker.shape, marker.length, marker.fp
    return Disclosure(
        leaf.part,
        leaf.at,
        leaf.generic,
        leaf.via,
        concept.name,
        concept.category,
        concept.subject,
        concept.secret,
        leaf.documented,
        _flags(leaf, version),
        fp,
        shape,
        length,
        None if leaf.hidden or concept.sealed else _clear(leaf, shape),
        leaf.name or row.name,
        row.versions,
        row.inherent if leaf.documented and not _is_misused(leaf) else "",
    )


def _is_misused(leaf: ObservedValue) -> bool:
    """Tell whether a value does not belong in its field, however odd it is in itself."""
    return any(not flag.startswith("value:") for flag in leaf.flags)


def opaque_record(
    length: int, fp: str, flags: tuple[str, ...], part: str = "body", at: str = ""
) -> Disclosure:
    """Return the one record of a body, or a certificate, that could not be read."""
    unknown = CONCEPTS[UNKNOWN]
    return Disclosure(
        part,
        at,
        at,
        "",
        unknown.name,
        unknown.category,
        unknown.subject,
        unknown.secret,
        documented=False,
        flags=flags,
        fp=fp,
        shape="opaque",
        len=length,
        clear=None,
        field=at,
        versions="",
    )


def _flags(leaf: ObservedValue, version: int) -> tuple[str, ...]:
    flags = []
    low, high = leaf.row.span
    if version and high:
        if version < low:
            flags.append(f"version<{low}")
        elif version > high:
            flags.append(f"version>{high}")
    if not leaf.documented:
        flags.append("undocumented")
        if leaf.row.misplaced:
            flags.append(MISPLACED)
    flags += leaf.flags
    if leaf.part == "query" and leaf.secret:
        flags.append("secret-in-url")
    return tuple(flags)


def _clear(leaf: ObservedValue, shape: str) -> str | None:
    """Return the value if it is a boolean, a number, or a member of a closed set."""
    value = leaf.value
    if isinstance(value, bool | int | float):
        return text_of(value)
    if not isinstance(value, str) or not value:
        return None
    if leaf.concept == PROTOCOL:
        return value
    concept = CONCEPTS.get(leaf.concept)
    if concept is None or not concept.closed:
        return None
    if leaf.row.closed:
        return value if value in leaf.row.closed else None
    tag = len(value) <= _LONGEST_CODE and value.isascii() and value.replace("-", "a").isalnum()
    return value if tag and shape == "text" else None
