"""Declarative management: what a device fetches, what it makes of it, what it reports."""
