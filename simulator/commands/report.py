"""``mdmsim report``: the journal, added up and judged by a manifest."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from shutil import get_terminal_size
from typing import Any
from urllib.parse import urlencode

import click

from simulator.commands.canary import look
from simulator.commands.journal_source import JournalLedger, books, today, verify
from simulator.commands.options import Function, setting_options, settings
from simulator.commands.remote import ask, get
from simulator.core.settings import ConfigurationError
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.judge.gate import (
    CLEAN,
    FINDINGS,
    INCOMPLETE,
    THRESHOLDS,
    exit_code,
    thresholds,
)
from simulator.disclosure.judge.lock import DisclosureLock
from simulator.disclosure.judge.manifest import Manifest, load_manifest, read_manifest
from simulator.disclosure.report.integrity import Proof
from simulator.disclosure.report.redaction import LEVELS, Level
from simulator.disclosure.report.rendering import as_dict, integrity_problem
from simulator.journal.heads import read as read_heads

FAIL_ON = click.option(
    "--fail-on",
    default="fail",
    show_default=True,
    metavar="THRESHOLD",
    help=(
        "What makes the exit code 1, several with commas between. "
        f"{'; '.join(f'{name}: {about}' for name, about in THRESHOLDS.items())}."
    ),
)


_OPTIONS = (
    click.option(
        "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True
    ),
    click.option(
        "--redact",
        type=click.Choice(LEVELS),
        default="fingerprint",
        show_default=True,
        help="How much of the values is shown; clear shows everything but secrets, which stop at "
        "fingerprint.",
    ),
    FAIL_ON,
    click.option(
        "--gate", is_flag=True, help="Evaluate as for a release: what is a warning fails."
    ),
    click.option(
        "--strict", is_flag=True, help="Demand that even what the protocol demands is declared."
    ),
    click.option("--discloser", metavar="NAME", help="Who discloses, where no manifest says so."),
    click.option(
        "--write-lock",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Also write what was disclosed, without values, for mdmsim diff.",
    ),
    click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path)),
)


def report_options(function: Function) -> Function:
    """Add the options that say how a report is made, whatever it is made of."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("report")
@setting_options("data", "manifest", "fingerprint_key")
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
@click.option("--rebuild", is_flag=True, help="Read the whole journal, whatever was kept of it.")
@click.option(
    "--canary",
    is_flag=True,
    help="Only look whether any secret of this data directory stands in its journal or reports.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    url: str | None,
    form: str,
    redact: Any,
    fail_on: str,
    gate: bool,
    strict: bool,
    discloser: str | None,
    only_verify: bool,
    heads: tuple[str, ...],
    rebuild: bool,
    canary: bool,
    write_lock: Path | None,
    output: Path | None,
    config: str | None,
    **flags: Any,
) -> None:
    """Report what has been disclosed, whether the simulator runs or not.

    Exit code: 0 clean, 1 findings, 2 usage or manifest error, 3 evidence incomplete.
    """
    wanted = settings(config, **flags)
    thresholds(fail_on)
    if heads and (url is not None or not only_verify):
        raise ConfigurationError("--head goes with --verify and a data directory (--data)")
    if canary:
        if url is not None:
            raise ConfigurationError("--canary reads a data directory: name it with --data")
        lines, well = look(wanted)
        write(lines, output)
        code = CLEAN if well else FINDINGS
    elif url is not None:
        query = {"manifest": flags["manifest"] or "", "redact": redact, "gate": str(int(gate))}
        query |= {"strict": str(int(strict)), "discloser": discloser or ""}
        query = {name: value for name, value in query.items() if value}
        if only_verify:
            proof = json.loads(_ask(url, query | {"verify": "1"}))["evidence"]
            code = _prove(proof, output)
        else:
            rendered, found = _fetch(url, form, query)
            code = exit_code(found, fail_on)
            write([rendered], output)
            _write_lock(found, write_lock)
    elif only_verify:
        code = _prove(asdict(Proof.of(verify(Path(wanted.data), _links(heads)))), output)
    else:
        manifest = load_manifest(wanted.manifest).on(today()).judging(strict, discloser)
        with books(wanted, fresh=rebuild) as kept:
            code = deliver(kept, manifest, form, redact, fail_on, gate, output, write_lock)
    context.exit(code)


def deliver(
    kept: JournalLedger,
    manifest: Manifest,
    form: str,
    redact: Level,
    fail_on: str,
    gate: bool,
    output: Path | None,
    write_lock: Path | None,
) -> int:
    """Write the report of a journal, and return the exit code."""
    report = kept.report(manifest, redact, strict=gate)
    width = max(80, get_terminal_size((100, 0)).columns)
    write(FORMATS[form].render(kept.material(report, manifest, width)), output)
    _write_lock(as_dict(report), write_lock)
    return report.exit_code(fail_on)


def write(pieces: Iterable[str], output: Path | None) -> None:
    """Write *pieces* one after the other to a file, or to standard output."""
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(output.open("w", encoding="utf-8"))
            for piece in pieces:
                file.write(piece)
        except OSError as error:
            why = f"cannot write {output} ({error.strerror}): name another with --output"
            raise ConfigurationError(why) from error


def _links(given: Iterable[str]) -> list[bytes]:
    """Return the links that hashes and files name; ConfigurationError says what is none."""
    links: list[bytes] = []
    for one in given:
        try:
            path = Path(one)
            links += read_heads(path.read_text("ascii") if path.is_file() else one)
        except (ValueError, OSError) as error:
            raise ConfigurationError(
                f"--head {one}: {error}: give 64 hex digits, as reports name the head, or a file "
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


def _write_lock(report: Mapping[str, Any], path: Path | None) -> None:
    if path is not None:
        write([str(DisclosureLock.of(report))], path)


def _fetch(url: str, form: str, query: dict[str, str]) -> tuple[str, Mapping[str, Any]]:
    """Return the report that the control API at *url* renders, and as plain values."""
    found = _ask(url, query | {"format": "json"})
    rendered = found if form == "json" else _ask(url, query | {"format": form})
    return rendered, json.loads(found)


def _ask(url: str, query: dict[str, str]) -> str:
    """Return a report of the control API; a manifest that is a file of ours is sent to it."""
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
