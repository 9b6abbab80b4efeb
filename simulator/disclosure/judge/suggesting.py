"""Suggesting a manifest from what a run disclosed, for a product that has none yet."""

from collections.abc import Callable, Iterable
from typing import Any

from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.judge.importing import written
from simulator.disclosure.judge.inherent import INHERENT
from simulator.disclosure.judge.keys import SERVICES
from simulator.disclosure.judge.manifest import EXEMPT
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.report import Report

_BAD = frozenset(("misplaced-credential", "secret-in-url", "forbidden", "undocumented"))
"""Flags of what should be mended, not declared."""
_HEAD = """\
# Suggested by {tool} from what was seen; not yet a declaration.
# Go through it: say what each is for and on which legal basis, take out what should not be sent,
# and keep what is left under review. What is odd is only listed at the end.

"""
OF_ALL = ("discloser", "owner", "recipient_country", "safeguard", "retention")
"""What is asked once, for all claims."""
OF_EACH = ("purpose", "legal_basis")
"""What is asked for each claim."""
Ask = Callable[[str, str], str]
"""Takes what it is about and the name of a key; returns its text, empty if it is left open."""


def suggest(report: Report, ask: Ask = lambda *_: "") -> str:
    """Return a manifest as TOML: a claim per service and concept, narrowed to its operations.

    *ask* is asked for what a record of processing holds; what it leaves open is left to fill in.
    """
    groups: dict[tuple[str, str], list[LedgerLine]] = {}
    odd: list[LedgerLine] = []
    for line in sorted(report.sent, key=lambda one: (one.service, one.concept, one.operation)):
        if line.declared in (EXEMPT, INHERENT):
            continue
        if line.concept == UNKNOWN or line.service not in SERVICES or _BAD & {*line.flags}:
            odd.append(line)
        else:
            groups.setdefault((line.service, line.concept), []).append(line)
    answers = {name: ask("all claims", name) for name in OF_ALL}
    about = {
        "schema": 1,
        "discloser": answers.pop("discloser"),
        "recipient": "Apple Inc.",
        "source": f"{report.provenance.tool}, {report.provenance.run}",
    }
    claims = [
        _claim(f"C{number:02}", lines, ask) for number, lines in enumerate(groups.values(), 1)
    ]
    text = _HEAD.format(tool=report.provenance.tool)
    text += written(about, {"direction": "sent", **answers}, claims)
    return text + _listed(odd)


def _claim(name: str, lines: list[LedgerLine], ask: Ask) -> dict[str, Any]:
    first = lines[0]
    operations = list(dict.fromkeys(line.operation for line in lines))
    about = f"{first.concept} to {first.service} ({', '.join(operations)})"
    return {
        "id": name,
        "label": ", ".join(dict.fromkeys(line.field for line in lines)),
        "services": [first.service],
        "concepts": [first.concept],
        "op": operations,
        **{key: ask(about, key) for key in OF_EACH},
    }


def _listed(lines: Iterable[LedgerLine]) -> str:
    rows = [
        f"#   {line.operation} {line.part} {line.place} ({line.concept}): {', '.join(line.flags)}"
        for line in lines
    ]
    if not rows:
        return ""
    # What a client calls its fields must not end the comment.
    safe = ["".join(one if one.isprintable() else "?" for one in row) for row in rows]
    head = "# Not suggested, as it should be mended or is not understood:"
    return "\n".join(("", head, *safe, ""))
