"""``mdmsim token``: the credentials that Apple's portal would hand out, of all services."""

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from simulator import services
from simulator.commands.options import setting_options, settings
from simulator.core.data_directory import DATABASE, holder
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.state import State
from simulator.services.organisations import all_organisations
from simulator.services.provisioning import Credential, Held, Issuing, Making, Provisioning
from simulator.store.sqlite.store import Store
from simulator.worlds import credentials
from simulator.worlds.loading import mint, stopped


def group(provisionings: Iterable[Provisioning]) -> click.Group:
    """Return the command with one subcommand for each kind of credential."""
    known = tuple(provisionings)
    made = click.Group("token", help="Print the credentials that Apple's portal would hand out.")
    for one in known:
        for kind in one.credentials:
            made.add_command(_command(kind, known))
    return made


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which holders are meant, and what is to become of the credential."""

    organisation: str | None
    id: str | None
    certificate: Path | None
    output: Path | None


def _option(kind: Credential) -> str:
    """Return the name of the option that names a holder, such as ``server``."""
    return kind.holder.rpartition(" ")[2]


def _command(kind: Credential, provisionings: tuple[Provisioning, ...]) -> click.Command:
    option = _option(kind)

    def run(config: str | None, **flags: Any) -> None:
        names = ("organisation", option, "certificate", "output")
        chosen = _Chosen(*(flags.pop(name, None) for name in names))
        wanted = settings(config, **flags)
        rows = _entries(kind, provisionings, wanted, chosen)
        if kind.listed:
            shown = [entry for _, each, entry in rows if chosen.id in (None, each)]
            click.echo(json.dumps(shown, indent=1))
        else:
            _write(_content(kind, _pick(kind, rows, chosen), chosen.certificate), chosen.output)

    what = "all of them, as JSON" if kind.listed else f"that of one {kind.holder}"
    made: Callable[..., Any] = run
    for decorate in _options(kind, option):
        made = decorate(made)
    made = setting_options("data", "world", "seed")(made)
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
            help="PEM certificate of the MDM server: gives the encrypted .p7m, as the portal does.",
        )
    yield click.option(f"--{option}", option, metavar="ID", help=more[0].upper() + more[1:])
    if kind.scoped or kind.add is not None:
        yield click.option(
            "--organisation", metavar="ID", help="Organisation, where there is more than one."
        )


_Row = tuple[str, str, dict[str, Any]]
"""Organisation, id of the holder, and its entry as in ``ready.json``."""


def _entries(
    kind: Credential,
    provisionings: tuple[Provisioning, ...],
    wanted: Settings,
    chosen: _Chosen,
) -> list[_Row]:
    """Return all holders, whether a simulator runs or not."""
    path = Path(wanted.data)
    with ExitStack() as stack:
        runs = holder(path)
        if runs:
            store = Store.open(path / DATABASE)
            stack.callback(store.close)
        else:
            store = stack.enter_context(stopped(wanted, provisionings))
        with store.transaction() as state:
            if not runs:
                credentials.complete(provisionings, state, wanted.seed)
            if chosen.id is not None and kind.add is not None:
                _add(kind, state, chosen, path if runs else None)
            held = {one.key: list(kind.held(state, one.key)) for one in all_organisations(state)}
            try:
                return _described(path, held)
            except ValueError as error:
                raise ConfigurationError(f"--{_option(kind)}: {error}") from error


def _add(kind: Credential, state: State, chosen: _Chosen, served: Path | None) -> None:
    """Add a holder that is not known; ConfigurationError if a simulator *served* runs on it."""
    known = [one.key for one in all_organisations(state)]
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
    kind.add(state, Issuing(organisation=home, id=chosen.id, now_ms=0, chance=mint))


def _described(path: Path, held: dict[str, list[Held]]) -> list[_Row]:
    """Return the rows; files that are missing are made."""
    rows = [(organisation, one) for organisation, each in held.items() for one in each]
    making = None
    if any(one.make is not None for _, one in rows):
        now = datetime.now(UTC)  # noqa: TID251 (TLS checks certificates against the wall clock)
        making = Making(now=now, push_authority=credentials.push_authority(path, now))
    return [
        (organisation, one.id, credentials.entry(path, making, one)) for organisation, one in rows
    ]


def _pick(kind: Credential, rows: list[_Row], chosen: _Chosen) -> Any:
    """Return the credential of the one holder that is meant."""
    meant = [
        row for row in rows if chosen.organisation in (None, row[0]) and chosen.id in (None, row[1])
    ]
    option = _option(kind)
    names = [f"{row[0]}/{row[1]}" if kind.scoped else row[1] for row in (meant or rows)]
    if len(meant) != 1:
        how = f"--organisation and --{option}" if kind.scoped else f"--{option}"
        form = f" (organisation/{option})" if kind.scoped else ""
        raise ConfigurationError(
            f"{len(meant) or 'no'} {kind.holder}s are meant: name one with {how}; "
            f"there are{form}: {', '.join(names) or 'none'}"
        )
    entry = meant[0][2]
    value = entry[kind.value] if kind.value else entry
    if not value:
        raise ConfigurationError(
            f"the {kind.holder} {names[0]} has no token: renew it by the control API"
        )
    return value


def _content(kind: Credential, value: Any, certificate: Path | None) -> bytes:
    if certificate is not None and kind.seal is not None:
        try:
            return kind.seal(value, certificate.read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"{certificate}: {error}") from error
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    return text.encode() + b"\n"


def _write(content: bytes, output: Path | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    output.touch(mode=0o600)
    output.write_bytes(content)


command = group(services.provisionings())
