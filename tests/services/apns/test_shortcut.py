"""The short way of pushes is the whole line's, only shorter: answers, records and state agree."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator.core.messages import Exchange, Request
from simulator.core.state import State
from simulator.faults import faults
from simulator.faults.faults import Fault
from simulator.pki.push import PushAuthority, PushCertificate
from simulator.protocol import quirks
from simulator.protocol.wire import Decoded
from simulator.services.apns import registry, topics
from simulator.services.apns.quirks import ONE_STREAM
from simulator.services.apns.shortcut import PushShortcut
from tests.apple import Answer, Apple
from tests.services.apns.conftest import MAGIC, NOW, OTHER, PEER, TOKEN, TOPIC, Apns

IDENTIFIER = "123e4567-e89b-12d3-a456-426655440000"
SECOND, SHARED, FOREIGN = "b2" * 32, "c3" * 32, "d4" * 32
Act = Callable[[Apns], Any]


class Counting(PushShortcut):
    """Counts the pushes that took the short way."""

    taken = 0

    def take(self, request: Request, root: State, now_ms: int) -> tuple[Exchange, Decoded] | None:
        found = super().take(request, root, now_ms)
        self.taken += found is not None
        return found


def service(certificate: PushCertificate, authority: PushAuthority, **given: Any) -> Apns:
    """Return APNs with devices of their own, with a shared token, and of another topic."""
    apple = Apple(**given)
    apns = Apns(apple, certificate, authority)
    apple.run(lambda state: topics.add(state, "acme", TOPIC))
    apple.run(faults.prepare)
    apple.run(quirks.prepare)
    for number, token in enumerate((TOKEN, SECOND)):
        apns.check_in(UDID=f"device-{number}", Token=bytes.fromhex(token))
    for number in range(2):
        apns.check_in(UDID=f"sharer-{number}", Token=bytes.fromhex(SHARED), share=True)
    apns.check_in(UDID="foreigner", Topic=OTHER, Token=bytes.fromhex(FOREIGN))
    return apns


@contextmanager
def pair(authority: PushAuthority, **given: Any) -> Iterator[tuple[Apns, Apns, Counting]]:
    """Yield two equal services, of which the first has the short way, and what counts its use."""
    certificate = authority.mint(TOPIC, NOW)
    short, whole = (service(certificate, authority, **given) for _ in range(2))
    counting = Counting(short.apple.engine._settings)
    for apns, shortcut in ((short, counting), (whole, None)):
        plan = _replaced(apns, shortcut)
        apns.apple.engine._shortened = (plan,) if shortcut else ()
    try:
        yield short, whole, counting
    finally:
        short.apple.store.close()
        whole.apple.store.close()


def _replaced(apns: Apns, shortcut: PushShortcut | None) -> Any:
    plans = apns.apple.engine._plans
    kept = {name: getattr(plans["apns.push"], name) for name in plans["apns.push"].__slots__}
    plans["apns.push"] = type(plans["apns.push"])(**kept | {"shortcut": shortcut})
    return plans["apns.push"]


def state_of(apns: Apns) -> list[bytes]:
    return list(apns.apple.run(lambda state: list(state.dump({}))))  # type: ignore[attr-defined]  # it is a World


BODIES = st.sampled_from(
    [b'{"mdm":"%s"}' % MAGIC.encode()] * 4
    + [b'{"mdm": "%s"}' % MAGIC.encode()] * 2
    + [
        b'{"mdm":"%s"}' % MAGIC.lower().encode(),
        b'{"mdm":"%s","aps":{}}' % MAGIC.encode(),
        b'{ "mdm":"%s"}' % MAGIC.encode(),
        b"{}",
        b"",
        b"junk",
    ]
)
TOKENS = st.sampled_from(
    [TOKEN] * 4 + [SECOND] * 3 + [SHARED, FOREIGN, TOKEN.upper(), "e5" * 32, "xy"]
)


def sometimes(*values: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.none(), st.none(), st.sampled_from(values))


HEADERS = st.fixed_dictionaries(
    {
        "apns_topic": st.sampled_from([TOPIC, TOPIC, None, OTHER]),
        "apns_push_type": st.sampled_from(["mdm", "mdm", None, "alert", "odd"]),
        "apns_priority": sometimes("10", "5", "7"),
        "apns_expiration": sometimes("0", "1772366400", "99999999999", "soon", ""),
        "apns_id": sometimes(IDENTIFIER, IDENTIFIER.upper(), "1", ""),
        "apns_collapse_id": sometimes("a", "b" * 65),
        "content_encoding": sometimes("identity", "gzip"),
        "x_mdmsim_session": sometimes("run-1"),
    }
).map(lambda headers: {name: value for name, value in headers.items() if value is not None})
PEERS = st.builds(
    lambda number, first, port: replace(PEER, connection=number, first=first, port=port),
    st.sampled_from([1, 1, 1, 2]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([50000, 50001]),
)
HOSTS = st.sampled_from(["api.push.apple.com"] * 4 + ["api.sandbox.push.apple.com", "mdm.example"])


@st.composite
def pushing(draw: st.DrawFn) -> Act:
    given: dict[str, Any] = {
        "token": draw(TOKENS),
        "body": draw(BODIES),
        "host": draw(HOSTS),
        "peer": draw(PEERS),
        "shown": draw(st.sampled_from([True, True, True, False])),
        "http": draw(st.sampled_from(["2", "2", "2", "1.1"])),
        "method": draw(st.sampled_from(["POST", "POST", "POST", "GET"])),
        **draw(HEADERS),
    }
    return lambda apns: apns.push(**given)


def plain(token: str = TOKEN, **more: Any) -> Act:
    return lambda apns: apns.push(token, apns_topic=TOPIC, apns_push_type="mdm", **more)


def moving(seconds: float) -> Act:
    return lambda apns: apns.apple.advance(seconds)


def revoking() -> Act:
    return lambda apns: apns.apple.run(lambda state: topics.revoke(state, TOPIC, "*"))


def adding() -> Act:
    return lambda apns: apns.apple.run(lambda state: topics.add(state, "acme", OTHER))


def changing(**changes: Any) -> Act:
    return lambda apns: apns.apple.home(lambda home: registry.change(home, TOKEN, **changes))


def arming(fault: Fault) -> Act:
    return lambda apns: apns.apple.run(lambda state: faults.arm(state, fault))


def disarming() -> Act:
    return lambda apns: apns.apple.run(faults.disarm)


def switching(*, is_on: bool) -> Act:
    return lambda apns: apns.apple.run(
        lambda state: quirks.switch(state, ONE_STREAM.id, "*", is_on=is_on)
    )


ACTS = st.one_of(
    pushing(),
    pushing(),
    st.sampled_from([plain()] * 6 + [plain(SECOND)] * 4),
    st.sampled_from(
        [
            moving(60),
            moving(400 * 24 * 3600),
            revoking(),
            adding(),
            changing(state="unregistered", since_ms=1),
            changing(state="active"),
            changing(throttled_until_ms=2**60),
            changing(environment="production"),
            changing(magic='quo"te'),
            arming(Fault("", outcome="apns.ServiceUnavailable", count=2)),
            disarming(),
            switching(is_on=True),
            switching(is_on=False),
            lambda apns: apns.take(),
        ]
    ),
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "push_auth": st.just("none"),
        "unknown_tokens": st.just("accept"),
        "token_rate": st.just(3),
        "push_streams": st.sampled_from(["fixed", "historic"]),
        "strictness": st.sampled_from(["observe", "strict"]),
    },
)


@settings(max_examples=40)
@given(given_settings=SETTINGS, acts=st.lists(ACTS, min_size=4, max_size=14))
def test_the_short_way_answers_records_and_keeps_what_the_whole_line_does(
    authority: PushAuthority, given_settings: dict[str, Any], acts: list[Act]
) -> None:
    with pair(authority, **given_settings) as (short, whole, _):
        for act in [plain(peer=replace(PEER, first=True)), plain(), *acts, plain()]:
            one, other = act(short), act(whole)
            assert one == other
            if isinstance(one, Answer):
                assert one.exchange == short.apple.recorded[-1]
        assert short.apple.recorded == whole.apple.recorded
        assert state_of(short) == state_of(whole)


@pytest.mark.parametrize(
    "like",
    [
        {},
        {"token": SECOND},
        {"body": b'{"mdm": "%s"}' % MAGIC.encode()},
        {"apns_id": IDENTIFIER},
        {"apns_expiration": "1772366400"},
    ],
    ids=["the same", "another device", "a space", "its own id", "an expiration"],
)
def test_a_push_like_an_earlier_one_takes_the_short_way(
    authority: PushAuthority, like: dict[str, Any]
) -> None:
    with pair(authority) as (short, whole, counting):
        for act in (plain(), plain(**like)):
            assert act(short) == act(whole)
        assert counting.taken == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (revoking(), 403),
        (changing(state="unregistered", since_ms=1), 410),
        (changing(throttled_until_ms=2**60), 429),
        (arming(Fault("", outcome="apns.ServiceUnavailable")), 503),
        (moving(800 * 24 * 3600), 403),
    ],
    ids=["revoked", "unregistered", "throttled", "fault", "expired"],
)
def test_what_has_changed_since_is_seen(authority: PushAuthority, change: Act, status: int) -> None:
    with pair(authority) as (short, _, counting):
        for act in (plain(), plain(), change):
            act(short)
        assert plain()(short).status == status
        assert counting.taken == 1


def test_nothing_is_learnt_while_a_quirk_is_on(authority: PushAuthority) -> None:
    with pair(authority, push_streams="fixed") as (short, _, counting):
        found = [
            act(short)
            for act in (switching(is_on=True), plain(), switching(is_on=False), plain(), plain())
        ]
        assert [one.response.streams for one in found if isinstance(one, Answer)] == [
            1000,
            None,
            None,
        ]
        assert counting.taken == 1
