"""``mdmsim token``: the credentials that Apple's portal would hand out, of all services.

Longer than 300 lines: one command with its steps, which differs by credential in its options only.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from msgspec import Struct

from simulator import services
from simulator.commands.options import setting_options, settings, shared_data
from simulator.commands.output import output_file
from simulator.commands.progress import bar
from simulator.commands.remote import ask
from simulator.core import ready_file
from simulator.core.data_directory import DATABASE, MEMORY, holder
from simulator.core.files import PRIVATE
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.state import State
from simulator.pki.credentials import ServerToken
from simulator.services.organisations import identifiers
from simulator.services.provisioning import Credential, Held, Issuing, Making, Provisioning
from simulator.store.opening import open_store
from simulator.worlds import credentials
from simulator.worlds.loading import generate_secret, stopped


def group(provisionings: Iterable[Provisioning]) -> click.Group:
    """Return the command with one subcommand for each kind of credential."""
    known = tuple(provisionings)
    made = click.Group("token", help="Print the credentials that Apple's portal would hand out.")
    for one in known:
        for kind in one.credentials:
            made.add_command(_command(kind, known))
    return made


class _Chosen(Struct, frozen=True):
    """Which holders are meant, and what is to become of the credential."""

    organisation: str | None
    id: str | None
    certificate: Path | None
    output: Path | None
    show: bool
    """Whether nothing is renewed, though a download would do so."""

    @property
    def renews(self) -> bool:
        """Whether the portal would be asked for a download."""
        return self.certificate is not None and not self.show

    def picks(self, organisation: str, identifier: str) -> bool:
        """Tell whether a holder is meant."""
        return self.organisation in (None, organisation) and self.id in (None, identifier)


def _option(kind: Credential) -> str:
    """Return the name of the option that names a holder, such as ``server``."""
    return kind.holder.rpartition(" ")[2]


def _command(kind: Credential, provisionings: tuple[Provisioning, ...]) -> click.Command:
    option = _option(kind)

    def run(config: str | None, **flags: Any) -> None:
        chosen = _Chosen(
            flags.pop("organisation", None),
            flags.pop(option, None),
            flags.pop("certificate", None),
            flags.pop("output", None),
            flags.pop("show", False),
        )
        wanted = settings(config, **flags)
        if wanted.data == MEMORY:
            raise ConfigurationError(
                f"--data {MEMORY} keeps no credentials: those of a running simulator are in its "
                "ready.json"
            )
        renewing, runs = "", holder(Path(wanted.data))
        # What is written is there before a token is renewed, and takes its place after that.
        with output_file(chosen.output, PRIVATE) as file:
            with _entries(kind, provisionings, wanted, chosen) as rows:
                if kind.listed:
                    shown = [entry for org, each, entry in rows if chosen.picks(org, each)]
                    file.write(json.dumps(shown, indent=1).encode() + b"\n")
                elif chosen.certificate and chosen.renews and runs:
                    renewing = _one(kind, rows, chosen)[1]
                else:
                    value = _pick(kind, rows, chosen)
                    file.write(_content(kind, value, chosen.certificate))
                file.flush()
            if renewing and chosen.certificate:
                file.write(_download(kind, wanted, renewing, chosen.certificate))

    what = "all of them, as JSON" if kind.listed else f"that of one {kind.holder}"
    made: Callable[..., Any] = run
    for decorate in _options(kind, option):
        made = decorate(made)
    made = setting_options("data", "store", "world", "seed")(made)
    return click.command(
        kind.name,
        help=f"{kind.title}: print {what}; the data directory is made if there is none.",
    )(made)


def _options(kind: Credential, option: str) -> Iterable[Callable[..., Any]]:
    """Yield what adds the options that the credential has."""
    more = f"{kind.holder}, where there is more than one."
    if kind.add is not None:
        more = f"{kind.holder}; one that is not known is added."
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    if not kind.listed:
        yield click.option(
            "--output",
            metavar="FILE",
            type=click.Path(dir_okay=False, writable=True, path_type=Path),
            help="Where to write it (default: standard output).",
        )
    if kind.seal is not None:
        yield click.option(
            "--certificate",
            metavar="FILE",
            type=file,
            help="PEM certificate of the MDM server: renews the token and gives the encrypted "
            ".p7m, as a download from the portal does.",
        )
        yield click.option(
            "--show", is_flag=True, help="Read the token as it is: --certificate renews nothing."
        )
    yield click.option(f"--{option}", option, metavar="ID", help=more[0].upper() + more[1:])
    if kind.scoped or kind.add is not None:
        yield click.option(
            "--organisation", metavar="ID", help="Organisation, where there is more than one."
        )


_PROBE = dict.fromkeys(ServerToken.__slots__, "")
"""Encrypted where there is no token yet, so that a bad certificate replaces none."""
_Row = tuple[str, str, dict[str, Any]]
"""Organisation, id of the holder, and its entry as in ``ready.json``."""


@contextmanager
def _entries(
    kind: Credential,
    provisionings: tuple[Provisioning, ...],
    wanted: Settings,
    chosen: _Chosen,
) -> Iterator[list[_Row]]:
    """Give all holders, whether a simulator runs or not; an exception undoes what was changed."""
    with ExitStack() as stack:
        path = stack.enter_context(shared_data(wanted))
        runs = holder(path)
        if runs:
            store = open_store(wanted.store or path / DATABASE)
            stack.callback(store.close)
        else:
            store = stack.enter_context(stopped(wanted, provisionings))
        with ExitStack() as changing:
            state = changing.enter_context(store.transaction())
            if not runs:
                for organisation in identifiers(state):
                    credentials.complete(provisionings, state, organisation, wanted.seed)
            if chosen.id is not None and kind.add is not None:
                _add(kind, state, chosen, path if runs else None)
            if chosen.renews and not runs:
                _renew(kind, state, chosen)
            held = [(one, each) for one in identifiers(state) for each in kind.held(state, one)]
            if runs:
                changing.close()  # what the simulator is asked for, it may have to write
            meant = [one for org, one in held if chosen.picks(org, one.id)]
            try:
                _make_files(kind, path, meant, _running(wanted) if runs else {})
            except ValueError as error:
                raise ConfigurationError(f"--{_option(kind)}: {error}") from error
            yield [(org, one.id, credentials.entry(path, one)) for org, one in held]


def _add(kind: Credential, state: State, chosen: _Chosen, served: Path | None) -> None:
    """Add a holder that is not known; ConfigurationError if a simulator *served* runs on it."""
    known = identifiers(state)
    if any(held.id == chosen.id for each in known for held in kind.held(state, each)):
        return
    option = _option(kind)
    if served is not None:
        raise ConfigurationError(
            f"the simulator that runs on {served} does not have the {option}: add it with "
            f"POST /api/v1/{kind.ready.replace('_', '-')} on its control port, or stop it"
        )
    home = chosen.organisation or (known[0] if len(known) == 1 else "")
    if home not in known or chosen.id is None or kind.add is None:
        raise ConfigurationError(
            f"name the organisation of the {option} with --organisation: {', '.join(known)}"
        )
    kind.add(state, Issuing(organisation=home, id=chosen.id, now_ms=0, random_hex=generate_secret))


def _renew(kind: Credential, state: State, chosen: _Chosen) -> None:
    """Renew the credential of the one holder that is meant, if it can be encrypted at all."""
    if chosen.certificate is None or kind.renew is None:
        return
    held = {one: list(kind.held(state, one)) for one in identifiers(state)}
    rows = [(org, one.id, one.entry) for org, each in held.items() for one in each]
    organisation, identifier, entry = _one(kind, rows, chosen)
    now = datetime.now(UTC)  # noqa: TID251 (a stopped simulator has no other clock)
    _content(kind, entry[kind.value] or _PROBE, chosen.certificate)
    new = Issuing(
        organisation=organisation,
        id=identifier,
        now_ms=int(now.timestamp() * 1000),
        random_hex=generate_secret,
    )
    kind.renew(state, new)


def _make_files(kind: Credential, path: Path, held: list[Held], running: Mapping[str, Any]) -> None:
    """Make the files of *held* that are missing, or have the simulator that is *running* do it."""
    due = [one for one in held if "written" in credentials.entry(path, one)]
    if not due:
        return
    now = datetime.now(UTC)  # noqa: TID251 (TLS checks certificates against the wall clock)
    making = Making(now=now, push_authority=credentials.push_authority(path, now))
    with bar("making keys and certificates", len(due)) as advance:
        for one in due:
            if running.get("control"):
                _ask("GET", running, _path(kind, one.id))
            else:
                credentials.make_files(path, making, one)
            advance(1)


def _one(kind: Credential, rows: list[_Row], chosen: _Chosen) -> _Row:
    """Return the row of the one holder that is meant; ConfigurationError if there is not one."""
    meant = [row for row in rows if chosen.picks(row[0], row[1])]
    option = _option(kind)
    names = [f"{row[0]}/{row[1]}" if kind.scoped else row[1] for row in (meant or rows)]
    if len(meant) != 1:
        how = f"--organisation and --{option}" if kind.scoped else f"--{option}"
        form = f" (organisation/{option})" if kind.scoped else ""
        raise ConfigurationError(
            f"{len(meant) or 'no'} {kind.holder}s are meant: name one with {how}; "
            f"there are{form}: {', '.join(names) or 'none'}"
        )
    return meant[0]


def _pick(kind: Credential, rows: list[_Row], chosen: _Chosen) -> Any:
    """Return the credential of the one holder that is meant."""
    _, identifier, entry = _one(kind, rows, chosen)
    value = entry[kind.value] if kind.value else entry
    if not value:
        raise ConfigurationError(
            f"the {kind.holder} {identifier} has no token: renew it by the control API"
        )
    return value


def _download(kind: Credential, wanted: Settings, identifier: str, certificate: Path) -> bytes:
    """Have a running simulator renew the credential; return it encrypted, as it answers."""
    running = _running(wanted)
    if not running.get("control"):
        raise ConfigurationError(
            f"the simulator that runs on {wanted.data} has no control port, which renews tokens: "
            "stop it, or read the token with --show"
        )
    status, content = _ask("POST", running, _path(kind, identifier), certificate.read_bytes())
    if status != HTTPStatus.OK:
        raise ConfigurationError(f"{certificate}: {json.loads(content)['detail']}")
    return content


def _path(kind: Credential, identifier: str) -> str:
    return f"/api/v1/{kind.ready.replace('_', '-')}/{quote(identifier)}/token"


def _running(wanted: Settings) -> dict[str, Any]:
    """Return what the simulator that runs says of itself; nothing if it is just starting."""
    return ready_file.read(Path(wanted.ready_file or Path(wanted.data) / ready_file.NAME)) or {}


def _ask(
    method: str, running: Mapping[str, Any], path: str, content: bytes | None = None
) -> tuple[int, bytes]:
    try:
        return ask(method, running["control"], path, content, token=running["control_token"])
    except OSError as error:
        raise ConfigurationError(f"{running['control']}: {error}") from error


def _content(kind: Credential, value: Any, certificate: Path | None) -> bytes:
    if certificate is not None and kind.seal is not None:
        try:
            return kind.seal(value, certificate.read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"{certificate}: {error}") from error
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    return text.encode() + b"\n"


command = group(services.provisionings())
