"""What the shared statements ask of a database: a connection, its readers, and its dialect."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from msgspec import Struct

Values = Sequence[Any] | Mapping[str, Any]
"""Of a statement, for ``?`` in order or for ``:name`` by name."""


class Dialect(Struct, frozen=True):
    """Where the SQL of one database differs from that of the others."""

    above: object
    """A value that is above all text."""
    record_text: str
    """The bytes of an exchange as text, in which ASCII can be found."""
    backslash: str
    """How a backslash stands in that."""
    unindexed: str
    """Stands before a column that no index is to be used for."""
    organisation_in_body: str
    """The text under ``organisation`` in the body of an entity, or null."""
    noted_pairs: str
    """Name and value of each pair in the column ``indexed`` of the baseline ``b``, with key."""
    note_changes: tuple[str, ...]
    """Statements after which the database notes what an entity was before its first change
    after the revision ``{mark}``, which they hold, and which entities are new."""
    note_no_changes: tuple[str, ...]
    """Statements after which it does not."""
    read_pairs: Callable[[str], list[list[str]]]
    """Reads the column ``indexed`` of the baseline: pairs of name and value."""
    write_pairs: Callable[[list[list[str]]], str]
    """Writes it."""
    staged_tables: tuple[str, ...]
    """Statements that make the tables of `simulator.store.sql.staging`; ``{mark}`` in them is a
    number that differs each time."""
    table_names: str
    """Finds the names of all tables."""
    drops_at_once: bool
    """Whether dropping a table takes as long for a million rows as for one."""
    after_copy: tuple[str, ...] = ()
    """Statements that end a copy into an unused database."""
    erase_deleted: tuple[str, ...] = ()
    """Statements after which what is deleted is overwritten as well."""


class SqlRows(Protocol):
    """The rows that a statement found."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class SqlConnection(Protocol):
    """A connection that raises StoreError, for one thread at a time."""

    @property
    def dialect(self) -> Dialect:
        """What is special about its database."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction runs that can be committed."""
        ...

    def execute(self, sql: str, values: Values = (), /) -> SqlRows:
        """Run one statement."""
        ...

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]], /) -> int:
        """Run one statement for each of *rows*; return how many rows were written."""
        ...

    def together(self) -> AbstractContextManager[Any]:
        """Return a block whose statements may be sent at once; none of them is to be read."""
        ...

    def stream(self, sql: str, /) -> Iterator[Any]:
        """Yield the rows of a query, of which there may be more than fit into memory."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class Texts(Protocol):
    """What knows where a text may stand in the journal."""

    def spans(
        self, text: str, low: int, high: int, *, newest_first: bool
    ) -> Iterator[tuple[int, int]]:
        """Yield the spans of the exchanges from *low* to *high* that may hold *text*, in order."""
        ...


class Readers(Protocol):
    """What lends connections."""

    def lend(self) -> AbstractContextManager[SqlConnection]:
        """Return a connection that sees the database as it is now, for one thread."""
        ...

    def close(self) -> None:
        """Close what is not lent."""
        ...
