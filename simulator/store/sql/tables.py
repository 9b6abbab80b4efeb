"""The tables, with SQLite's names of types: other backends have names of their own."""

CHAIN = (
    """CREATE TABLE journal_head (
      one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, link BLOB NOT NULL,
      chained_from INTEGER NOT NULL
    )""",
    """CREATE TABLE journal_cut (
      number INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
      link BLOB NOT NULL, at_ms INTEGER NOT NULL, reason TEXT NOT NULL
    )""",
)
"""What the hash chain needs beside the link of each exchange."""
INDEX_KEY = "CREATE INDEX IF NOT EXISTS entity_index_key ON entity_index (organisation, kind, key)"
STATE = (
    """CREATE TABLE entity (
      organisation TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
      revision INTEGER NOT NULL, body BLOB NOT NULL,
      PRIMARY KEY (organisation, kind, key)
    )""",
    "CREATE INDEX entity_revision ON entity (organisation, kind, revision)",
    """CREATE TABLE entity_index (
      organisation TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
      value TEXT NOT NULL, key TEXT NOT NULL,
      PRIMARY KEY (organisation, kind, name, value, key)
    ) WITHOUT ROWID""",
    INDEX_KEY,
    """CREATE TABLE counter (
      organisation TEXT NOT NULL, series TEXT NOT NULL, next INTEGER NOT NULL,
      PRIMARY KEY (organisation, series)
    ) WITHOUT ROWID""",
)
"""What the state is in.

Entities are wide, and a push to each device in turn changes one of each: a table in the order of
their keys would be deep, and would have nearly all of its pages written anew.
"""
TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    *STATE,
    """CREATE TABLE exchange (
      seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, organisation TEXT NOT NULL,
      client TEXT NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL,
      status INTEGER NOT NULL, error TEXT NOT NULL, rules TEXT NOT NULL,
      route TEXT NOT NULL, target TEXT NOT NULL, record BLOB NOT NULL, link BLOB NOT NULL
    )""",
    "CREATE INDEX exchange_operation ON exchange (operation, seq)",
    *CHAIN,
)
"""What makes an empty database ours, in one transaction."""
BASELINE = (
    """CREATE TABLE IF NOT EXISTS baseline (
      organisation TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
      revision INTEGER NOT NULL, body BLOB NOT NULL, indexed TEXT NOT NULL,
      PRIMARY KEY (organisation, kind, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS baseline_counter (
      organisation TEXT NOT NULL, series TEXT NOT NULL, next INTEGER NOT NULL,
      PRIMARY KEY (organisation, series)
    ) WITHOUT ROWID""",
)
"""Entities as they were at the mark, those that have changed since (revision 0: there was none);
and the counters."""
PROBE = "CREATE TABLE IF NOT EXISTS probe (number INTEGER PRIMARY KEY, room BLOB NOT NULL)"
COUNTS = """CREATE TABLE IF NOT EXISTS journal_count (
  service TEXT NOT NULL, operation TEXT NOT NULL, status INTEGER NOT NULL, words TEXT NOT NULL,
  exchanges INTEGER NOT NULL, PRIMARY KEY (service, operation, status, words)
) WITHOUT ROWID"""
LATER = (
    *BASELINE,
    PROBE,
    COUNTS,
    "CREATE INDEX IF NOT EXISTS exchange_status ON exchange (status) WHERE status <> 200",
    "CREATE INDEX IF NOT EXISTS exchange_error ON exchange (error) WHERE error <> ''",
    "CREATE INDEX IF NOT EXISTS exchange_words ON exchange (seq) WHERE rules <> ''",
    "CREATE INDEX IF NOT EXISTS exchange_organisation ON exchange (organisation)",
    "CREATE INDEX IF NOT EXISTS exchange_client ON exchange (client)",
    "CREATE INDEX IF NOT EXISTS exchange_service ON exchange (service)",
)
"""What is added where it is missing. The indexes find the few among very many: exchanges that
went well are in the last three only."""
