"""Switches for the oddities of the real services: which are on, and for whom.

The oddities themselves are rows of their services (`Service.quirks`), and act
in their handlers. All switches are one entity, so that asking is one cached
look-up.
"""

from collections.abc import Iterable

from simulator.core.state import Body, State

KIND, KEY = "quirk", "on"
EVERYBODY = "*"


def prepare(state: State) -> None:
    """Note that no quirk is on, so that asking is cached from the start."""
    if state.of("").get(KIND, KEY) is None:
        state.of("").put(KIND, KEY, {})


def on(state: State, quirk: str, organisation: str) -> bool:
    """Tell whether *quirk* is on for *organisation*; *state* is seen from anywhere."""
    found = state.of("").get(KIND, KEY)
    if found is None or quirk not in found.body:
        return False
    return EVERYBODY in found.body[quirk] or organisation in found.body[quirk]


def any_on(root: State) -> bool:
    """Tell whether any quirk is on for anybody; *root* is the state seen from no organisation."""
    found = root.get(KIND, KEY)
    return found is not None and bool(found.body)


def whose(state: State, quirk: str) -> list[str]:
    """Return the organisations that *quirk* is on for; ``*`` is all."""
    found = state.of("").get(KIND, KEY)
    return [] if found is None else found.body.get(quirk, [])


def switch(state: State, quirk: str, organisation: str, *, is_on: bool) -> list[str]:
    """Switch *quirk* for *organisation* (``*``: for all); return whom it is on for then."""
    root = state.of("")
    found = root.get(KIND, KEY)
    body: Body = {} if found is None else dict(found.body)
    now = {one for one in body.get(quirk, []) if organisation not in (one, EVERYBODY)}
    body[quirk] = sorted(now | {organisation} if is_on else now)
    root.put(KIND, KEY, {name: names for name, names in body.items() if names})
    return whose(state, quirk)


def forget(state: State, organisations: Iterable[str]) -> None:
    """Switch everything off that is on for one of *organisations* by its name."""
    gone = set(organisations)
    root = state.of("")
    found = root.get(KIND, KEY)
    body = {} if found is None else found.body
    kept = {name: [one for one in names if one not in gone] for name, names in body.items()}
    root.put(KIND, KEY, {name: names for name, names in kept.items() if names})
