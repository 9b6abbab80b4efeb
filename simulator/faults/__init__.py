"""Answers on demand: outcomes, deliveries, and which requests they are for."""
