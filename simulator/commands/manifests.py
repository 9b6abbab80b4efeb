"""``mdmsim manifest``: check, import, suggest and compare what may be disclosed."""

import json
from pathlib import Path

import click
import msgspec

from simulator import services
from simulator.commands.journal_source import books, today
from simulator.commands.options import setting_options, settings
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.claims import ACCOUNTABILITY
from simulator.disclosure.judge.comparing import compare_manifests
from simulator.disclosure.judge.importing import import_page
from simulator.disclosure.judge.keys import json_schema
from simulator.disclosure.judge.manifest import Manifest, load_manifest
from simulator.disclosure.judge.suggesting import suggest
from simulator.disclosure.report.layout import printable
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import walk


@click.group("manifest")
def command() -> None:
    """Check, import, suggest and compare manifests: what may be disclosed.

    How to write and review one: the guide "manifests" (/docs/manifests of the control port).
    """


@command.command("check")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the claims as JSON.")
@click.pass_context
def check(context: click.Context, name: str, as_json: bool) -> None:
    """Check the manifest NAME: one that ships, or a file that ends in .toml.

    Exit code: 0 good, 1 something in it has expired, 2 usage or manifest error.
    """
    manifest = load_manifest(name).on(today())
    _check_operations(manifest, services.load())
    allowed = [claim for claim in manifest.claims if claim.allowed]
    if as_json:
        click.echo(json.dumps(_as_json(manifest), indent=1, ensure_ascii=False))
    else:
        concepts = {concept for claim in manifest.claims for concept in claim.concepts}
        click.echo(
            f"{name}: {len(manifest.claims) - len(allowed)} claims on {len(concepts)} concepts, "
            f"{len(allowed)} let pass for now, sha256 {manifest.sha256}"
        )
        if left := _left_open(manifest):
            click.echo(f"  left open for a record of processing: {left}")
        for claim in allowed:
            click.echo(f"  {claim.id}: let pass until {claim.expires}: {claim.reason}")
        for claim in manifest.expired:
            click.echo(f"  {claim.id}: expired on {claim.expires}, so it covers nothing any more")
    context.exit(1 if manifest.expired else 0)


def _left_open(manifest: Manifest) -> str:
    """Return what the claims do not say, with how many of them."""
    claims = [claim for claim in manifest.claims if not claim.allowed]
    counts = {name: sum(not getattr(one, name) for one in claims) for name in ACCOUNTABILITY}
    return ", ".join(f"{name} in {count} claims" for name, count in counts.items() if count)


def _check_operations(manifest: Manifest, catalogue: Catalogue) -> None:
    """Refuse operations that do not exist, where the service does."""
    built = {name.partition(".")[0] for name in (*catalogue.operations, *catalogue.services)}
    for claim in manifest.claims:
        for name in claim.op:
            found = catalogue.operations.get(name)
            if found is not None and found.service not in claim.services:
                raise ConfigurationError(
                    f"{manifest.name}: {claim.id}: op: {name} is of {found.service}, which is not "
                    "among the services of the claim"
                )
            if name.partition(".")[0] in built and name not in catalogue.operations:
                raise ConfigurationError(
                    f"{manifest.name}: {claim.id}: op: no operation is called {name}: "
                    "see mdmsim catalogue"
                )


def _as_json(manifest: Manifest) -> dict[str, object]:
    return {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "manifest": {key: str(value) for key, value in manifest.about.items()},
        "claims": [
            {
                "id": claim.id,
                "label": claim.label_en or claim.label,
                "services": claim.services,
                "concepts": claim.concepts,
                "op": claim.op,
                "allowed": claim.allowed,
                "expires": str(claim.expires) if claim.expires else None,
                "expired": claim in manifest.expired,
            }
            for claim in manifest.claims
        ],
    }


@command.command("import")
@click.argument("page", type=click.Path(path_type=Path))
def import_(page: Path) -> None:
    """Make a manifest of a published page, as Markdown or HTML.

    Known are Microsoft's "Data Intune sends to Apple", in both editions and 15 languages, its
    sister "Data Apple sends to Intune", whose claims are of what is received, and Cortado's
    "Data security and sharing". A row or value that is not known stops it.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {page} ({error.strerror}): name the page") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{page} is not UTF-8: save it as UTF-8") from error
    made = import_page(text, page.name, load_manifest, _concept_of_field)
    Manifest.parse(made, page.name)
    click.echo(made, nl=False)


def _concept_of_field(service: str, name: str) -> str:
    """Return what a field of a service means, by its name; empty if there is none."""
    of_service = (one for one in services.load().operations.values() if one.service == service)
    rows = (row for one in of_service for row in walk((*one.request, *one.response)))
    return next((row.concept for row in rows if row.name == name and row.concept), "")


@command.command("suggest")
@setting_options("data", "store", "fingerprint_key")
@click.option(
    "--ask", is_flag=True, help="Ask for purpose, legal basis and the like; Enter leaves it open."
)
def suggest_(config: str | None, ask: bool, **flags: str) -> None:
    """Write a manifest from what a run disclosed, for a product that has none yet.

    A claim is made of each concept and service, with purpose, legal basis, retention,
    recipient country and safeguard to fill in.
    """
    wanted = settings(config, **flags)
    empty = Manifest.parse("[manifest]\nschema = 1\n", "none")
    with books(wanted) as kept:
        report = kept.report(empty, "names", strict=False)
    made = suggest(report, _prompt) if ask else suggest(report)
    Manifest.parse(made, "the suggestion")
    click.echo(made, nl=False)


def _prompt(about: str, name: str) -> str:
    """Ask on standard error, as the manifest goes to standard output."""
    key = name.replace("_", " ")
    answer: str = click.prompt(f"{about}: {key}", default="", show_default=False, err=True)
    return answer.strip()


@command.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@click.pass_context
def diff(context: click.Context, old: str, new: str, as_json: bool) -> None:
    """Compare two manifests, each one that ships or a file that ends in .toml.

    A line says what may be sent where: + it is new, - it is gone, ~ why or how long has changed.

    Exit code: 0 no difference, 1 some, 2 usage or manifest error.
    """
    found = compare_manifests(load_manifest(old), load_manifest(new))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=1, ensure_ascii=False))
    else:
        for line in map(str, found) if found else ["no difference"]:
            click.echo(printable(line))
    context.exit(bool(found))


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of manifests."""
    click.echo(json.dumps(json_schema(), indent=1))
