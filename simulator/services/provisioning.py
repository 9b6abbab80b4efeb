"""What a service needs around its operations: test data, credentials, portal calls, start page.

**How to hang a service in.** Make a package beside the others in ``simulator/services``:

1. ``__init__.py`` with ``SERVICE`` (its hosts, headers, errors, ways to authenticate) and modules
   with operations, as `simulator.protocol.operations` says. Its host names are served, signed
   for and tunnelled to, and its concepts named in reports, from then on.
2. ``provisioning.py`` with ``PROVISIONING = Provisioning(service=SERVICE, title=...)``, and of the
   further fields of `Provisioning` those that apply. All others have a default that means
   "the service has none".

Nothing else is to be touched. `simulator.services.provisionings` finds it, and these iterate:
the reader and the seeding of worlds (``world``, ``seed``), ``ready.json`` and its files,
``mdmsim token`` and the start screen (``credentials``), the outbox (``outbox``), the control API
with its OpenAPI document and ``mdmsim ctl`` (``resources``, ``complete_due``, and the calls
that `Credential` implies), the console's start page (``examples``).
``tests/services/test_provisioning.py`` adds such a service.

Services do not import each other. What several of them see stands beside them:
`simulator.services.organisations`, and `simulator.services.fleet` for devices, the servers that
these are assigned to and the actions of the portal on both.

Rule: no I/O, no clock, no randomness of its own. Files are written by
`simulator.core.credential_files`, after what `File.make` returns.

Longer than 300 lines: one interface with all that it takes, which whoever writes a service reads
as a whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from simulator.core.settings import Settings
from simulator.core.state import Body, State
from simulator.pki.credentials import RandomHex
from simulator.pki.push import PushAuthority
from simulator.protocol.documents import Place
from simulator.protocol.fields import Field
from simulator.protocol.operations import OutboundCall
from simulator.protocol.service import Service

Step = Callable[[State], int]
"""Writes one piece of a world into the state, seen from no organisation.

It returns its share of organisations and devices: of what is to be done for all of them.
"""

SINCE_MS = 1_754_035_200_000
"""How what a world always begins with is dated where it needs a date: 2025-08-01, 08:00 UTC."""


def _nothing(_: Any) -> tuple[()]:
    return ()


class Rows(NamedTuple):
    """What a world's file says for one organisation: all values by key, checked one by one."""

    place: Place
    """Where it stands in the file, for errors."""
    values: Mapping[str, Any]


class WorldPart(Struct, frozen=True):
    """The keys that a service adds to ``[[organisation]]`` of a world's file."""

    keys: tuple[Field, ...]
    read: Callable[[Sequence[Rows]], Sequence[Any]]
    """Takes the values of all organisations, and returns for each what `Seeding.part` is to be.

    Checks what goes beyond one key, such as ids that must differ in the whole file, with
    `simulator.protocol.documents`; ConfigurationError says what is wrong, where, how to mend it.
    """
    lines: Callable[[Any], Iterable[str]] = _nothing
    """Returns what ``mdmsim world show`` prints of an organisation's part."""


class FilePart(Struct, frozen=True):
    """The keys that a service adds to a world's file itself: what belongs to no organisation."""

    keys: tuple[Field, ...]
    read: Callable[[Rows], Any]
    """Returns what `Provisioning.begin` gets; ConfigurationError as with `WorldPart.read`."""
    lines: Callable[[Any], Iterable[str]] = _nothing
    """Returns what ``mdmsim world show`` prints of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelessSeeding:
    """One organisation that is being written into an empty state, without dates and secrets."""

    organisation: str
    facts: Mapping[str, str]
    """What the portal knows of it: ``name``, ``email``, ``org_type`` and so on."""
    part: Any
    """What the service's `WorldPart.read` returned; None without one."""
    seed: int
    """All but credentials follows from it: `simulator.core.random_hex.seeded_hex`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding(TimelessSeeding):
    """One organisation that is being written into an empty state."""

    generate_secret: RandomHex
    """Gives random hex digits, as many as asked for, for credentials only."""
    now_ms: int
    """When the world is loaded, milliseconds since the epoch."""
    server_tokens: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Values of the server tokens that are given, by the DEP server's id."""


