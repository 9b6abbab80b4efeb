"""Faults: Apple's refusals on demand, and answers that arrive late, broken or not at all.

A fault is armed in the state, so that every process sees it. All armed faults
are one entity: while there are none, a request costs one cached look-up.
Chance is drawn from the seed, the fault and the number of the match, so that a
run can be repeated.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from simulator.core.messages import FaultApplication, Response
from simulator.core.state import Body, Entity, State
from simulator.core.timestamps import rfc3339
from simulator.faults.deliveries import delivery_of
from simulator.faults.matching import Condition, conditions, found_at
from simulator.faults.outcomes import SCOPE, Outcome, menu
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import Call, InjectedOutcome
from simulator.protocol.wire import Decoded

KIND, ARMED, COUNTED = "fault", "armed", "fault.counted"
MOST = 1000
"""Faults that can be armed at once."""


class Fault(Struct, frozen=True):
    """One armed fault."""

    id: str
    match: Body = field(default_factory=dict)
    """As it was given: see `outcomes.MATCH` for its keys."""
    outcome: str = ""
    delivery: str = ""
    given: Body = field(default_factory=dict)
    """Parameters of the outcome or the delivery."""
    count: int = 0
    """How many matching requests it touches; 0: all."""
    probability: float = 1.0
    after: int = 0
    """How many matching requests it lets pass first."""
    until_ms: int = 0
    """When it ends, by the simulator's clock; 0: never."""
    reverts_ms: int = 0
    """When it is disarmed, by the real clock; 0: never."""

    def body(self) -> Body:
        """Return what is stored."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    def shown(self, matched: int, touched: int, now_ms: int) -> Body:
        """Return it as the control API shows it."""
        what = "outcome" if self.outcome else "delivery"
        spent = bool(self.count) and touched >= self.count
        return {
            "id": self.id,
            "match": self.match,
            what: {"name": getattr(self, what), **self.given},
            "count": self.count or None,
            "probability": self.probability,
            "after": self.after,
            "until": rfc3339(self.until_ms) if self.until_ms else None,
            "reverts": rfc3339(self.reverts_ms) if self.reverts_ms else None,
            "matched": matched,
            "touched": touched,
            "spent": spent or bool(self.until_ms and now_ms >= self.until_ms),
        }


def prepare(state: State) -> None:
    """Note that no fault is armed, so that looking it up is cached from the start."""
    if state.of("").get(KIND, ARMED) is None:
        state.of("").put(KIND, ARMED, {"faults": []})


def arm(state: State, fault: Fault) -> Fault:
    """Arm *fault* and return it with its id; *state* is seen from anywhere."""
    return arm_all(state, [fault])[0]


def arm_all(state: State, wanted: Sequence[Fault]) -> list[Fault]:
    """Arm faults and return them with their ids; ValueError if there are too many then."""
    root = state.of("")
    kept = _bodies(root)
    if len(kept) + len(wanted) > MOST:
        raise ValueError(f"{len(kept)} of at most {MOST} faults are armed already: remove some")
    added = [fault.body() | {"id": str(root.reserve(KIND))} for fault in wanted]
    root.put(KIND, ARMED, {"faults": [*kept, *added]})
    return [Fault(**body) for body in added]


def disarm(state: State, wanted_id: str | None = None, organisation: str | None = None) -> int:
    """Remove the fault of that id, those of *organisation*, or all; return how many."""
    root = state.of("")
    kept = _bodies(root)
    gone = {
        body["id"]
        for body in kept
        if wanted_id in (None, body["id"])
        and organisation in (None, body["match"].get("organisation"))
    }
    if gone:
        root.put(KIND, ARMED, {"faults": [body for body in kept if body["id"] not in gone]})
        for identifier in sorted(gone):
            root.delete(COUNTED, identifier)
    return len(gone)


def listed(state: State, now_ms: int) -> list[Body]:
    """Return the armed faults as the control API shows them, oldest first."""
    root = state.of("")
    return [
        Fault(**body).shown(*_counted(root, body["id"]), now_ms=now_ms) for body in _bodies(root)
    ]


def reverting(state: State) -> list[tuple[str, int]]:
    """Return the faults that the real clock disarms: id, and when in milliseconds."""
    kept = [Fault(**body) for body in _bodies(state.of(""))]
    return [(one.id, one.reverts_ms) for one in kept if one.reverts_ms]


def _bodies(root: State) -> list[Body]:
    found = root.get(KIND, ARMED)
    return [] if found is None else found.body["faults"]


def _counted(root: State, identifier: str) -> tuple[int, int]:
    found = root.get(COUNTED, identifier)
    return (0, 0) if found is None else (found.body["matched"], found.body["touched"])


class _CompiledFault(Struct, frozen=True):
    """A fault compiled for matching."""

    fault: Fault
    outcome: Outcome | None
    fields: tuple[Condition, ...]
    late: bool
    """Whether it can be told only once the client is known."""


class FaultRegistry:
    """The armed faults, compiled once for each change; one for each engine."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self._outcomes = menu(catalogue)
        self._seed = seed
        self._seen: Entity | None = None
        self._ready: tuple[_CompiledFault, ...] = ()

    def armed(self, root: State) -> Sequence[_CompiledFault]:
        """Return the armed faults; *root* is the state seen from no organisation."""
        found = root.get(KIND, ARMED)
        if found is not self._seen:
            self._seen = found
            self._ready = tuple(self._compile(Fault(**body)) for body in _bodies(root))
        return self._ready

    def _compile(self, fault: Fault) -> _CompiledFault:
        late = bool({"organisation", "client"} & set(fault.match))
        return _CompiledFault(
            fault, self._outcomes.get(fault.outcome), conditions(fault.match), late
        )

    def apply(
        self, call: Call, ready: Sequence[_CompiledFault], decoded: Decoded | None, *, late: bool
    ) -> ErrorCode | None:
        """Let the faults that can be told now touch *call*; return the row to refuse it with.

        Of several outcomes and of several deliveries, the first that was armed counts.
        """
        tree = decoded.tree if decoded is not None else None
        refusal = None
        for one in ready:
            if one.late is not late or not _matches(one, call, tree):
                continue
            fault = one.fault
            refuses = one.outcome is not None and one.outcome.row is not None
            taken = (refusal if refuses else call.delivery) is not None and not _forces(one)
            number = self._touch(call, fault, taken=taken)
            if not number:
                continue
            call.exchange.faults.append(FaultApplication(fault.id, fault.outcome or fault.delivery))
            if one.outcome is None:
                draws = (self._draw(fault, number, what) for what in ("jitter", "normal"))
                call.delivery = delivery_of(fault.delivery, fault.given, *draws)
            elif one.outcome.row is None:
                call.injected_outcomes.append(_forced(one.outcome, fault.given))
            else:
                refusal, call.given = one.outcome.row, fault.given
        return refusal

    def _touch(self, call: Call, fault: Fault, *, taken: bool) -> int:
        """Count a match; return its number if the fault touches it, else 0.

        *taken*: an earlier fault has touched it in the same way.
        """
        if fault.until_ms and call.now_ms >= fault.until_ms:
            return 0
        root = call.state.of("")
        matched, touched = _counted(root, fault.id)
        matched += 1
        spent = fault.count and touched >= fault.count
        hit = (
            not spent
            and not taken
            and matched > fault.after
            and self._draw(fault, matched, "hit") < fault.probability
        )
        root.put(COUNTED, fault.id, {"matched": matched, "touched": touched + hit})
        return matched if hit else 0

    def _draw(self, fault: Fault, number: int, what: str) -> float:
        """Return a number from 0 to below 1 that is always the same for this match."""
        text = f"{what}|{self._seed}|{fault.id}|{number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) / 2**56


