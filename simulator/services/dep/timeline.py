"""Lines of time: which cursors still stand for something once the state went back.

A reset, or a snapshot that is loaded, takes events back and counts new ones from
there. A cursor from a line that was left would skip them; so every line has a
number, which is part of what a cursor is signed with, and a line knows those that
it goes on from, and up to where.
"""

from simulator.core.state import State
from simulator.services.dep import cursors
from simulator.services.dep.cursors import DeviceCursor
from simulator.services.fleet import devices as fleet

KIND, KEY = "dep.timeline", "lines"
Line = tuple[int, int, int]
"""Its number, and the last event and the last place when it began."""
FIRST: Line = (0, 0, 0)


def prepare(state: State) -> None:
    """Begin the first line of an organisation, so that asking is cached from the start."""
    state.put(KIND, KEY, {"lines": [FIRST]})


def begin(state: State, *, anew: bool = False) -> None:
    """Begin another line, as the state is not what came last; *anew*: it goes on from none."""
    # The revision is the number: it was never used before, even if it is undone.
    number = state.put(KIND, KEY, {"lines": []} if anew else {"lines": list(_lines(state))})
    line: Line = (number, fleet.last_event(state), fleet.last_place(state))
    state.put(KIND, KEY, {"lines": [*_lines(state), line]})


def _lines(state: State) -> tuple[Line, ...]:
    found = state.get(KIND, KEY)
    if found is None:
        return (FIRST,)
    return tuple((number, event, place) for number, event, place in found.body["lines"])


def encode(state: State, cursor: DeviceCursor, secret: bytes, server: str) -> str:
    """Return the cursor as it stands on the wire."""
    return cursors.encode(cursor, secret, server, _lines(state)[-1][0])


def decode(state: State, text: str, secret: bytes, server: str) -> DeviceCursor | None:
    """Return the cursor that *text* stands for; None if *server* never got it on this line."""
    lines = _lines(state)
    for at in range(len(lines) - 1, -1, -1):
        cursor = cursors.decode(text, secret, server, lines[at][0])
        if cursor is not None:
            return cursor if at + 1 == len(lines) or _before(cursor, lines[at + 1]) else None
    return None


def _before(cursor: DeviceCursor, line: Line) -> bool:
    """Tell whether *cursor* stands where there was nothing yet but what *line* began with."""
    _, event, place = line
    fetching = cursor.phase == "fetching"
    return cursor.last_event <= event and (not fetching or cursor.position <= place)
