"""The control API: what is behind the services, and what has happened, on a port of its own."""
