"""``mdmsim report --canary``: whether any secret stands where none may."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from simulator.commands.journal_source import JournalLedger, books, today
from simulator.commands.progress import bar
from simulator.core.data_directory import KEYS, read_keys, secret_lines
from simulator.core.settings import Settings
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.redact.canary import Canary, CanaryHit, canary_lines
from simulator.disclosure.report.redaction import Level
from simulator.protocol.catalogue import Catalogue
from simulator.store.protocols import Journal


def secrets_of(
    catalogue: Catalogue, journal: Journal, data: Path, settings: Settings
) -> dict[str, str]:
    """Return all secrets that this data directory holds, by what they may be called."""
    keys = read_keys(data / KEYS, settings.fingerprint_key)
    found = {**keys.texts(), **secret_lines(data)}
    for service in catalogue.services.values():
        for one in service.issues:
            if CONCEPTS[one.concept].sealed:
                values = sorted(journal.scan(one.kind, one.name))
                found |= {f"{one.concept} {number}": text for number, text in enumerate(values, 1)}
    return found


def look(settings: Settings) -> tuple[list[str], bool]:
    """Look through journal and reports; return what to say, and whether nothing was seen."""
    data = Path(settings.data)
    with books(settings) as kept:
        canary = Canary(secrets_of(kept.catalogue, kept.journal, data, settings))
        count = kept.journal.count()
        total = count + len(FORMATS) * len(get_args(Level))
        with bar("looking for secrets", total) as advance:
            found: list[CanaryHit] = []
            for where, content in _places(kept, settings):
                found += canary.look(where, content)
                advance(1)
    return list(canary_lines(canary, total, found)), not found


def _places(kept: JournalLedger, settings: Settings) -> Iterator[tuple[str, bytes]]:
    for seq, content in kept.journal.raw():
        yield f"exchange {seq} of the journal", content
    manifest = load_manifest(settings.manifest).on(today())
    for level in get_args(Level):
        report = kept.report(manifest, level, strict=False)
        material = kept.material(report, manifest)
        for form in FORMATS.values():
            text = "".join(form.render(material))
            yield f"the report as {form.name} at level {level}", text.encode()
