"""Schemes by which clients prove who they are, as pure functions."""