class Making(Struct, frozen=True, kw_only=True):
    """What files are made with."""

    now: datetime
    """The wall clock's time, which clients check certificates by."""
    push_authority: PushAuthority
    topic_key: Callable[[], RSAPrivateKey | None] = lambda: None
    """Gives a key that was made before, for a push certificate; None: there is none."""


class File(Struct, frozen=True, kw_only=True):
    """A file that a client reads a credential from, in the data directory."""

    key: str
    """Under which ``ready.json`` names its path."""
    name: str
    """Path below the data directory, such as ``push/TOPIC.pem``; another content, another name."""
    secret: bool = True
    """Whether only its owner may read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One holder of a credential, such as a server, with what it holds now."""

    id: str
    """As in a URL."""
    name: str = ""
    """As people call it."""
    entry: Body = field(repr=False)
    """Its entry in ``ready.json``, without the paths of *files*."""
    state: str = ""
    """``active``, or why it is not good: ``revoked``, ``expired``; empty if there is none."""
    expires: str = ""
    """Time stamp of RFC 3339, if it expires."""
    files: tuple[File, ...] = ()
    make: Callable[[Making], Sequence[bytes]] | None = field(default=None, repr=False)
    """Returns the contents of *files* in their order; called if one of them is missing."""


class Issuing(Struct, frozen=True, kw_only=True):
    """What a new credential is made with."""

    organisation: str
    id: str
    now_ms: int
    random_hex: RandomHex


class Credential(Struct, frozen=True, kw_only=True):
    """One kind of credential that the service checks and Apple's portal would hand out.

    ``ready.json`` lists its holders under *ready*, ``mdmsim token NAME`` prints it, the start
    page shows it. The control API has ``GET /READY/{id}/token``, and ``POST`` to renew and
    ``DELETE`` to revoke it where the functions are given, unless `Provisioning.resources` has a
    call of its own there (in the path, dashes take the place of underscores).
    """

    name: str
    """As in ``mdmsim token NAME``."""
    title: str
    """Such as ``DEP server token``."""
    holder: str
    """Who holds it, such as ``DEP server``; the last word is the option: ``--server``."""
    ready: str
    """The list of ``ready.json``, such as ``dep_servers``."""
    value: str = ""
    """Key of `Held.entry` with what ``mdmsim token`` prints; empty: the whole entry."""
    held: Callable[[State, str], Iterable[Held]]
    """Returns all holders of an organisation; *state* is seen from no organisation."""
    renew: Callable[[State, Issuing], object] | None = None
    """Makes a new one in place of the one before; LookupError if there is no such holder."""
    revoke: Callable[[State, Issuing], object] | None = None
    """Revokes it; ValueError if there is none."""
    seal: Callable[[Any, bytes], bytes] | None = None
    """Returns a value encrypted to a PEM certificate; ValueError if that is none."""
    add: Callable[[State, Issuing], object] | None = None
    """Adds a holder that ``mdmsim token`` was told of and that is not known."""
    file: tuple[str, str] = ("{id}.json", "application/json")
    """Name and content type of the file that the start page hands out."""
    scoped: bool = False
    """Whether ids are unique in an organisation only, so that both have to be named."""
    listed: bool = False
    """Whether ``mdmsim token`` prints the entries of all holders, as a JSON array."""
    line: Callable[[Mapping[str, Any]], str] | None = None
    """Returns how the start screen shows an entry of ``ready.json`` that has no secret."""


class OutgoingMessage(Struct, frozen=True, kw_only=True):
    """Something that Apple tells an MDM server, due now."""

    key: str
    queue: str
    """Messages of one queue leave one after the other."""
    call: OutboundCall
    trouble: str = ""
    """Why it cannot be sent, if so: then that is noted, and nothing is."""


class Outbox(Struct, frozen=True, kw_only=True):
    """What leaves the simulator, queued in the transaction that it tells of."""

    topic: str
    """Responses that queue something name it as ``notify_topic``."""
    due: Callable[[State, int], Sequence[OutgoingMessage]]
    """Settles what is due by now, and returns the messages that are to be sent."""
    record: Callable[[State, str, int, str], None]
    """Takes key, time and what went wrong (empty: it was delivered), and notes the attempt."""


