"""The lines of a snapshot, the same for every backend: header, entities, counters, the end.

An entity is ``[organisation, kind, key, body, index]``, a counter ``[organisation, series,
next]``, and the last line ``{"lines": count}``.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, groupby, islice
from typing import Any

import msgspec

from simulator.core.state import Body, StoreAdmin

FORMAT = 1
"""Of the lines; another one is refused."""
_LOT = 50
"""Lines that are written at once."""
NAME = "mdmsim_snapshot"
"""Key of the header that holds the format."""


def head(line: bytes) -> Body:
    """Return the header of a snapshot; ValueError says what it is if it is none of ours."""
    try:
        header = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        header = None
    if not isinstance(header, dict) or NAME not in header:
        raise ValueError("the body is no snapshot of mdmsim: GET /snapshot makes one")
    if header[NAME] != FORMAT:
        raise ValueError(
            f"the snapshot is of format {header[NAME]!r}, this mdmsim reads {FORMAT}: "
            "load it with the mdmsim that made it"
        )
    return header


def steps(lines: Iterable[bytes]) -> Iterator[Callable[[StoreAdmin], None]]:
    """Yield what writes the *lines* after the header into an empty state, lot by lot.

    ValueError if they are damaged; what was yielded before that is no whole state.
    """
    rows = _rows(lines)
    while lot := list(islice(rows, _LOT)):
        yield partial(_write, lot)


def _write(rows: list[list[Any]], state: StoreAdmin) -> None:
    for (organisation, kind), group in groupby(rows, key=lambda row: (row[0], row[1])):
        own, first = state.of(organisation), next(group)
        if len(first) == 3:  # noqa: PLR2004 (a counter: organisation, series, next)
            own.reserve(kind, first[2] - own.reserve(kind, 0))
        else:
            own.put_many(kind, ((row[2], row[3], row[4]) for row in chain((first,), group)))


def _rows(lines: Iterable[bytes]) -> Iterator[list[Any]]:
    """Yield the rows; ValueError unless the last line says that they are all there."""
    count, ended = 1, False
    for line in lines:
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ValueError(f"line {count + 1} of the snapshot is damaged") from None
        if isinstance(row, dict):
            ended = row == {"lines": count}
            break
        if not _is_row(row):
            raise ValueError(f"line {count + 1} of the snapshot is damaged")
        count += 1
        yield row
    if not ended:
        raise ValueError(f"the snapshot ends early, after line {count}")


def _is_row(row: Any) -> bool:
    match row:
        case [str(), str(), int()]:
            return True
        case [str(), str(), str(key), dict(), dict(index)]:
            return bool(key) and all(isinstance(value, str) for value in index.values())
        case _:
            return False
