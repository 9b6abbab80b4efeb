"""``mdmsim report``: the journal, added up and judged by a manifest."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import click

from simulator import __version__, services
from simulator.commands.options import setting_options, settings
from simulator.commands.progress import bar
from simulator.commands.remote import get
from simulator.directory import DATABASE, KEYS, read_keys
from simulator.disclosure.evidence import Chain, Evidence
from simulator.disclosure.ledger import Ledger
from simulator.disclosure.manifest import SEVERITIES, load_manifest
from simulator.disclosure.observation import Observer
from simulator.disclosure.origins import known_to
from simulator.disclosure.redaction import LEVELS
from simulator.disclosure.rendering import doubt, to_json, to_markdown, to_text
from simulator.disclosure.report import CLEAN, FINDINGS, INCOMPLETE, THRESHOLDS, Proof, Report
from simulator.disclosure.values import Fingerprinter
from simulator.messages import Exchange
from simulator.settings import ConfigurationError, Settings
from simulator.store.journal import SqliteJournal

LARGE = 5_000
"""From so many exchanges on there is a progress bar."""
FORMATS: dict[str, Callable[[Report], str]] = {
    "text": lambda report: to_text(report, max(80, get_terminal_size((100, 0)).columns)),
    "json": to_json,
    "markdown": to_markdown,
}


@click.command("report")
@setting_options("data", "manifest", "fingerprint_key")
@click.option("--url", metavar="CONTROL", help="Ask a running simulator's control API instead.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True
)
@click.option(
    "--redact",
    type=click.Choice(LEVELS),
    default="fingerprint",
    show_default=True,
    help="How much of the values is shown; secrets stop at fingerprint.",
)
@click.option(
    "--fail-on",
    default="fail",
    show_default=True,
    metavar="THRESHOLD",
    help=f"What makes the exit code 1: {', '.join(THRESHOLDS)}, or another flag.",
)
@click.option("--gate", is_flag=True, help="Judge as for a release: what is a warning fails.")
@click.option("--verify", is_flag=True, help="Only check the evidence: is the journal whole?")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def command(
    context: click.Context,
    /,
    url: str | None,
    form: str,
    redact: Any,
    fail_on: str,
    gate: bool,
    verify: bool,
    output: Path | None,
    config: str | None,
    **flags: Any,
) -> None:
    """Report what has been disclosed, whether the simulator runs or not.

    Exit code: 0 clean, 1 findings, 2 something to mend, 3 evidence incomplete.
    """
    wanted = settings(config, **flags)
    if url is None and verify:
        proof = _verify(Path(wanted.data))
        rendered, code = proof_text(asdict(proof)), CLEAN if proof.complete else INCOMPLETE
    elif url is None:
        report = _build(wanted, redact, gate=gate)
        rendered, code = FORMATS[form](report), report.exit_code(fail_on)
    else:
        query = {"manifest": flags["manifest"] or "", "redact": redact, "gate": str(int(gate))}
        query["verify"] = "1" if verify else ""
        form = "verify" if verify else form
        rendered, code = _fetch(url, form, fail_on, {k: v for k, v in query.items() if v})
    if output is None:
        click.echo(rendered, nl=False)
    else:
        try:
            output.write_text(rendered)
        except OSError as error:
            why = f"cannot write {output} ({error.strerror}): name another with --output"
            raise ConfigurationError(why) from error
    context.exit(code)


def _build(wanted: Settings, redact: Any, *, gate: bool) -> Report:
    """Return the report on a data directory."""
    data = Path(wanted.data)
    catalogue = services.load()
    manifest = load_manifest(wanted.manifest)
    with closing(SqliteJournal.open(data / DATABASE)) as journal:
        keys = read_keys(data / KEYS, wanted.fingerprint_key)
        observer = Observer(catalogue, Fingerprinter(keys.fingerprint))
        ledger = Ledger(observer, catalogue)
        evidence = read(journal, ledger.add)
        known = known_to(catalogue, journal.scan, observer.stamp)
        return Report.build(
            ledger,
            manifest,
            catalogue,
            tool=f"mdmsim {__version__}",
            evidence=evidence,
            known=known,
            redact=redact,
            gate=gate,
        )


def _verify(data: Path) -> Proof:
    """Return what the hash chain of a data directory says."""
    with closing(SqliteJournal.open(data / DATABASE)) as journal:
        return Proof.of(read(journal, lambda _: None))


def _fetch(url: str, form: str, fail_on: str, query: dict[str, str]) -> tuple[str, int]:
    """Return the report that the control API at *url* renders, and its exit code."""
    found = _ask(url, query | {"format": "json"})
    if form == "verify":
        proof = json.loads(found)["evidence"]
        return proof_text(proof), CLEAN if proof["complete"] else INCOMPLETE
    rendered = found if form == "json" else _ask(url, query | {"format": form})
    return rendered, exit_code(json.loads(found), fail_on)


def exit_code(found: Mapping[str, Any], fail_on: str) -> int:
    """Return what `Report.exit_code` does, for a report as plain values."""
    if found["verdict"] == "incomplete":
        return INCOMPLETE
    reached = SEVERITIES[SEVERITIES.index(fail_on) :] if fail_on in SEVERITIES else ()
    for line in found["sent"]:
        if line["severity"] in reached:
            return FINDINGS
        if not reached and any(flag.startswith(fail_on) for flag in line["flags"]):
            return FINDINGS
    return CLEAN


def _ask(url: str, query: dict[str, str]) -> str:
    try:
        status, body = get(url, "/api/v1/report", query)
    except OSError as error:
        why = f"{url} does not answer ({error}): is it the control API of a running simulator?"
        raise ConfigurationError(why) from error
    if status != HTTPStatus.OK:
        raise ConfigurationError(f"{url}/api/v1/report answers {status}{detail(body)}")
    return body.decode()


def detail(body: bytes) -> str:
    """Return what the problem document *body* says, as the end of a sentence; empty if none."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return f": {document['detail']}" if isinstance(document, dict) and "detail" in document else ""


def proof_text(proof: Mapping[str, Any]) -> str:
    """Return what `Proof` says, as plain values, in lines."""
    state = "complete" if proof["complete"] else "INCOMPLETE"
    head = f"head is exchange {proof['head_exchange']}, {proof['head_sha256']}"
    lines = [f"evidence {state}: {proof['checked']} hashes checked, {head}"]
    lines += [doubt(one) for one in proof["problems"]]
    if (more := proof["problems_found"] - len(proof["problems"])) > 0:
        lines.append(f"and {more} more places")
    lines += [
        f"deleted on record: exchanges {one['first']} to {one['last']}, {one['at']} "
        f"({one['reason']})"
        for one in proof["deletions"]
    ]
    return "\n".join(lines) + "\n"


def read(journal: SqliteJournal, add: Callable[[Exchange], None]) -> Evidence:
    """Hand all exchanges to *add*, with a progress bar if they are many; return the evidence."""
    last, done, chain = journal.last(), 0, Chain()
    with bar("reading the journal", last, shown=last >= LARGE) as advance:
        for batch in journal.walk(chain):
            for exchange in batch:
                add(exchange)
            advance(chain.seq - done)
            done = chain.seq
    return journal.evidence(chain)
