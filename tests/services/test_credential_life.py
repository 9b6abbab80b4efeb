"""What the portal issues has a life, the same in all services: one row for each step of it.

Each row says what the next call with the credential of before gets, and what one with the
credential of now gets; the first half of the table is the portal, the second the clock.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulator.pki.push import PushAuthority
from simulator.services.apns import topics
from simulator.services.dep import tokens
from simulator.services.vpp.domain import portal
from tests.apple import Answer, Apple
from tests.services.apns.conftest import NOW, TOPIC, Apns, make
from tests.vpp import Vpp

DAY_S = 86_400
YEAR_S = 366 * DAY_S
Outcome = tuple[int, str]


def said(answer: Answer) -> Outcome:
    """Return status and code of an answer: the text of DEP, the number of VPP, APNs' reason."""
    text = answer.text
    if not text.startswith("{"):
        return answer.status, text
    body: dict[str, Any] = json.loads(text)
    return answer.status, str(body.get("errorNumber") or body.get("reason") or "")


class Dep:
    """The server token of DEP server ``a``; a call is ``GET /session``."""

    def __init__(self) -> None:
        self.apple = Apple()
        self.kept = self.apple.token()

    def do(self, step: str) -> None:
        home, now_ms, random_hex = self.apple.home, self.apple.now_ms, self.apple.random_hex
        by_another = step == "renewed-by-another"
        if step.startswith("renewed"):
            home(
                lambda state: tokens.issue_token(
                    state, "acme", "a", now_ms=now_ms, random_hex=random_hex, by_another=by_another
                )
            )
        elif step == "revoked":
            home(lambda state: tokens.revoke_token(state, "a"))
        elif step == "owner-left":
            home(lambda state: tokens.orphan_token(state, "a"))
        elif step == "expired":
            self.apple.advance(YEAR_S)

    def old(self) -> Outcome:
        return said(self.apple.log_in(self.apple.oauth_of(self.kept)))

    def new(self) -> Outcome:
        answer = self.apple.log_in()
        return (200, "") if answer.status == 200 else said(answer)


class Content:
    """The content token of location ``hq``; a call is ``GET /mdm/v2/assets``."""

    def __init__(self) -> None:
        self.apple = Vpp()
        self.kept = self.apple.stoken

    def do(self, step: str) -> None:
        if step == "renewed":
            self.apple.renew()
        elif step == "revoked":
            self.apple.home(lambda state: portal.revoke_token(state, "hq"))
        elif step == "expired":
            self.apple.advance(YEAR_S)

    def old(self) -> Outcome:
        return said(self.apple.v2("GET", "/assets", token=f"Bearer {self.kept}"))

    def new(self) -> Outcome:
        return said(self.apple.v2("GET", "/assets"))


class Certificate:
    """The certificate of a push topic; a call is a push."""

    def __init__(self, authority: PushAuthority) -> None:
        self.apns: Apns = make(authority)
        self.kept = self.apns.certificate
        self.now = self.kept

    def do(self, step: str) -> None:
        if step == "renewed":
            self.now = self.apns.authority.mint(TOPIC, NOW)
        elif step == "revoked":
            self.apns.apple.run(lambda state: topics.revoke(state, TOPIC, f"{self.kept.serial:x}"))
        elif step == "all-revoked":
            self.apns.apple.run(lambda state: topics.revoke(state, TOPIC, "*"))
        elif step == "expired":
            self.apns.apple.advance(YEAR_S + 30 * DAY_S)

    def old(self) -> Outcome:
        return said(self.apns.push(certificate=self.kept))

    def new(self) -> Outcome:
        return said(self.apns.push(certificate=self.now))


OK = (200, "")
DEP_LIFE: list[tuple[tuple[str, ...], Outcome, Outcome]] = [
    ((), OK, OK),
    (("renewed",), (403, "signature_invalid"), OK),
    (("renewed", "renewed"), (403, "signature_invalid"), OK),
    (("renewed-by-another",), (403, "signature_invalid"), OK),
    (("revoked",), (403, "token_rejected"), (403, "token_rejected")),
    (("revoked", "renewed"), (403, "signature_invalid"), OK),
    (("owner-left",), (403, "FORBIDDEN"), (403, "FORBIDDEN")),
    (("owner-left", "renewed-by-another"), (403, "signature_invalid"), OK),
    (("expired",), (403, "token_expiredForbidden"), (403, "token_expiredForbidden")),
    (("expired", "renewed"), (403, "signature_invalid"), OK),
]
CONTENT_LIFE: list[tuple[tuple[str, ...], Outcome, Outcome]] = [
    ((), OK, OK),
    (("renewed",), (401, "9625"), OK),
    (("revoked",), (401, "9625"), (401, "9625")),
    (("revoked", "renewed"), (401, "9625"), OK),
    (("expired",), (401, "9621"), (401, "9621")),
    (("expired", "renewed"), (401, "9625"), OK),
]
CERTIFICATE_LIFE: list[tuple[tuple[str, ...], Outcome, Outcome]] = [
    ((), OK, OK),
    (("renewed",), OK, OK),
    (("revoked",), (403, "BadCertificate"), (403, "BadCertificate")),
    (("revoked", "renewed"), (403, "BadCertificate"), OK),
    (("all-revoked", "renewed"), (403, "BadCertificate"), (403, "BadCertificate")),
    (("expired",), (403, "BadCertificate"), (403, "BadCertificate")),
]
LIVES: dict[str, list[tuple[tuple[str, ...], Outcome, Outcome]]] = {
    "dep": DEP_LIFE,
    "content": CONTENT_LIFE,
    "certificate": CERTIFICATE_LIFE,
}
ROWS = [
    pytest.param(kind, *row, id=f"{kind}-{'-'.join(row[0]) or 'issued'}")
    for kind, life in LIVES.items()
    for row in life
]


@pytest.fixture(scope="module")
def authority() -> PushAuthority:
    return PushAuthority.create(NOW)


@pytest.mark.parametrize(("kind", "steps", "old", "new"), ROWS)
def test_each_step_is_felt_by_the_next_call(
    authority: PushAuthority, kind: str, steps: tuple[str, ...], old: Outcome, new: Outcome
) -> None:
    made: dict[str, Callable[[], Dep | Content | Certificate]] = {
        "dep": Dep,
        "content": Content,
        "certificate": lambda: Certificate(authority),
    }
    holder = made[kind]()

    for step in steps:
        holder.do(step)

    assert (holder.old(), holder.new()) == (old, new)
