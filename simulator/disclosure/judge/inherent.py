"""Inherent disclosures: what the protocol itself demands, so that nobody can leave it out.

They are derived from the rows, where the value stands in its documented place:

- the credential of the operation, with all that can be read inside it;
- the client's certificate, where the service authenticates by it;
- header fields that a service requires, such as DEP's User-Agent.

Framing and protocol header fields are of the category ``protocol``, which is exempt.
"""

from collections.abc import Mapping

from simulator.disclosure.observe.plans import CREDENTIAL, REQUIRED

INHERENT = "inherent"
"""What stands in the place of a claim's id."""
REASONS: Mapping[str, str] = {
    CREDENTIAL: "Apple recognises the client by it.",
    REQUIRED: "Apple refuses requests without it.",
}
