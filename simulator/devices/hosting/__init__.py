"""The asynchronous edge of the simulated devices: HTTP, waiting, and many devices at once."""