class ControlCall(Struct, frozen=True, kw_only=True):
    """One call of the control API, checked against the rows of its resource."""

    state: State
    """Seen from no organisation; the call is one transaction."""
    now_ms: int
    random_hex: RandomHex
    settings: Settings
    authorities: object
    """Who issues certificates: `simulator.pki.authorities`."""
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]


class Resource(Struct, frozen=True):
    """One call of the control API, such as what people do in Apple's portal."""

    method: str
    path: str
    """Below ``/api/v1``."""
    about: str
    handler: Callable[[ControlCall], Body | None]
    """Returns the JSON object to answer; LookupError answers 404, ValueError 409."""
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] | None = None
    """The keys of the JSON object in the body; None: there is none."""
    answer: tuple[Field, ...] = ()
    status: int = 200
    renews: bool = False
    """Whether it changes what ``ready.json`` tells of credentials."""
    is_stateless: bool = False
    """Whether it neither reads nor changes the state: as what it does takes long, such as making a
    key, it is called in a thread, outside of any transaction."""


class Trying(Struct, frozen=True, kw_only=True):
    """What an example of the start page is made with."""

    state: State
    base: str
    """URL that clients use, such as ``https://127.0.0.1:8443``."""
    organisations: Sequence[Mapping[str, Any]]
    """As in ``ready.json``: with the paths of files."""
    now_ms: int
    random_hex: RandomHex


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A first request that the start page shows as a command to paste."""

    about: str
    """Such as ``Start a session``."""
    key: str = ""
    """Who calls, such as a server, where the service has an example for each."""
    arguments: tuple[str, ...]
    """Of ``curl``: what may be shown, such as the URL."""
    secret: Mapping[str, str] = field(repr=False)
    """Further options of ``curl`` by name, such as ``header``; the page does not show them."""


class Provisioning(Struct, frozen=True, kw_only=True):
    """A service's part in everything that stands around the services."""

    service: Service
    title: str
    """As people call it, such as ``Device enrolment``."""
    rank: int = 100
    """Place among the others, in loading and on pages; the lowest comes first."""
    world: WorldPart | None = None
    file: FilePart | None = None
    begin: Callable[[State, int, Any], None] | None = None
    """Writes what a new world has beside organisations; takes the time in milliseconds, and
    what `FilePart.read` returned (None without one).

    *state* is seen from no organisation, here and in all that follows, unless it is said.
    """
    seed_timeless: Callable[[TimelessSeeding], Iterable[Step]] = _nothing
    """Yields what writes of an organisation's part what is neither secret nor dated by the loading.

    Other simulators may begin with a copy of it (`simulator.worlds.cache`). The steps are run in
    order, each in a transaction; of the organisation only its facts are there. What is to be
    large belongs here.
    """
    seed: Callable[[Seeding], Iterable[Step]] = _nothing
    """Yields what writes the rest of an organisation's part, likewise.

    The organisation and its servers are there; devices may come after.
    """
    complete: Callable[[State, str, int], None] | None = None
    """Makes what an organisation lacks, as its data is of an earlier version; takes the seed.

    It is called whenever the simulator starts and when its state was replaced.
    """
    branch: Callable[[State, bool], None] | None = None
    """Notes that the state, seen from an organisation, went back in time (or is a new world's:
    True): what clients hold of the time after it is good no more."""
    branch_kind: str = ""
    """The kind of entity in which *branch* notes that, and nobody else anything."""
    complete_due: Callable[[State, int], bool] | None = None
    """Does a piece of what is due by the clock; returns whether that was all of it.

    It is called before each call of the service's resources.
    """
    work: Callable[[State, int], bool] | None = None
    """Does a small piece of what is due by the clock, over and over in the background.

    Returns whether that was all of it. For what has to be done although nobody asks, and would
    hold others up if it was done at once.
    """
    outbox: Outbox | None = None
    credentials: tuple[Credential, ...] = ()
    resources: tuple[Resource, ...] = ()
    examples: Callable[[Trying], Iterable[Example]] = _nothing

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.service.name
