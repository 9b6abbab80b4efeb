"""Hiding: which values must not be written down, beside those of secret concepts."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from simulator.core.steps import Steps, finished
from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.observe.decoders import pieces_of_url
from simulator.disclosure.observe.flags import MISPLACED, alike, value_flags
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.redact.known import credential_in
from simulator.disclosure.redact.markers import OPENING
from simulator.disclosure.redact.telling import SECRET_NAME, names_secret
from simulator.disclosure.redact.vault import making_finder

_PIECE = 256
"""Leaves after which others may have their turn: they take some milliseconds."""
_LEAST = 8
"""Shorter values are equal by chance."""


def resolve(leaves: Iterable[ObservedValue]) -> list[ObservedValue]:
    """Do `resolving` at once."""
    return finished(resolving(leaves))


def resolving(
    leaves: Iterable[ObservedValue], *, flagged: bool = True
) -> Steps[list[ObservedValue]]:
    """Decide for each leaf of one message whether it is hidden, and give it its flags.

    Values of secret concepts are hidden, what contains one of them, what looks
    like a credential or a marker, and what an undocumented name calls a secret.
    Leaves under a hidden leaf are dropped, as it is sealed as a whole, save those
    that its marker keeps. Where a leaf was sealed before, its marker says all this.
    What is not to be *flagged* for what it looks like takes half of the time.
    """
    found: list[ObservedValue] = []
    coming = iter(leaves)
    while some := list(islice(coming, _PIECE)):
        found += some
        if len(some) == _PIECE:
            yield
    secrets = _texts(
        text
        for leaf in found
        if leaf.secret and leaf.marker is None and not leaf.via.startswith("url-")
        for text in (leaf.value, *leaf.secrets)
    )
    weak = _texts(
        leaf.value for leaf in found if leaf.marker is None and leaf.via.startswith("url-")
    )
    holds = yield from making_finder(secrets)
    whole = {id(leaf.parent) for leaf in found}
    for place, leaf in enumerate(found, 1):
        if not place % _PIECE:
            yield
        _decide(leaf, secrets, holds, weak if id(leaf) not in whole else frozenset())
    kept = [leaf for leaf in found if leaf.parent is None or not leaf.parent.hidden or leaf.inside]
    if not flagged:
        return kept
    same = alike(kept)
    for position, leaf in enumerate(kept):
        if leaf.marker is None:
            leaf.flags = (*value_flags(leaf, same.get(position, ())), *leaf.flags)
    return kept


def is_notable(text: str) -> bool:
    """Tell whether anything in *text* would be hidden for what it looks like."""
    return OPENING in text or bool(credential_in(text)) or names_secret(text)


def _texts(values: Iterable[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str) and len(value) >= _LEAST}


def _misplaced(leaf: ObservedValue) -> tuple[str, ...]:
    """Return the flag of a credential in a field that is not documented to hold one."""
    foreign = not leaf.row.documented and leaf.part in ("query", "body") and not leaf.via
    return (MISPLACED,) if foreign else ()


def _is_called_secret(leaf: ObservedValue) -> bool:
    """Tell whether a field, or one that it stands in, has a name that says that it is a secret."""
    names = leaf.at.split("/") if leaf.part == "body" else ()
    return any(map(SECRET_NAME.search, (leaf.row.name, *names)))


def _decide(
    leaf: ObservedValue,
    secrets: AbstractSet[str],
    holds: Callable[[str], bool],
    weak: AbstractSet[str],
) -> None:
    if leaf.marker is not None:
        leaf.flags, leaf.hidden = leaf.marker.flags, True
    elif isinstance(leaf.value, str):
        _judge(leaf, secrets, holds, weak)
    elif leaf.secret and isinstance(leaf.value, int | float):
        leaf.hidden, leaf.flags = True, _misplaced(leaf)


def _judge(
    leaf: ObservedValue,
    secrets: AbstractSet[str],
    holds: Callable[[str], bool],
    weak: AbstractSet[str],
) -> None:
    value: str = leaf.value
    if leaf.secret:
        if value:
            leaf.hidden, leaf.flags = True, _misplaced(leaf)
    elif value in secrets:
        leaf.hidden, leaf.flags = True, (MISPLACED,)
    elif concept := credential_in(value):
        leaf.hidden, leaf.flags = True, (MISPLACED,)
        if leaf.concept == UNKNOWN:
            leaf.concept = concept
    elif OPENING in value or holds(value):
        leaf.hidden = True
    elif value in weak:
        # A URL holds its query anyway; whatever else equals it is hidden, but may be chance.
        leaf.hidden = leaf.inside or (leaf.parent is None and leaf.spot is not None)
    elif leaf.concept == UNKNOWN and _is_called_secret(leaf):
        leaf.hidden = bool(value)
    elif names_secret(value):
        leaf.hidden = True
    # Inside a secret, the query of a URL cannot be sealed on its own.
    wider = leaf.inside and pieces_of_url(leaf.concept, value) is not None
    leaf.hidden = leaf.spot is not None and (leaf.hidden or wider)
