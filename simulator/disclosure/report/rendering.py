"""Rendering a report: as text, Markdown or JSON. The same report gives the same bytes."""

import json
from dataclasses import asdict
from typing import Any

from simulator.disclosure.report.layout import PLAIN, folded, grid, markdown_table
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.sections import not_observable, sections
from simulator.disclosure.report.words import Words


def to_json(report: Report) -> str:
    """Return the report as JSON, with all that the other forms show."""
    return json.dumps(as_dict(report), indent=1, ensure_ascii=False) + "\n"


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    found = asdict(report)
    found["summary"] = [asdict(part) for part in report.glance.parts]
    return {**found, "not_observable": not_observable(report)}


def to_text(report: Report, width: int | None = None) -> str:
    """Return the whole report as plain text, in lines of *width* columns; see `grid`."""
    title = Words(report.provenance.language).text("disclosure-report")
    parts = [f"{title}\n{'=' * len(title)}"]
    for number, section in enumerate(sections(report), 1):
        heading = f"{number}. {section.title}"
        parts.append(f"{heading}\n{'-' * len(heading)}")
        if section.about:
            parts.append(folded(section.about, width or PLAIN))
        if section.rows:
            parts.append(grid(section.columns, section.rows, width))
    return "\n\n".join(parts) + "\n"


def to_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    parts = [f"# {Words(report.provenance.language).text('disclosure-report')}"]
    for number, section in enumerate(sections(report), 1):
        parts.append(f"## {number}. {section.title}")
        if section.about:
            parts.append(section.about)
        if section.rows:
            parts.append(markdown_table(section.columns, section.rows))
    return "\n\n".join(parts) + "\n"
