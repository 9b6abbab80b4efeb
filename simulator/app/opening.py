"""Opening the store of a simulator, with the keys and authorities that belong to it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from simulator import services
from simulator.core.data_directory import Directory, Keys, evidence_key_of, secret_lines
from simulator.core.settings import Settings, host_names
from simulator.disclosure.judge.manifest import Manifest, load_manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.guard import SecretGuard
from simulator.pki import push
from simulator.pki.authorities import Authorities
from simulator.pki.authority import Authority
from simulator.pki.push import PushAuthority
from simulator.protocol.catalogue import Catalogue
from simulator.services.provisioning import Provisioning
from simulator.store.opening import Place, check_clock, open_store, shared_files
from simulator.store.protocols import Journal, Store
from simulator.store.shared_files import SharedFiles
from simulator.worlds import credentials
from simulator.worlds.cache import Beginning, Kept, begin, look


class OpenedStore(Struct, frozen=True):
    """The store, and what fits no other one."""

    now: datetime
    """The time that certificates are made for."""
    store: Store
    journal: Journal
    shared: SharedFiles | None
    """Where the store keeps files of the data directory, if it does."""
    keys: Keys
    authority: Authority
    push_authority: PushAuthority
    authorities: Authorities
    catalogue: Catalogue
    provisionings: tuple[Provisioning, ...]
    observer: Observer
    guard: SecretGuard
    manifest: Manifest
    topic_key: Callable[[], RSAPrivateKey | None]
    """Gives the key of a new data directory's first push certificate, once."""
    beginning: Future[Beginning] | None
    """What a store in memory is to be loaded with; None: it is no such store."""


def opened_with(
    settings: Settings,
    directory: Directory,
    place: Place,
    now: datetime,
    now_ms: Callable[[], int],
    further: Sequence[ModuleType],
    stack: ExitStack,
) -> OpenedStore:
    """Open the store at *place*, and make the keys of *directory* that are missing; it blocks.

    Certificates are made for the time *now*; *now_ms* is the clock that requests are dated by.
    *further* are packages of services beside those that ship. *stack* closes what is open.
    """
    path = directory.path
    check_clock(settings.store or None, now_ms)
    shared = shared_files(settings.store, settings.store_key)
    if shared is not None:
        shared.fetch(path)
    keys = directory.keys(settings.fingerprint_key)
    authority = directory.authority(host_names(settings), now)
    if settings.public_dir:
        directory.publish(settings.public_dir)
    # Most of a start is to make a key, and to read the world: neither keeps Python from going on.
    beside = ThreadPoolExecutor(3, "mdmsim-start")
    stack.callback(beside.shutdown)
    provisionings = services.provisionings(*further)
    kept = beside.submit(look, settings, provisionings) if place is None else None
    pushing = beside.submit(credentials.push_authority, path, now)
    first = settings.credential_files and not (path / "push").exists()
    topic_keys = [beside.submit(push.new_key)] if first else []
    catalogue = services.load(*further)
    fingerprinter = Fingerprinter(keys.fingerprint)
    guard = SecretGuard(catalogue.services.values(), fingerprinter, catalogue.long_names)
    manifest = load_manifest(settings.manifest)
    store = open_store(
        place,
        fsync=settings.synchronous == "full",
        keep=settings.journal_keep,
        guard=guard,
        mark=keys.mark(authority.certificate_pem),
        index_texts=settings.text_search == "index",
    )
    stack.callback(store.close)
    beginning = None
    if kept is not None:
        beginning = beside.submit(_begun, kept, store)
        stack.callback(wait, [beginning])
    journal = store.journal()
    stack.callback(journal.close)
    observer = Observer(catalogue, fingerprinter)
    push_authority = pushing.result()
    beside.shutdown(wait=False)
    authorities = credentials.authorities(path, push_authority, now)
    if shared is not None and settings.store_key:
        from simulator.control.device_host import device_authority  # noqa: PLC0415 (replicas only)

        # Later, each replica would make its own.
        credentials.vendor(path, now, authorities.developer)
        evidence_key_of(path)
        device_authority(path, now)
        shared.share(path)
    _show_secrets(keys, path, guard)
    return OpenedStore(
        now=now,
        store=store,
        journal=journal,
        shared=shared,
        keys=keys,
        authority=authority,
        push_authority=push_authority,
        authorities=authorities,
        catalogue=catalogue,
        provisionings=provisionings,
        observer=observer,
        guard=guard,
        manifest=manifest,
        topic_key=lambda: topic_keys.pop().result() if topic_keys else None,
        beginning=beginning,
    )


def _begun(kept: Future[Kept], store: Store) -> Beginning:
    return begin(kept.result(), store)


def _show_secrets(keys: Keys, path: Path, guard: SecretGuard) -> None:
    """Let *guard* know the secrets of the data directory *path*, and its private keys."""
    for secret in keys.texts().values():
        guard.add("net.authorization", secret)
    for line in secret_lines(path).values():
        guard.add("net.private_key", line)
