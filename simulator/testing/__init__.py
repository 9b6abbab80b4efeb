"""Helpers for test suites: client, pytest plugin, containers."""
