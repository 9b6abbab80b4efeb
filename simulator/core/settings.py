"""The settings table: one row each; flag, environment variable and file key come from it."""

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta

Strictness = Literal["observe", "apple", "strict"]
Port = Annotated[int, Meta(ge=0, le=65_535)] | None
"""A TCP port; 0 takes a free one, None (written ``off``) does not listen."""
AxmVersion = Literal[
    "1.0",
    "1.1",
    "1.2",
    "1.3",
    "1.4",
    "1.5",
    "1.6",
    "1.7",
    "2.0",
    "2.1",
    "2.2",
    "2.3",
    "2.4",
    "2.5",
    "2.6",
]
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


def _row(default: Any, about: str, *, shown: bool = True) -> Any:
    return field(default=default, metadata={"about": about}, repr=shown)


class ConfigurationError(Exception):
    """Something that the user must mend before it can run; the text is one line and says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one simulator runs: flag ``--tls-port``, ``MDMSIM_TLS_PORT``, file key ``tls_port``."""

    host: str = _row("127.0.0.1", "Address to listen on.")
    tls_port: tuple[Port, ...] = _row(
        (8443,), "Port for HTTPS; may be given more than once. 0: a free one; off: none."
    )
    http_port: Port = _row(8080, "Port for plain HTTP. 0: a free one; off: none.")
    control_port: Port = _row(8081, "Port of the control API. 0: a free one.")
    proxy_port: Port = _row(
        8888, "Port of the CONNECT proxy for clients with built-in host names. 0, off: as above."
    )
    data: str = _row("./mdmsim-data", "Data directory, or :memory: to keep nothing.")
    store: str = _row(
        "",
        "Where state and journal are kept, if not in the data directory: "
        "postgresql://USER@HOST:5432/DATABASE. Any number of processes may share it (--store-key). "
        "Set the password by PGPASSWORD rather than in the URL.",
        shown=False,
    )
    store_key: str = _row(
        "",
        "Encrypts CA, keys and certificates in --store, so that replicas share no data directory: "
        "32 random characters or more. Prefer MDMSIM_STORE_KEY to the option.",
        shown=False,
    )
    public_url: tuple[str, ...] = _row(
        (),
        "Where clients reach the services, as behind a balancer: https://HOST:PORT, http://HOST; "
        "may be given more than once. ready.json and the console name it.",
    )
    drain_s: NotNegative = _row(
        0,
        "Seconds that a process told to stop goes on serving, with 503 from /readyz, so that a "
        "balancer has sent its clients elsewhere before it closes.",
    )
    ready_file: str = _row("", "Where to write ready.json (default: in the data directory).")
    world: str = _row("demo", "World to load into an empty data directory: a name or a TOML file.")
    manifest: str = _row(
        "none", "What is declared: the name of a shipped manifest, a TOML file, or none."
    )
    strictness: Strictness = _row(
        "apple",
        "observe: accept and report; apple: respond as Apple does; strict: refuse every deviation.",
    )
    seed: int = _row(1, "Seed of everything random but keys and credentials.")
    san: tuple[str, ...] = _row(
        (), "Further host name or address for the server certificate; may be given more than once."
    )
    fingerprint_key: str = _row("", "Key of value fingerprints (default: made per data directory).")
    dialect: Literal["apple", "depsim"] = _row(
        "apple",
        "apple: bare error bodies; depsim: as Apple's old simulators (quoted bodies, PUT only, "
        "403 FORBIDDEN for an unknown session, depsim's constant token, GET /token, "
        "GET /internal/get_stoken, VPP v1 at the root).",
    )
    session_ttl_s: Positive = _row(180, "Seconds of inactivity after which a DEP session ends.")
    session_rotation_s: Positive = _row(
        90, "Seconds after which a DEP session gets a new token in the response's header."
    )
    oauth_window_s: NotNegative = _row(
        0, "Allowed clock difference of oauth_timestamp in seconds; 0 does not check it."
    )
    empty_devices: Literal["accept", "refuse"] = _row(
        "accept", "What DEP calls do with an empty devices list: accept as a no-op, or refuse."
    )
    replacement_not_found: Literal[400, 404] = _row(
        400, "HTTP status of DEVICE_NOT_FOUND: 400 as seen live, 404 as documented."
    )
    push_auth: Literal["required", "none"] = _row(
        "required",
        "Whether a push needs a credential: required, or none for clients that cannot show one.",
    )
    unknown_tokens: Literal["refuse", "accept"] = _row(
        "refuse",
        "Pushes to device tokens that were never checked in: refuse (BadDeviceToken) or accept.",
    )
    shared_tokens: Literal["move", "share"] = _row(
        "move",
        "A device token that a second device checks in with: move it there, or share it, as "
        "simulated devices do.",
    )
    token_rate: int = _row(
        0, "Pushes to one device token in a minute; more is TooManyRequests. 0: any number."
    )
    token_update_s: int = _row(
        1200, "Seconds that a connection has to keep its provider token; 0: none."
    )
    mdm_by_token: Literal["refuse", "accept"] = _row(
        "refuse", "Pushes to MDM topics with a provider token: refuse (TopicDisallowed) or accept."
    )
    error_budget: int = _row(
        0,
        "Refused pushes after which a connection is ended: BadDeviceToken counts double, 410 not "
        "at all. 0: it never is.",
    )
    push_streams: Literal["documented", "historic", "fixed"] = _row(
        "documented",
        "Streams of an APNs connection: documented (one without a certificate, until a push is "
        "accepted), historic (also one after a refusal), or fixed.",
    )
    bad_certificate: Literal["apple", "goaway", "response", "silence"] = _row(
        "apple",
        "What a bad push certificate gets: apple (TLS alert if expired, else GOAWAY), goaway, "
        "response (403), or silence.",
    )
    tls_alert: Literal["apple", "bad_certificate", "decrypt_error", "internal_error"] = _row(
        "apple",
        "TLS alert for a client certificate that is out of date or of another CA: apple "
        "(certificate_expired, unknown_ca), or one seen live. Python's ssl lets it be chosen in "
        "TLS 1.2 only, which is the newest version then.",
    )
    tls_max: Literal["1.2", "1.3"] = _row(
        "1.3",
        "Newest TLS version; with 1.2 a client learns of a bad certificate while it connects.",
    )
    idle_timeout_s: int = _row(
        0, "Seconds after which an idle HTTP/2 connection is ended (IdleTimeout); 0: never."
    )
    token_size: Literal["strict", "any"] = _row(
        "strict",
        "Length of device tokens: strict (32 bytes or more), or any, as simulated devices have.",
    )
    goaway_last_stream: Literal["current", "zero"] = _row(
        "current",
        "Last stream id of a GOAWAY for a bad certificate: current, so that clients see the "
        "reason, or zero, as seen live (until a client storms back).",
    )
    journal_keep: NotNegative = _row(
        0,
        "Exchanges to keep: once there are a tenth more, or twice as many while a report is made, "
        "the oldest are deleted. 0: all.",
    )
    text_search: Literal["index", "scan"] = _row(
        "index",
        "How texts are found in the journal: by an index beside the database, which is made "
        "while there is time (50 bytes and 25 µs of a processor an exchange), or by a scan of "
        "all of it.",
    )
    synchronous: Literal["normal", "full"] = _row(
        "normal",
        "What a commit survives: normal (the end of the process, kill -9 too), or full (a power "
        "cut as well, for one flush of the disk per commit).",
    )
    unrecorded: Literal["refuse", "serve"] = _row(
        "refuse",
        "Requests while the journal cannot be written, as on a full disk: refuse (503), or serve "
        "them unrecorded; what they change is not kept then, and reports say that they are "
        "missing.",
    )
    vpp_events: Literal["immediate", "delay", "polls", "manual"] = _row(
        "immediate",
        "When what VPP v2 was asked to do is done: immediate, delay (vpp_event_delay_s later), "
        "polls (at the vpp_event_polls-th poll of its status), or manual (by the control API).",
    )
    vpp_event_delay_s: int = _row(5, "Seconds until a VPP event completes, with vpp_events=delay.")
    vpp_event_polls: int = _row(2, "Polls until a VPP event completes, with vpp_events=polls.")
    vpp_page_size: int = _row(1000, "Records on a page of VPP v2.")
    vpp_batch_size: int = _row(600, "Records in a batch of VPP v1.")
    vpp_status_9622: int = _row(
        200,
        "HTTP status of an invalid token (9622) in VPP v2: 200 as seen live, 401 as documented.",
    )
    vpp_requests_per_second: int = _row(
        0, "VPP requests of one location within a second before 9646; Apple allows 15. 0: any."
    )
    axm_version: AxmVersion = _row(
        "2.6",
        "Version of the School and Business API, by Business's numbers; 1.6 and 1.7 are School's.",
    )
    axm_activity_s: NotNegative = _row(
        2, "Seconds until an activity of the School and Business API completes."
    )
    axm_reads_per_minute: NotNegative = _row(
        0, "GET requests of an organisation in a minute before 429; Apple allows about 20. 0: any."
    )
    axm_writes_per_hour: NotNegative = _row(
        0, "Other requests of an organisation in an hour before 429; Apple allows about 10. 0: any."
    )
    axm_tokens_per_minute: NotNegative = _row(
        0, "Access tokens of an API account in a minute before 429. 0: any."
    )
    axm_revoked_keys: Literal["accept", "refuse"] = _row(
        "accept",
        "Access tokens got by a key that was revoked since: accept until they end, or refuse.",
    )
    credential_files: NotNegative = _row(
        20,
        "For how many push topics, and how many accounts, in order of their organisations' ids, "
        "the keys and certificates are written at the start. Those of others are made when they "
        "are asked for, as by mdmsim token.",
    )
    world_cache: str = _row(
        "",
        "Where devices and people of large worlds are kept from one simulator to the next, without "
        "any credential, if --data is :memory:. Empty: in $XDG_CACHE_HOME or ~/.cache; off: "
        "nowhere.",
    )
    public_dir: str = _row(
        "",
        "A directory for what clients need and everybody may read: ca.pem is put there. Share it "
        "with their containers, instead of the data directory with its keys and tokens.",
    )
    publish_head: str = _row(
        "",
        "Where the journal's signed head is written at an interval, to be kept elsewhere: a file, "
        "or an HTTP URL that takes it by POST. mdmsim report --verify --head checks by it.",
    )
    publish_head_s: Positive = _row(60, "Seconds between two heads that are published.")
    callback_allow: tuple[str, ...] = _row(
        (),
        "Where VPP notifications may go beside this machine: a network such as 10.0.0.0/8, an "
        "address, a host name, or any; may be given more than once.",
    )
    callback_verify: Literal["no", "yes"] = _row(
        "no",
        "Whether the certificate of who gets notifications must be one that this machine trusts.",
    )
    connections: int = _row(
        0,
        "Connections to the services at once; those beyond are closed. 0: as many as this process "
        "may have files open, but for a few.",
    )
    slow_client_s: int = _row(
        60,
        "Seconds that a client may take to send a request, or over HTTP/1.1 to read a response, "
        "before its connection is closed or its HTTP/2 stream reset. 0: any.",
    )
    body_limit: Positive = _row(1_048_576, "Largest request body in bytes; a larger one gets 413.")


ROWS = fields(Settings)
"""One row per setting: ``name``, ``default``, ``metadata["about"]``."""


def host_names(settings: Settings) -> list[str]:
    """Return the names that the CA has to sign for beside Apple's and this machine's.

    ConfigurationError if a public URL is none.
    """
    names = list(settings.san)
    for url in settings.public_url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"--public-url: {url!r} is no URL such as https://HOST:8443")
        names.append(parts.hostname)
    return list(dict.fromkeys(names))
