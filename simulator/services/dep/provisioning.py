"""What stands around device assignment: server tokens, arrivals, cursors of another history."""

from collections.abc import Iterator, Mapping
from functools import partial

from simulator.auth import oauth1
from simulator.core.state import State
from simulator.pki.credentials import ServerToken, given_server_token, seal_server_token
from simulator.services.dep import SERVICE, maid, roster_portal, timeline, tokens
from simulator.services.fleet import arrivals
from simulator.services.fleet.servers import servers
from simulator.services.organisations import identifiers
from simulator.services.provisioning import (
    Credential,
    Example,
    Held,
    Issuing,
    Provisioning,
    Seeding,
    Step,
    Trying,
)


def _seed(seeding: Seeding) -> Iterator[Step]:
    yield partial(_issue_tokens, seeding=seeding)


def _issue_tokens(state: State, *, seeding: Seeding) -> int:
    own = state.of(seeding.organisation)
    timeline.prepare(own)
    org, now_ms = seeding.organisation, seeding.now_ms
    for one in servers(own):
        if given := seeding.server_tokens.get(one.key):
            token = given_server_token(given, now_ms)
            tokens.put_token(own, org, one.key, token, now_ms=now_ms)
            continue
        tokens.issue_token(own, org, one.key, now_ms=now_ms, random_hex=seeding.generate_secret)
    return 0


def _held(state: State, organisation: str) -> Iterator[Held]:
    own = state.of(organisation)
    for one in servers(own):
        token = tokens.current_token(own, one.key) or {}
        values = {name: token[name] for name in ServerToken.__slots__ if name in token}
        yield Held(
            id=one.key,
            name=one.body["name"],
            entry={"id": one.key, "name": one.body["name"], "token": values or None},
            state=token.get("state", ""),
            expires=token.get("access_token_expiry", ""),
        )


def _renew(state: State, new: Issuing) -> None:
    own = state.of(new.organisation)
    tokens.issue_token(own, new.organisation, new.id, now_ms=new.now_ms, random_hex=new.random_hex)


def _revoke(state: State, old: Issuing) -> None:
    tokens.revoke_token(state.of(old.organisation), old.id)


def _seal(value: Mapping[str, str], certificate: bytes) -> bytes:
    return seal_server_token(ServerToken(**value), certificate)


def _branch(own: State, anew: bool) -> None:
    timeline.begin(own, anew=anew)


def _examples(trying: Trying) -> Iterator[Example]:
    for organisation in identifiers(trying.state):
        for held in _held(trying.state, organisation):
            if held.state == "active":
                url = f"{trying.base}/session"
                header = oauth1.authorization(
                    "GET",
                    url,
                    held.entry["token"],
                    now_s=trying.now_ms // 1000,
                    nonce=trying.random_hex(16),
                )
                yield Example(
                    about="Start a session",
                    key=held.id,
                    arguments=(url,),
                    secret={"header": f"Authorization: {header}"},
                )


PROVISIONING = Provisioning(
    service=SERVICE,
    title="Device enrolment",
    rank=10,
    world=roster_portal.WORLD,
    seed_timeless=roster_portal.seed,
    seed=_seed,
    branch=_branch,
    branch_kind=timeline.KIND,
    complete_due=arrivals.materialise_all,
    credentials=(
        Credential(
            name="dep",
            title="DEP server token",
            holder="DEP server",
            ready="dep_servers",
            value="token",
            held=_held,
            renew=_renew,
            revoke=_revoke,
            seal=_seal,
            scoped=True,
        ),
    ),
    resources=(*roster_portal.RESOURCES, *maid.RESOURCES),
    examples=_examples,
)
