"""Secrets replaced before anything is stored or shown."""
