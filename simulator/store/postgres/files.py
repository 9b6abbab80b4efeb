"""The table of sealed files; see `simulator.store.shared_files`."""

from collections.abc import Mapping
from contextlib import closing

from simulator.core.settings import ConfigurationError
from simulator.store.postgres import opening, schema
from simulator.store.postgres.connection import PostgresConnection


class PostgresFiles:
    """The sealed files in one database."""

    def __init__(self, url: str) -> None:
        """Take the database's URL; ConfigurationError if it is none."""
        self._url = url
        self.name = opening.name_of(url)

    def read(self) -> dict[str, bytes]:
        """Return all files, name -> sealed content; none if there are no tables yet."""
        with opening.explained(self._url), closing(PostgresConnection(self._url)) as connection:
            if not connection.execute(schema.HAS_FILES).fetchone()[0]:
                return {}
            return dict(connection.execute(schema.FILES).fetchall())

    def add(self, files: Mapping[str, bytes]) -> None:
        """Keep those whose name there is not yet; the tables are made."""
        with opening.explained(self._url), closing(PostgresConnection(self._url)) as connection:
            connection.execute("BEGIN")
            connection.write_many(schema.ADD_FILE, files.items())
            connection.execute("COMMIT")

    def replace(self, files: Mapping[str, bytes], *, other_identity: bool) -> None:
        """Keep these and no others; of an *other_identity*, the next replica is asked anew.

        ConfigurationError, and all as before, while any replica runs.
        """
        with opening.explained(self._url), closing(PostgresConnection(self._url)) as connection:
            connection.execute("BEGIN")
            # One of those that run has it, within a second.
            if not connection.execute(schema.NOBODY_LEADS).fetchone()[0]:
                raise ConfigurationError(f"replicas run over {self.name}: stop all of them first")
            connection.execute("DELETE FROM sealed_file")
            connection.write_many(schema.ADD_FILE, files.items())
            if other_identity:
                connection.execute("DELETE FROM meta WHERE name = 'keys'")
            connection.execute("COMMIT")
