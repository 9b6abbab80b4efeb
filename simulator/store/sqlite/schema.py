"""What only a database of SQLite's has: its marks, and how its SQL differs."""

import json
import re
from functools import partial

from simulator.journal.chain import START
from simulator.store.sql.connection import Dialect
from simulator.store.sql.tables import BASELINE, STATE
from simulator.store.sql.tables import TABLES as SHARED_TABLES

VERSION = 2
"""Of the tables. A file with a higher one is left alone; one with a lower one is upgraded when
it is opened to be written.

2: the hash chain over the journal.
"""
APPLICATION_ID = 0x6D646D73
"""``mdms``: how our files are told from other SQLite databases."""
_START = f"x'{START.hex()}'"
TABLES = (
    *SHARED_TABLES,
    f"INSERT INTO journal_head VALUES (1, 0, {_START}, 1)",  # noqa: S608 (a number of ours)
    f"INSERT INTO meta VALUES ('schema', {VERSION}), ('revision', 0)",  # noqa: S608 (a number of ours)
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
"""What makes an empty database ours, in one transaction."""
UNDONE = "INSERT INTO meta VALUES ('undone', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
"""Counts commits that failed. SQLite writes nothing where nothing changes, so it must count."""
NAMES = tuple(one.split()[2] for one in SHARED_TABLES if one.startswith("CREATE TABLE"))
"""The tables that each database has."""
_VERBS = ("UPDATE", "DELETE", "INSERT")
_NOTE = """CREATE TRIGGER baseline_{verb} BEFORE {verb} ON entity WHEN old.revision <= {{mark}}
BEGIN
  INSERT OR IGNORE INTO baseline SELECT old.organisation, old.kind, old.key, old.revision,
    old.body, (SELECT json_group_array(json_array(name, value)) FROM entity_index
      WHERE organisation = old.organisation AND kind = old.kind AND key = old.key);
END"""
TRIGGERS = tuple(f"baseline_{verb}" for verb in _VERBS)
"""The triggers that one may have."""
NOTE_NEW = """CREATE TRIGGER baseline_INSERT AFTER INSERT ON entity WHEN new.revision > {mark}
BEGIN
  INSERT OR IGNORE INTO baseline
    VALUES (new.organisation, new.kind, new.key, 0, CAST('{}' AS BLOB), '[]');
END"""
_STAGED = re.compile(r"\b(?:IF NOT EXISTS )?(entity_index|entity|counter|baseline) \(")
_STAGED_INDEX = re.compile(r"INDEX (?:IF NOT EXISTS )?(\w+) ON (\w+)")
STAGED_TABLES = tuple(
    _STAGED_INDEX.sub(r"INDEX \1_{mark} ON \2", _STAGED.sub(r"staged_\1 (", one))
    for one in (*STATE, BASELINE[0])
)
"""An index keeps its name when its table changes its own, so each time it has another."""
DIALECT = Dialect(
    above=b"",  # any bytes are above all text
    record_text="CAST(record AS TEXT)",
    backslash="'\\'",
    unindexed="+",
    organisation_in_body="json_extract(CAST(body AS TEXT), '$.organisation')",
    noted_pairs="SELECT b.organisation, b.kind, b.key, b.body,"
    " json_extract(e.value, '$[0]') AS name, json_extract(e.value, '$[1]') AS value"
    " FROM baseline b, json_each(b.indexed) e",
    note_changes=(*(_NOTE.format(verb=verb) for verb in _VERBS[:2]), NOTE_NEW),
    note_no_changes=tuple(f"DROP TRIGGER IF EXISTS {one}" for one in TRIGGERS),
    read_pairs=json.loads,
    write_pairs=partial(json.dumps, ensure_ascii=False),
    staged_tables=STAGED_TABLES,
    table_names="SELECT name FROM sqlite_master WHERE type = 'table'",
    drops_at_once=False,
    erase_deleted=("PRAGMA secure_delete = ON",),
)
