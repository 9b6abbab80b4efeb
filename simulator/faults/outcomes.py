"""The menu: every answer that can be asked for by name, and how it is asked for.

It is made from the error rows of all services and from the outcomes of single
items that their operations know; nothing is listed here.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from simulator.core.state import Body
from simulator.faults import generic
from simulator.faults.deliveries import DELIVERIES, NAMES
from simulator.faults.matching import PLACES, check_names, conditions
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import ErrorCode, Field, Integer, Strings
from simulator.protocol.operations import Operation

SCOPE = ("service", "operation", "organisation", "client", "session")
"""What a match can name of a request as a whole."""
MATCH = (*SCOPE, *PLACES)
RETRY_AFTER = Integer(
    "retry_after_s", "Seconds to name in Retry-After.", least=0, most=10**9, example=60
)
ITEMS = Strings("items", "The items, such as serial numbers, that get it; absent: all of them.")
ITEM_RETRY = Integer(
    "retry_after_s",
    "Seconds after which a throttled item may be tried again.",
    least=0,
    most=10**9,
    example=86_400,
)


_EXAMPLES = {
    "outcome": '{"name": "dep.TOO_MANY_REQUESTS", "retry_after_s": 60}',
    "delivery": '{"name": "delay", "ms": 500}',
}


class Outcome(Struct, frozen=True):
    """One answer that can be asked for by name."""

    name: str
    """Such as ``dep.T_C_NOT_SIGNED``."""
    about: str
    parameters: tuple[Field, ...]
    row: ErrorCode | None = None
    """The error row; None: it is the outcome of single items of a call."""
    operations: tuple[str, ...] = ()
    """Operations that it can happen to; empty: all of the service."""

    def fits(self, service: str) -> bool:
        """Tell whether *service* can give it."""
        return self.service in (service, generic.SERVICE)

    @property
    def service(self) -> str:
        """Name of the service."""
        return self.name.partition(".")[0]

    @property
    def code(self) -> str:
        """The code without the service."""
        return self.name.partition(".")[2]

    @property
    def also(self) -> tuple[str, ...]:
        """Other spellings of the code."""
        return self.row.also if self.row is not None else ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that it can be asked for by, beside its name."""
        return (self.code, *self.also, *(f"{self.service}.{one}" for one in self.also))


@lru_cache(maxsize=2)
def menu(catalogue: Catalogue) -> Mapping[str, Outcome]:
    """Return every outcome by name: the error rows of all services, then those of single items."""
    found: dict[str, Outcome] = {}
    forced: dict[str, list[Operation]] = {}
    for operation in catalogue.operations.values():
        for code in operation.injectable_item_outcomes:
            forced.setdefault(f"{operation.service}.{code}", []).append(operation)
    for service in catalogue.services.values():
        own = [one for one in catalogue.operations.values() if one.service == service.name]
        rows = [*service.errors, *service.on_demand, *(row for one in own for row in one.errors)]
        for row in rows:
            name = f"{service.name}.{row.code}"
            found.setdefault(name, Outcome(name, row.about, (RETRY_AFTER, *row.takes), row))
    whole = f"{generic.SERVICE}.{generic.HTTP_RESPONSE.code}"
    row = generic.HTTP_RESPONSE
    found[whole] = Outcome(whole, row.about, (RETRY_AFTER, *row.takes), row)
    for name, operations in forced.items():
        about = f"Single items of {', '.join(one.name for one in operations)} get it."
        names = tuple(one.name for one in operations)
        found.setdefault(name, Outcome(name, about, (ITEMS, ITEM_RETRY), operations=names))
    return found


class FaultSpec(Struct, frozen=True):
    """What a fault is to do, and to which requests."""

    match: Body
    kind: str
    """``outcome`` or ``delivery``."""
    name: str
    given: Body
    """Parameters."""


