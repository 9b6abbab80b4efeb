"""The second generation of Apps and Books."""
