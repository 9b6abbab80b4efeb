"""Push topics, which other services see too: `simulator.services.push_topics`."""

from simulator.services.push_topics import ONLY, TOPIC, add, find, made, names, only, revoke

__all__ = ["ONLY", "TOPIC", "add", "find", "made", "names", "only", "revoke"]