def read(catalogue: Catalogue, body: Mapping[str, Any]) -> FaultSpec:
    """Return what *body* asks for; ValueError names what is wrong and what is allowed."""
    outcomes = menu(catalogue)
    if ("outcome" in body) == ("delivery" in body):
        raise ValueError("a fault has either an outcome or a delivery: GET /outcomes lists both")
    match = dict(body.get("match", {}))
    name, given, rows = _named(body, outcomes)
    scope = _scope(catalogue, match, outcomes.get(name) if "outcome" in body else None)
    check_names(catalogue, conditions(match), scope)
    kind = "outcome" if "outcome" in body else "delivery"
    _check_given(f"{kind}.{name}", given, rows)
    return FaultSpec(match, kind, name, given)


def _named(
    body: Mapping[str, Any], outcomes: Mapping[str, Outcome]
) -> tuple[str, Body, tuple[Field, ...]]:
    """Return name, parameters and the rows of the parameters."""
    kind = "outcome" if "outcome" in body else "delivery"
    asked = body[kind]
    given = dict(asked) if isinstance(asked, Mapping) else {"name": asked}
    name = given.pop("name", None)
    if not isinstance(name, str):
        example = _EXAMPLES[kind]
        raise ValueError(f"{kind} must be a name, or an object such as {example}")  # noqa: TRY004 (it is the caller's text)
    if isinstance(given.get("parameters"), Mapping):
        given |= given.pop("parameters")
    if kind == "delivery":
        if name not in NAMES:
            raise ValueError(f"delivery {name!r} is not known: there are {', '.join(DELIVERIES)}")
        return NAMES[name], given, DELIVERIES[NAMES[name]].parameters
    if name not in outcomes:
        same = [full for full, one in outcomes.items() if name in one.names]
        if len(same) != 1:
            near = same or sorted(outcomes, key=lambda full: -_alike(name, full))[:5]
            raise ValueError(
                f"outcome {name!r} is not known: did you mean {', '.join(near)}? "
                "GET /outcomes lists all"
            )
        name = same[0]
    return name, given, outcomes[name].parameters


def _alike(left: str, right: str) -> float:
    """Return how much two names have in common: their shared pairs of letters."""
    one, two = (
        {text[at : at + 2] for at in range(len(text) - 1)} for text in (left.lower(), right.lower())
    )
    return len(one & two) / (len(one | two) or 1)


def _scope(catalogue: Catalogue, match: Body, outcome: Outcome | None) -> list[Operation]:
    """Return the operations that *match* leaves; ValueError if a name in it is not known."""
    if unknown := set(match) - set(MATCH):
        raise ValueError(f"match.{min(unknown)} is not known: there are {', '.join(MATCH)}")
    for name in SCOPE:
        if name in match and not (isinstance(match[name], str) and match[name]):
            raise ValueError(f"match.{name} must be a text that is not empty")
    service, operation = match.get("service"), match.get("operation")
    if service is not None and service not in catalogue.services:
        raise ValueError(
            f"match.service {service!r} is not known: there are {', '.join(catalogue.services)}"
        )
    if operation is not None and operation not in catalogue.operations:
        known = ", ".join(catalogue.operations)
        raise ValueError(f"match.operation {operation!r} is not known: there are {known}")
    left = [
        one
        for one in catalogue.operations.values()
        if operation in (None, one.name)
        and service in (None, one.service)
        and (outcome is None or outcome.fits(one.service))
        and (outcome is None or not outcome.operations or one.name in outcome.operations)
    ]
    if not left:
        where = f"{outcome.name} happens to " if outcome else ""
        names = ", ".join(outcome.operations or (f"{outcome.service}.*",)) if outcome else ""
        raise ValueError(f"match leaves no operation: {where}{names or 'service and operation'}")
    return left


def _check_given(where: str, given: Body, rows: tuple[Field, ...]) -> None:
    known = {row.name: row for row in rows}
    for name, value in given.items():
        if name not in known:
            takes = ", ".join(known) or "no parameters"
            raise ValueError(f"{where} does not know {name}: it takes {takes}")
        row = known[name]
        if why := row.wrong_type(value) or row.breach(value, given):
            raise ValueError(f"{where}: {name} {why}")
