"""Worlds: test data for whole organisations, and what writes it into the state."""
