"""How a report is made, whatever it is made of: options, and what is done by them."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import get_terminal_size
from typing import Any, Self

import click
from msgspec import Struct
from msgspec.structs import fields

from simulator.commands import report_screen
from simulator.commands.journal_source import JournalLedger
from simulator.commands.options import Function
from simulator.commands.output import output_file
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.judge.gate import THRESHOLDS, thresholds
from simulator.disclosure.judge.lock import DisclosureLock
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.report.redaction import LEVELS, Level
from simulator.disclosure.report.rendering import as_dict
from simulator.disclosure.report.words import ENGLISH, LANGUAGES

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
        "--format",
        "form",
        type=click.Choice(list(FORMATS)),
        default="text",
        show_default=True,
        help=f"{'; '.join(f'{one.name}: {one.about}' for one in FORMATS.values())}.",
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
        "--product",
        metavar="NAME",
        help="Product and version, where its User-Agent does not say so.",
    ),
    click.option(
        "--language",
        type=click.Choice(list(LANGUAGES)),
        default=ENGLISH,
        show_default=True,
        help="Language of reports for people: text, markdown and html.",
    ),
    click.option(
        "--full",
        is_flag=True,
        help="Show all of a text on a terminal, not the first screen only.",
    ),
    click.option(
        "--write-lock",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Also write what was disclosed, without values, for mdmsim diff.",
    ),
    click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path)),
)


def report_options(function: Function) -> Function:
    """Add the options; `ReportOptions.take` takes their values."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class ReportOptions(Struct, frozen=True, kw_only=True):
    """The values of the options."""

    form: str
    redact: Level
    fail_on: str
    gate: bool
    strict: bool
    discloser: str | None
    product: str | None
    language: str
    full: bool
    write_lock: Path | None
    output: Path | None

    @classmethod
    def take(cls, given: dict[str, Any]) -> Self:
        """Take the values out of what a command was *given*; ConfigurationError if one is wrong."""
        found = cls(**{one.name: given.pop(one.name) for one in fields(cls)})
        thresholds(found.fail_on)
        return found

    @property
    def on_screen(self) -> bool:
        """Whether people read it on a terminal, and want the first screen."""
        plain = self.form == "text" and not self.full and self.output is None
        return plain and sys.stdout.isatty()

    def query(self) -> dict[str, str]:
        """Return what the control API is asked with."""
        found = {
            "redact": self.redact,
            "gate": str(int(self.gate)),
            "strict": str(int(self.strict)),
            "discloser": self.discloser or "",
            "product": self.product or "",
            "language": self.language,
        }
        return {name: value for name, value in found.items() if value}


def deliver(kept: JournalLedger, manifest: Manifest, options: ReportOptions) -> int:
    """Write the report of a journal, and return the exit code."""
    judged = manifest.judging(options.strict, options.discloser)
    report = kept.report(
        judged,
        options.redact,
        strict=options.gate,
        language=options.language,
        product=options.product,
    )
    found = as_dict(report)
    if options.on_screen:
        write(report_screen.lines(found, *get_terminal_size((100, 40))), None)
    else:
        is_screen = options.output is None and sys.stdout.isatty()
        width = max(80, get_terminal_size().columns) if is_screen else None
        write(FORMATS[options.form].render(kept.material(report, judged, width)), options.output)
    write_lock(found, options.write_lock)
    return report.exit_code(options.fail_on)


def write(pieces: Iterable[str], output: Path | None) -> None:
    """Write *pieces* one after the other to a file, or to standard output."""
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    with output_file(output) as file:
        for piece in pieces:
            file.write(piece.encode())


def write_lock(report: Mapping[str, Any], path: Path | None) -> None:
    """Write the lock of a report, given as plain values, if there is a *path*."""
    if path is not None:
        write([str(DisclosureLock.of(report))], path)
