"""The first generation of Apps and Books (legacy VPP)."""
