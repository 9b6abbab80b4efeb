"""Telling names: what is called a secret by its name, in whatever notation.

Where a text is not read by rows, its notation is not known either: these find
``name=value``, ``"name": "value"``, the parts of a multipart form, and the
elements, attributes and keys of XML.
"""

import re
from collections.abc import Iterator

from simulator.disclosure.redact.encodings import decodings, is_encoded

_WORDS = (
    r"pass[_-]?(?:word|wd|phrase|code)|secret|token|credential|bypass|assertion|bearer|challenge"
    r"|escrow|push[_-]?magic|unlock[_-]?pin|saml|set-cookie"
    r"|(?:api|access|account|auth|bootstrap|client|encryption|master|private|recovery|secret|session"
    r"|shared|signing|storage|subscription|unlock)[_.-]?key"
)
_WHOLE = (
    r"key|pass|pwd|auth|authorization|authentication|(?:www-)?authenticate|dpop|sig|jwt|otp|pin|sid"
    r"|session(?:[_-]?id)?"
)
SECRET_NAME = re.compile(
    rf"{_WORDS}|signature\]?\Z|(?:\A|[\[.])(?:x-)?(?:{_WHOLE})\]?\Z", re.IGNORECASE
)
"""Names of fields that nobody documented but whose values are better not written down."""
_FREE = r"(?!<sealed)"
_GAP = r"\s{0,99}"
_QUOTED = re.compile(rf"""(?P<quote>\\?["']){_FREE}(?P<value>.+?)(?=(?P=quote)|\Z)""", re.DOTALL)
_BARE = re.compile(rf"""(?!\\?["']){_FREE}(?P<value>[^"'\\&;,<>}}\]\r\n]+)""")
_UP_TO_TAG = re.compile(rf"{_FREE}(?P<value>[^<]+)")
_NOTATIONS = (
    # JSON, forms, headers, properties, attributes, and what looks like them, be it escaped.
    (
        re.compile(r"""(?<![\w.\[\]-])([\w.\[\]-]++)\\?["']?[ \t]{0,9}[:=][ \t]{0,9}"""),
        (_QUOTED, _BARE),
    ),
    # The parts of a multipart form.
    (
        re.compile(
            r"""\bname="?([\w.\[\]-]++)"?[^\n]{0,200}\n(?:[^\r\n]{1,200}\r?\n){0,9}\r?\n""",
            re.IGNORECASE,
        ),
        (re.compile(rf"{_FREE}(?P<value>.+?)(?=\r?\n--|\Z)", re.DOTALL),),
    ),
    # The keys of a property list.
    (
        re.compile(rf"<key>([\w.\s-]{{1,99}})</key>{_GAP}<(?:string|data|integer)>{_GAP}"),
        (_UP_TO_TAG,),
    ),
    # The elements of XML.
    (
        re.compile(rf"<(?:[\w.-]{{1,40}}:)?(?!key>)([\w.-]++)(?:\s[^<>]{{0,200}})?>{_GAP}"),
        (_UP_TO_TAG,),
    ),
)
"""What stands before a value, with its name, and the ways in which the value may stand there."""
_BINARY = "bplist0"
_BETWEEN = ":=<"
"""One of these stands between a name and its value."""
_STEMS = (
    *("pass", "secret", "token", "credential", "assertion", "bearer", "challenge", "key"),
    *("escrow", "magic", "saml", "cookie", "dpop"),
    *("pwd", "auth", "sig", "jwt", "otp", "pin", "sid", "session"),
)
"""One of these is in each telling name."""
_ESCAPING = "%\\&"
_SHORTEST = 20
"""A shorter text says nothing else without an escape."""


def named_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value in *text* that is called a secret.

    Those of one notation do not overlap; those of several may.
    """
    for before, values in _NOTATIONS:
        end = 0
        for match in before.finditer(text):
            if match.start() < end or not SECRET_NAME.search(match[1].strip()):
                continue
            found = next(filter(None, (one.match(text, match.end()) for one in values)), None)
            if found is not None and found["value"].strip():
                end = found.end("value")
                yield found.span("value")


def names_secret(text: str) -> bool:
    """Tell whether a value in *text* is called a secret, be it in another encoding.

    A binary property list in a text may call anything so.
    """
    if _tells(text):
        return True
    if len(text) < _SHORTEST and not any(one in text for one in _ESCAPING):
        return False
    data = text.encode("utf-8", "surrogatepass")
    return is_encoded(data) and any(
        _tells(decoded.decode("latin-1")) for decoded in decodings(data, joined=False)
    )


def _tells(text: str) -> bool:
    if not any(one in text for one in _BETWEEN):
        return _BINARY in text
    lower = text.lower()
    return _BINARY in text or (any(stem in lower for stem in _STEMS) and any(named_secrets(text)))
