"""Scrubbing: take secrets out of text that cannot be read as what it should be.

Nothing here is exact, as the text has no structure to rely on; it takes out
more rather than less.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from simulator.disclosure.concepts import QUERY, UNKNOWN
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.known import CREDENTIALS
from simulator.disclosure.redact.markers import OPENING, Marker, without_figures
from simulator.disclosure.redact.telling import SECRET_NAME, named_secrets, names_secret

LONGEST = 65_536
"""Bytes of an unreadable body that are kept."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?$)', re.DOTALL)
_KEY = re.compile(r"\s*:")
_QUERY = re.compile(r"""(?<=[^\s"?])[?#](?!<sealed )[^\s"]+""")
_USER = re.compile(r"(?<=://)[^/?#\s\"<]*@")
_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64,}(?![0-9A-Za-z])")
_LEAST = 4
_LONG = 8
"""Shorter secrets may be words of a path, or of a marker in it."""
_TAIL = 3
"""Bytes of an unfinished character that a cut may leave behind."""


class Scrubber:
    """Scrub text with one key, and one list of fields that hold secrets."""

    def __init__(self, names: Mapping[str, str], fingerprinter: Fingerprinter) -> None:
        """Take *names*: the fields that hold secrets, with their concepts."""
        self._names = names
        self._fingerprinter = fingerprinter
        words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        self._named = re.compile(
            rf"""({words})(\\?["']?\s*[:=]\s*\\?["']?)((?:[^"'\\\s&,}}\]]|\\.)+)"""
        )

    def body(self, content: bytes, secrets: Iterable[str] = ()) -> bytes:
        """Return the first `LONGEST` bytes of *content* without secrets.

        None, if it is no text, or if what is called a secret in it is written so that it
        cannot be taken out. *secrets* are values known from elsewhere in the message.
        """
        text = _text(content[:LONGEST])
        if text is None:
            return b""
        text = self._strings(text.replace(OPENING, "<sealed? "))
        text = self._named.sub(self._of_name, text)
        text = self._called_secrets(text)
        text = self.text(self._urls(text), secrets)
        return b"" if names_secret(text) else text.encode()

    def text(self, text: str, secrets: Iterable[str] = ()) -> str:
        """Return *text* without *secrets* and without what looks like a credential."""
        for secret in secrets:
            if len(secret) >= _LEAST and secret in text:
                text = text.replace(secret, self._mark(UNKNOWN, secret))
        return without_credentials(text, self._fingerprinter)

    def host(self, authority: str) -> str:
        """Return a host and port without the user in front of them."""
        user, at, host = authority.rpartition("@")
        return self._mark(UNKNOWN + QUERY, user) + at + host if user else authority

    def path(self, target: str, secrets: Iterable[str] = (), *, strange: bool) -> str:
        """Return a request *target* whose path holds none of *secrets*, and no credential.

        In a *strange* path, one without known parameters, long hexadecimal
        numbers count as device tokens, and what follows a telling name as a secret.
        """
        path, mark, query = target.partition("?")
        path = _USER.sub(lambda match: f"{self._mark(UNKNOWN + QUERY, match[0][:-1])}@", path)
        if names_secret(without_figures(path)):
            segments = path.split("/")
            path = "/".join(
                self._mark(UNKNOWN, one) if names_secret(one) else one for one in segments
            )
        if strange:
            path = self._after_names(path)
            path = _TOKEN.sub(lambda match: self._mark("push.token", match[0]), path)
        return self.text(path, (one for one in secrets if len(one) >= _LONG)) + mark + query

    def _after_names(self, path: str) -> str:
        """Seal the long segments of *path* that stand behind one with a telling name."""
        segments = path.split("/")
        return "/".join(
            self._mark(UNKNOWN, one)
            if len(one) >= _LONG and SECRET_NAME.search(before) and not one.startswith(OPENING)
            else one
            for before, one in zip(["", *segments], segments, strict=False)
        )

    def _mark(self, concept: str, value: str) -> str:
        return str(self._fingerprinter.mark(concept, value))

    def _strings(self, text: str) -> str:
        """Seal the strings that follow a key with a telling name, whatever their escapes."""
        parts: list[str] = []
        at, concept = 0, ""
        for match in _STRING.finditer(text):
            token, said = match[0], _unescaped(match[0])
            if _KEY.match(text, match.end()):
                concept = self._names.get(said) or (UNKNOWN if SECRET_NAME.search(said) else "")
            elif concept:
                token = f'"{self._mark(concept, said)}"'
            elif (bare := self._urls(said)) != said:
                token = json.dumps(bare, ensure_ascii=False)
            parts += (text[at : match.start()], token)
            at = match.end()
        return "".join((*parts, text[at:]))

    def _of_name(self, match: re.Match[str]) -> str:
        if match[3].startswith(OPENING.strip()):
            return match[0]
        return f"{match[1]}{match[2]}{self._mark(self._names[match[1]], match[3])}"

    def _called_secrets(self, text: str) -> str:
        """Seal the values that are called a secret in any other notation."""
        parts: list[str] = []
        at = 0
        for start, end in sorted(named_secrets(text)):
            if start >= at:
                parts += (text[at:start], self._mark(UNKNOWN, text[start:end]))
                at = end
        return "".join((*parts, text[at:]))

    def _urls(self, text: str) -> str:
        concept = UNKNOWN + QUERY
        text = _QUERY.sub(lambda match: match[0][0] + self._mark(concept, match[0][1:]), text)
        return _USER.sub(lambda match: f"{self._mark(concept, match[0][:-1])}@", text)


def without_credentials(text: str, fingerprinter: Fingerprinter) -> str:
    """Return *text* with marks where something gives itself away as a credential."""
    for needle, pattern, concept in CREDENTIALS:
        if needle in text:
            mark = partial(fingerprinter.mark, concept)
            text = pattern.sub(_marked(mark), text)
    return text


def _marked(mark: Callable[[str], Marker]) -> Callable[[re.Match[str]], str]:
    return lambda match: str(mark(match[0]))


def _text(content: bytes) -> str | None:
    """Return the text of *content*, which may end within a character; None if it is none."""
    for cut in range(_TAIL + 1):
        try:
            text = content[: len(content) - cut].decode()
        except UnicodeDecodeError:
            continue
        return None if "\x00" in text else text
    return None


def _unescaped(token: str) -> str:
    """Return what a JSON string says, be it unfinished or wrongly escaped."""
    inner = token[1:].removesuffix('"')
    if "\\" not in inner:
        return inner
    try:
        said = str(json.loads(f'"{inner}"', strict=False))
        said.encode()
    except ValueError:
        return inner
    return said
