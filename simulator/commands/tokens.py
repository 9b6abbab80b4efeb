"""``mdmsim token``: the credentials that Apple's portal would hand out."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.commands.options import setting_options, settings
from simulator.core import ready_file
from simulator.core.data_directory import DATABASE, holder
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.state import State
from simulator.pki.credentials import ServerToken, seal_server_token
from simulator.services.apns import topics
from simulator.services.dep import portal
from simulator.services.vpp.domain.locations import everywhere
from simulator.store.sqlite.store import Store
from simulator.worlds import push_topics
from simulator.worlds.loading import stopped

T = TypeVar("T")


@click.group("token")
def command() -> None:
    """Print the credentials that Apple's portal would hand out."""


@command.command("dep")
@setting_options("data", "world", "seed")
@click.option("--organisation", metavar="ID", help="Organisation, where there is more than one.")
@click.option("--server", metavar="ID", help="DEP server, where there is more than one.")
@click.option(
    "--certificate",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM certificate of the MDM server: gives the encrypted .p7m, as the portal does.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where to write it (default: standard output).",
)
def dep(
    organisation: str | None,
    server: str | None,
    certificate: Path | None,
    output: Path | None,
    config: str | None,
    **flags: Any,
) -> None:
    """Print the server token of a DEP server; the data directory is made if there is none."""
    token = _pick(_described(settings(config, **flags)), organisation, server)
    content = json.dumps(token, indent=1).encode() + b"\n"
    if certificate is not None:
        try:
            content = seal_server_token(ServerToken(**token), certificate.read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"{certificate}: {error}") from error
    if output is None:
        click.echo(content, nl=False)
        return
    output.touch(mode=0o600)
    output.write_bytes(content)


def _described(wanted: Settings) -> list[dict[str, Any]]:
    """Return the organisations."""
    return _of_state(wanted, portal.describe)


def _of_state(wanted: Settings, read: Callable[[State], T]) -> T:
    """Return what *read* finds in the state, whether a simulator runs or not."""
    path = Path(wanted.data)
    with ExitStack() as stack:
        if holder(path):
            store = Store.open(path / DATABASE)
            stack.callback(store.close)
        else:
            store = stack.enter_context(stopped(wanted))
        with store.transaction() as state:
            return read(state)


def _pick(
    organisations: list[dict[str, Any]], organisation: str | None, server: str | None
) -> dict[str, str]:
    """Return the token of the one server that is meant."""
    servers = {
        (one["id"], each["id"]): each["token"]
        for one in organisations
        for each in one["dep_servers"]
    }
    meant = [
        name for name in servers if organisation in (None, name[0]) and server in (None, name[1])
    ]
    if len(meant) != 1:
        every = ", ".join("/".join(name) for name in servers)
        raise ConfigurationError(
            f"{len(meant) or 'no'} DEP servers are meant: name one with --organisation and "
            f"--server; there are (organisation/server): {every or 'none'}"
        )
    token = servers[meant[0]]
    if not token:
        name = "/".join(meant[0])
        raise ConfigurationError(f"the DEP server {name} has no token: download one in the portal")
    return dict(token)


@command.command("vpp")
@setting_options("data", "world", "seed")
@click.option("--location", metavar="ID", help="Location, where there is more than one.")
def vpp(location: str | None, config: str | None, **flags: Any) -> None:
    """Print the content token (sToken) of a location of Apps and Books, as its .vpptoken file."""
    found = _of_state(settings(config, **flags), _stokens)
    meant = [name for name in found if location in (None, name)]
    if len(meant) != 1:
        raise ConfigurationError(
            f"{len(meant) or 'no'} locations are meant: name one with --location; "
            f"there are: {', '.join(found) or 'none'}"
        )
    if not found[meant[0]]:
        raise ConfigurationError(
            f"the location {meant[0]} has no token: renew it by the control API"
        )
    click.echo(found[meant[0]])


def _stokens(state: State) -> dict[str, str]:
    return {one.id: one.stoken for one in everywhere(state)}


@command.command("push")
@setting_options("data", "world", "seed")
@click.option("--topic", metavar="TOPIC", help="Push topic; one that is not known is added.")
@click.option("--organisation", metavar="ID", help="Organisation of an added topic.")
def push(topic: str | None, organisation: str | None, config: str | None, **flags: Any) -> None:
    """Print the push topics with the files of their certificates and keys (PEM)."""
    wanted = settings(config, **flags)
    path = Path(wanted.data)
    found = _served(path, topic) if holder(path) else _made(wanted, topic, organisation)
    pairs = [pair for pair in found if topic in (None, pair["topic"])]
    click.echo(json.dumps(pairs, indent=1))


def _served(path: Path, topic: str | None) -> list[dict[str, Any]]:
    """Return what the running simulator of the data directory has."""
    running = ready_file.read(path / ready_file.NAME) or {"organisations": []}
    pairs = [pair for one in running["organisations"] for pair in one["push_topics"]]
    if topic is not None and topic not in (pair["topic"] for pair in pairs):
        raise ConfigurationError(
            f"the simulator that runs on {path} does not have the topic: add it with "
            "POST /api/v1/push-topics on its control port, or stop it"
        )
    return pairs


def _made(wanted: Settings, topic: str | None, organisation: str | None) -> list[dict[str, Any]]:
    """Make what is missing while nothing runs on the data directory."""
    now = datetime.now(UTC)  # noqa: TID251 (TLS checks certificates against the wall clock)
    path = Path(wanted.data)
    with stopped(wanted) as store, store.transaction() as state:
        known = push_topics.register(state, wanted.seed)
        if topic is not None and not any(topic in names for names in known.values()):
            home = organisation or (next(iter(known)) if len(known) == 1 else "")
            if home not in known:
                raise ConfigurationError(
                    f"name the organisation of the topic with --organisation: {', '.join(known)}"
                )
            topics.add(state, home, topic)
            known[home] = [*known[home], topic]
        authority = push_topics.authority(path, now)
        try:
            made = push_topics.files(path, authority, known, now)
        except ValueError as error:
            raise ConfigurationError(f"--topic: {error}") from error
    return [pair for pairs in made.values() for pair in pairs]
