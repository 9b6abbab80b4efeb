"""What stands around the School and Business API: accounts with keys, people, portal calls."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from simulator.auth import jose
from simulator.core.state import State
from simulator.protocol.documents import identifier, read_list, refuse_duplicates, text
from simulator.protocol.fields import Integer, Objects, String
from simulator.services.axm import SERVICE, accounts, oauth, portal
from simulator.services.axm.accounts import PRODUCTS, ROLES, Account
from simulator.services.axm.seeding import add_content, people_steps
from simulator.services.fleet import changes
from simulator.services.organisations import identifiers
from simulator.services.provisioning import (
    Credential,
    Example,
    File,
    Held,
    Issuing,
    Making,
    Provisioning,
    Rows,
    Seeding,
    Step,
    TimelessSeeding,
    Trying,
    WorldPart,
)

AXM_ACCOUNT = (
    identifier("id", "Id, its own in the whole file.", required=True, example="axm"),
    text("name", "Name.", required=True, example="Inventory"),
    String(
        "product",
        "Which of the two it belongs to; if absent, what the organisation is.",
        values=tuple(PRODUCTS),
        default="",
        example="business",
    ),
    String(
        "role",
        "What it may use.",
        values=tuple(ROLES),
        default="ADMINISTRATOR",
        example="ADMINISTRATOR",
    ),
)
KEYS = (
    Objects(
        "axm_account",
        "Its API accounts in School Manager or Apple Business.",
        fields=AXM_ACCOUNT,
    ),
    Integer(
        "axm_users",
        "How many people it has there, made up.",
        least=0,
        most=1_000_000,
        default=0,
        example=40,
    ),
)


class AxmAccount(Struct, frozen=True):
    """One API account as a world has it."""

    id: str
    name: str
    product: str
    role: str


class AxmPart(Struct, frozen=True):
    """What a world says of an organisation's API."""

    accounts: tuple[AxmAccount, ...] = ()
    users: int = 0


def _read(organisations: Sequence[Rows]) -> list[AxmPart]:
    name = "organisation.axm_account"
    listed = [
        read_list(values["axm_account"], name, AXM_ACCOUNT, place)
        for place, values in organisations
    ]
    refuse_duplicates("id", [(at, row["id"]) for rows in listed for at, row in rows])
    for rows in listed:
        for at, _ in rows[accounts.MOST :]:
            raise at.error(f"is one too many: an organisation has at most {accounts.MOST}")
    return [
        AxmPart(tuple(AxmAccount(**row) for _, row in rows), one.values["axm_users"])
        for rows, one in zip(listed, organisations, strict=True)
    ]


def _lines(part: AxmPart) -> Iterator[str]:
    for one in part.accounts:
        yield f"API account {one.id}: {one.name}"


def _seed_timeless(seeding: TimelessSeeding) -> Iterator[Step]:
    return people_steps(seeding, (seeding.part or AxmPart()).users)


def _seed(seeding: Seeding) -> Iterator[Step]:
    part = seeding.part or AxmPart()
    if part.accounts:
        yield partial(_add_accounts, seeding=seeding, part=part)
        yield partial(add_content, seeding=seeding)


def _add_accounts(state: State, *, seeding: Seeding, part: AxmPart) -> int:
    for one in part.accounts:
        accounts.add(
            state,
            seeding.organisation,
            one.id,
            one.name,
            now_ms=seeding.now_ms,
            random_hex=seeding.generate_secret,
            role=one.role,
            product=one.product,
        )
    return 0


def _complete(state: State, organisation: str, _seed: int) -> None:
    changes.prepare(state.of(organisation))


def _held(state: State, organisation: str) -> Iterator[Held]:
    for one in accounts.of(state, organisation):
        key = one.keys[one.current]
        stem = f"axm-{one.id}-{one.current[:8]}"
        yield Held(
            id=one.id,
            name=one.name,
            entry={
                "id": one.id,
                "name": one.name,
                "client_id": one.client_id,
                "key_id": one.current,
                "scope": one.scope,
            },
            state=key["state"],
            files=(
                File(key="key", name=f"{stem}.pem"),
                File(key="key_as_apple", name=f"{stem}-apple.pem"),
            ),
            make=partial(_key_files, key["private"]),
        )


def _key_files(private: str, _: Making) -> list[bytes]:
    """Return the key as PKCS #8 should be labelled, and as Apple labels it."""
    return [private.encode(), portal.as_apple(private).encode()]


def _account(state: State, identifier: str) -> Account:
    found = accounts.find_by_id(state, identifier)
    if found is None:
        raise LookupError(f"no API account has the id {identifier}")
    return found


def _renew(state: State, new: Issuing) -> None:
    account = _account(state, new.id)
    if account.key(account.current) is not None:
        account = accounts.revoke_key(state, account, account.current, now_ms=new.now_ms)
    accounts.add_key(state, account, now_ms=new.now_ms, random_hex=new.random_hex)


def _revoke(state: State, old: Issuing) -> None:
    account = _account(state, old.id)
    accounts.revoke_key(state, account, account.current, now_ms=old.now_ms)


def _complete_due(state: State, now_ms: int) -> bool:
    """Do a piece of what activities are to do, of one organisation."""
    for one in identifiers(state):
        own = state.of(one)
        if changes.next_ms(own) <= now_ms:
            changes.complete_due(own, now_ms)
            return False
    return True


def _examples(trying: Trying) -> Iterator[Example]:
    for one in accounts.every(trying.state):
        key = one.key(one.current)
        if key is not None:
            yield Example(
                about="Get an access token",
                key=one.id,
                arguments=(f"{trying.base}/auth/oauth2/v2/token",),
                secret={"data": urlencode(_token_request(one, key["private"], trying))},
            )


def _token_request(account: Account, private: str, trying: Trying) -> dict[str, str]:
    """Return the parameters of a token request with an assertion that is good for an hour."""
    now_s = trying.now_ms // 1000
    claims = {
        "iss": account.client_id,
        "sub": account.client_id,
        "aud": oauth.AUDIENCE,
        "iat": now_s,
        "exp": now_s + 3600,
        "jti": trying.random_hex(32),
    }
    header = {"alg": "ES256", "kid": account.current, "typ": "JWT"}
    return {
        "grant_type": oauth.GRANT,
        "client_id": account.client_id,
        "client_assertion_type": oauth.ASSERTION,
        "client_assertion": jose.sign(header, claims, private.encode()),
        "scope": account.scope,
    }


def _line(entry: Any) -> str:
    return f"{entry['client_id']}, key {entry['key_id']}"


PROVISIONING = Provisioning(
    service=SERVICE,
    title="School and Business API",
    rank=15,
    world=WorldPart(KEYS, _read, _lines),
    seed_timeless=_seed_timeless,
    seed=_seed,
    complete=_complete,
    complete_due=_complete_due,
    work=_complete_due,
    credentials=(
        Credential(
            name="axm",
            title="API account key",
            holder="API account",
            ready="axm_accounts",
            held=_held,
            renew=_renew,
            revoke=_revoke,
            file=("{id}.json", "application/json"),
            line=_line,
        ),
    ),
    resources=portal.RESOURCES,
    examples=_examples,
)
