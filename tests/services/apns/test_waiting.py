"""Devices that connect, drop, are pushed to and reconnect, in any order: a model of one token."""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.services.apns import pushes
from simulator.services.apns.pushes import Push
from tests.apple import Apple

TOKEN, TOPIC = "ab" * 32, "com.apple.mgmt.External.x"
STEPS = st.lists(
    st.sampled_from(["connect", "drop", "push", "push-now", "hear", "fail", "late"]), max_size=25
)


class Model:
    """One token: at most one push waits, the newest; who listens gets it once."""

    def __init__(self, apple: Apple) -> None:
        self.apple = apple
        self.waits = ""
        """Name of the push that the device is to get; empty: none."""
        self.stored = 0
        self.since: int | None = None
        """Pushes that were stored before the stream began; None: nobody listens."""
        self.heard: list[str] = []

    def _forget_unstored(self) -> None:
        if self.waits.endswith("!"):
            self.waits = ""

    def connect(self) -> None:
        self._forget_unstored()
        self.since = self.stored

    def drop(self) -> None:
        self._forget_unstored()
        self.since = None

    def push(self, name: str, expiration: str | None) -> None:
        now_ms = self.apple.now_ms
        expires_ms = pushes.expiry_ms(expiration, now_ms)
        push = Push(name, TOPIC, "{}", "", True, now_ms, expires_ms)
        self.apple.home(lambda home: pushes.store(home, None, TOKEN, push))
        self.stored += 1
        self.waits = "" if expiration and self.since is None else name

    def late(self) -> None:
        self.apple.advance(31 * 24 * 3600)
        if not self.waits.endswith("!"):
            self.waits = ""

    def look(self) -> list[pushes.Waiting]:
        since = self.since or 0
        found: list[pushes.Waiting] = self.apple.home(
            lambda home: pushes.waiting(home, "acme", f"{TOKEN}/", self.apple.now_ms, since)
        )
        assert [one.push.apns_id for one in found] == [self.waits] * bool(self.waits)
        return found

    def hear(self) -> None:
        for one in self.look():
            self._deliver(one)
            self.heard.append(one.push.apns_id)
            self.waits = ""

    def _deliver(self, one: pushes.Waiting) -> None:
        self.apple.home(lambda home: pushes.delivered(home, one, self.apple.now_ms))


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_nothing_is_lost_and_nothing_doubled(steps: list[str]) -> None:
    with Apple() as apple:
        model = Model(apple)
        for number, step in enumerate(steps):
            if step == "push":
                model.push(f"p{number}", None)
            elif step == "push-now":
                model.push(f"p{number}!", "0")
            elif step in ("connect", "drop", "late"):
                getattr(model, step)()
            elif model.since is not None:
                (model.hear if step == "hear" else model.look)()

        assert len(model.heard) == len(set(model.heard))
        counted = apple.home(pushes.counters)
        assert (counted["stored"], counted["delivered"]) == (model.stored, len(model.heard))
