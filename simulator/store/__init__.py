"""Where state and journal live. SQLite is the embedded default."""
