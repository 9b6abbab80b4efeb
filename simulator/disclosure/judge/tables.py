"""The digest of a declaration's table, since the date of its page cannot be trusted."""

import hashlib
import re
import unicodedata

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_RULE = re.compile(r":?-+:?")


def table_rows(markdown: str) -> list[list[str]]:
    """Return the cells of the tables in *markdown*, heading included, normalised.

    Normalised are: links to their text, emphasis taken away, white space
    collapsed, Unicode composed (NFC). The line under a heading is left out.
    """
    rows = []
    for line in markdown.splitlines():
        if not line.strip().startswith("|"):
            continue
        cells = [_cell(cell) for cell in line.strip().strip("|").split("|")]
        if not all(_RULE.fullmatch(cell) for cell in cells):
            rows.append(cells)
    return rows


def _cell(text: str) -> str:
    plain = _LINK.sub(r"\1", text).replace("**", "")
    return unicodedata.normalize("NFC", " ".join(plain.split()))


def table_sha256(markdown: str) -> str:
    """Return the SHA-256 of the table: cells joined by tabs, rows each ended by a line feed."""
    lines = ("\t".join(row) + "\n" for row in table_rows(markdown))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
