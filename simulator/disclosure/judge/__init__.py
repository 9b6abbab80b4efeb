"""Manifests, and what they say of a disclosure."""
