"""The language that services are written in: rows for fields, errors and operations."""
