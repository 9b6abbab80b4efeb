"""``mdmsim diff``: what one run disclosed and another did not."""

import json
from dataclasses import replace
from pathlib import Path

import click

from simulator import services
from simulator.commands.journals import books, today
from simulator.commands.options import setting_options, settings
from simulator.directory import DATABASE
from simulator.disclosure.difference import DIFFERENCES, FORMATS, compare, exit_code
from simulator.disclosure.gate import INCOMPLETE
from simulator.disclosure.lock import Lock
from simulator.disclosure.manifest import load_manifest
from simulator.disclosure.rendering import as_dict
from simulator.settings import ConfigurationError, Settings


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@setting_options("manifest", "fingerprint_key")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True
)
@click.option(
    "--fail-on",
    default="any",
    show_default=True,
    metavar="THRESHOLD",
    help=(
        "What makes the exit code 1, several with commas between: "
        f"{'; '.join(f'{name}: {about}' for name, about in DIFFERENCES.items())}."
    ),
)
@click.pass_context
def command(
    context: click.Context,
    /,
    old: Path,
    new: Path,
    form: str,
    fail_on: str,
    config: str | None,
    **flags: str,
) -> None:
    """Compare two runs: each a lock, a report as JSON, a data directory or the database in it.

    Exit code: 0 no difference, 1 one that counts, 2 something to mend, 3 evidence incomplete.
    """
    wanted = settings(config, **flags)
    exit_code((), fail_on)
    (before, old_whole), (after, new_whole) = (load(path, wanted) for path in (old, new))
    changes = compare(before, after, services.load())
    click.echo(FORMATS[form](changes), nl=False)
    if not (old_whole and new_whole):
        which = " and ".join(
            str(path) for path, whole in ((old, old_whole), (new, new_whole)) if not whole
        )
        click.echo(f"mdmsim: the evidence in {which} is incomplete", err=True)
        context.exit(INCOMPLETE)
    context.exit(exit_code(changes, fail_on))


def load(path: Path, wanted: Settings) -> tuple[Lock, bool]:
    """Return the lock of a run, and whether its evidence is complete."""
    if path.is_dir() or path.name == DATABASE:
        data = path if path.is_dir() else path.parent
        manifest = load_manifest(wanted.manifest).on(today())
        with books(replace(wanted, data=str(data))) as kept:
            report = kept.report(manifest, "names", strict=False)
        return Lock.of(as_dict(report)), report.verdict != "incomplete"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        why = f"cannot read {path} ({error.strerror}): name a lock or a data directory"
        raise ConfigurationError(why) from error
    except UnicodeDecodeError as error:
        why = f"{path} is no lock: name a lock, a report as JSON, or a data directory"
        raise ConfigurationError(why) from error
    if not text.lstrip().startswith("{"):
        return Lock.parse(text, str(path)), True
    try:
        report_ = json.loads(text)
        return Lock.of(report_), report_["verdict"] != "incomplete"
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no report of mdmsim: make it anew") from error
