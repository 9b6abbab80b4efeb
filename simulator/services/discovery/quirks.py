"""How the real redirect looks is not known: each of these is a switch (more.md 5.2)."""

from simulator.protocol.head import Quirk

STATUS_307 = Quirk("discovery.redirect-307", "The redirect is a 307.", "AD")
STATUS_308 = Quirk("discovery.redirect-308", "The redirect is a 308.", "AD")
INLINE = Quirk(
    "discovery.inline",
    "The answer is a 200 that names the registered URL as BaseURL, in place of a redirect.",
    "AD",
)
NO_QUERY = Quirk(
    "discovery.no-query",
    "The redirect leaves the query out, which devices do not add again.",
    "DC",
)
ALL = (STATUS_307, STATUS_308, INLINE, NO_QUERY)
