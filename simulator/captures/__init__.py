"""Captures: traffic that was recorded elsewhere, read and evaluated as if it had come in here."""