def _forces(one: _CompiledFault) -> bool:
    return one.outcome is not None and one.outcome.row is None


def _forced(outcome: Outcome, given: Mapping[str, Any]) -> InjectedOutcome:
    return InjectedOutcome(
        outcome.code, frozenset(given.get("items", ())), given.get("retry_after_s", 0)
    )


def _matches(one: _CompiledFault, call: Call, tree: Any) -> bool:
    exchange, match, outcome = call.exchange, one.fault.match, one.outcome
    if outcome is not None and not outcome.fits(exchange.service):
        return False
    if outcome is not None and outcome.operations and exchange.operation not in outcome.operations:
        return False
    if any(name in match and match[name] != getattr(exchange, name) for name in SCOPE):
        return False
    return all(
        field.holds(found_at(field, call.request, tree, call.pairs, call.path))
        for field in one.fields
    )


def delivered(call: Call, response: Response) -> Response:
    """Return *response* as the faults that touched *call* want it."""
    if "retry_after_s" in call.given:
        retry = ("Retry-After", str(call.given["retry_after_s"]))
        others = [pair for pair in response.headers if pair[0] != "Retry-After"]
        response = replace(response, headers=(*others, retry))
    if call.delivery is not None and call.delivery.name == "settings":
        response = replace(response, streams=call.delivery.streams)
    return replace(response, delivery=call.delivery)
