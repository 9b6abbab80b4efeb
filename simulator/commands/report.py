"""``mdmsim report``: the journal, added up and judged by a manifest."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from shutil import get_terminal_size
from typing import Any
from urllib.parse import urlencode

import click

from simulator.commands import report_screen
from simulator.commands.attestations import PUBLIC_KEY, check
from simulator.commands.canary import look
from simulator.commands.journal_source import books, today, verify
from simulator.commands.options import setting_options, settings
from simulator.commands.report_options import (
    ReportOptions,
    deliver,
    report_options,
    write,
    write_lock,
)
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.gate import CLEAN, FINDINGS, INCOMPLETE, exit_code
from simulator.disclosure.judge.manifest import load_manifest, read_manifest
from simulator.disclosure.report.integrity import Proof
from simulator.disclosure.report.sections import integrity_problem
from simulator.journal.heads import read as read_heads


@click.command("report")
@setting_options("data", "store", "manifest", "fingerprint_key")
@click.option("--url", metavar="CONTROL", help="Ask a running simulator's control API instead.")
@report_options
@click.option("--verify", "only_verify", is_flag=True, help="Only check that the journal is whole.")
@click.option(
    "--head",
    "heads",
    metavar="HASH|FILE",
    multiple=True,
    help="With --verify: a head that was kept elsewhere, or a file of --publish-head; the journal "
    "must go through it. May be given more than once.",
)
@click.option(
    "--verify-signature",
    "attestation",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Only check the signature of an attestation that --format attestation wrote, by the key "
    "of --data, or by --public-key.",
)
@click.option(
    "--public-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --verify-signature: evidence.pub of the data directory that signed.",
)
@click.option("--rebuild", is_flag=True, help="Read the whole journal, whatever was kept of it.")
@click.option(
    "--canary",
    is_flag=True,
    help="Only look whether any secret of this data directory is in its journal or reports.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    url: str | None,
    only_verify: bool,
    heads: tuple[str, ...],
    attestation: Path | None,
    public_key: Path | None,
    rebuild: bool,
    canary: bool,
    config: str | None,
    **flags: Any,
) -> None:
    """Report what has been disclosed, whether the simulator runs or not.

    On a terminal the text is one screen, in colour unless NO_COLOR is set; --full shows all of
    it. Written to a file or another program it is always all, and plain.

    Exit code: 0 clean, 1 findings, 2 usage or manifest error, 3 evidence incomplete.
    """
    options = ReportOptions.take(flags)
    wanted = settings(config, **flags)
    if heads and (url is not None or not only_verify):
        raise ConfigurationError("--head goes with --verify and a data directory (--data)")
    if attestation is not None:
        told, code = check(attestation, public_key or Path(wanted.data) / PUBLIC_KEY)
        write([f"{told}\n"], options.output)
    elif canary:
        if url is not None:
            raise ConfigurationError("--canary reads a data directory: name it with --data")
        lines, well = look(wanted)
        write(lines, options.output)
        code = CLEAN if well else FINDINGS
    elif url is not None:
        query = options.query()
        if flags["manifest"]:
            query["manifest"] = flags["manifest"]
        if only_verify:
            proof = json.loads(_ask(url, query | {"verify": "1"}))["evidence"]
            code = _prove(proof, options.output)
        else:
            found, pieces = _fetch(url, options, query)
            code = exit_code(found, options.fail_on)
            write(pieces, options.output)
            write_lock(found, options.write_lock)
    elif only_verify:
        code = _prove(asdict(Proof.of(verify(wanted, _links(heads)))), options.output)
    else:
        manifest = load_manifest(wanted.manifest).on(today())
        with books(wanted, fresh=rebuild) as kept:
            code = deliver(kept, manifest, options)
    context.exit(code)


def _links(given: Iterable[str]) -> list[bytes]:
    """Return the links that hashes and files name; ConfigurationError says what is none."""
    links: list[bytes] = []
    for one in given:
        is_file = False
        try:
            is_file = Path(one).is_file()
            links += read_heads(Path(one).read_text("ascii") if is_file else one)
        except (ValueError, OSError) as error:
            why = error if is_file else "it is no hash, and there is no such file"
            raise ConfigurationError(
                f"--head {one}: {why}: give 64 hex digits, as reports name the head, or a file "
                "that --publish-head wrote"
            ) from None
    return links


def _prove(proof: Mapping[str, Any], output: Path | None) -> int:
    write(proof_lines(proof), output)
    return CLEAN if proof["complete"] else INCOMPLETE


def proof_lines(proof: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `Proof` says, as plain values, line by line."""
    state = "complete" if proof["complete"] else "INCOMPLETE"
    head = f"head is exchange {proof['head_exchange']}, {proof['head_sha256']}"
    yield f"evidence {state}: {proof['checked']} hashes checked, {head}\n"
    for one in proof["problems"]:
        yield f"{integrity_problem(one)}\n"
    if (more := proof["problems_found"] - len(proof["problems"])) > 0:
        yield f"and {more} more places\n"
    for one in proof["deletions"]:
        span = f"exchanges {one['first']} to {one['last']}"
        yield f"deleted on record: {span}, {one['at']} ({one['reason']})\n"


def _fetch(
    url: str, options: ReportOptions, query: dict[str, str]
) -> tuple[Mapping[str, Any], Iterable[str]]:
    """Return the report of the control API at *url* as plain values, and as it is to be shown."""
    answered = _ask(url, query | {"format": "json"})
    found = json.loads(answered)
    if options.on_screen:
        return found, report_screen.lines(found, *get_terminal_size((100, 40)))
    whole = options.form == "json"
    return found, [answered if whole else _ask(url, query | {"format": options.form})]


def _ask(url: str, query: dict[str, str]) -> str:
    """Return a report of the control API; a manifest that is a file of ours is sent to it."""
    from simulator.commands.remote import ask, get  # noqa: PLC0415 (others make no calls)

    name, query = query.get("manifest", ""), dict(query)
    try:
        if name.endswith(".toml"):
            content = read_manifest(name).encode()
            del query["manifest"]
            query["name"] = name
            status, body = ask("POST", url, f"/api/v1/report?{urlencode(query)}", content)
        else:
            status, body = get(url, "/api/v1/report", query)
    except OSError as error:
        why = f"{url} does not respond ({error}): is it the control API of a running simulator?"
        raise ConfigurationError(why) from error
    if status != HTTPStatus.OK:
        raise ConfigurationError(f"{url}/api/v1/report returns {status}{detail(body)}")
    return body.decode()


def detail(body: bytes) -> str:
    """Return what the problem document *body* says, as the end of a sentence; empty if none."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return f": {document['detail']}" if isinstance(document, dict) and "detail" in document else ""
