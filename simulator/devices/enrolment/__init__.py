"""How a device comes to its MDM: what it fetches, how it gets an identity, how it checks in."""
