"""The guard: the last look at an exchange before it is written to the disk.

Sealing takes secrets out where the catalogue and telling names say that they
are. The guard looks at the bytes that are about to be stored, and so at every
field alike: for the secrets that this simulator has issued, and for what gives
itself away as a credential, as it is or in another encoding.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from simulator.core.messages import Exchange
from simulator.disclosure.concepts import CONCEPTS, UNKNOWN
from simulator.disclosure.observe.inner import CARRIERS, look_inside
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.clean_parts import CleanParts, Pair, Parts, Rest
from simulator.disclosure.redact.encodings import (
    CLASSES,
    RUN,
    LongNames,
    decodings,
    is_encoded,
    long_runs,
    without_names,
)
from simulator.disclosure.redact.known import CREDENTIALS
from simulator.disclosure.redact.markers import BodyMarker
from simulator.disclosure.redact.scrubbing import without_credentials
from simulator.disclosure.redact.vault import Vault
from simulator.protocol.service import Service

_START = r"(?<![0-9A-Za-z]{2})"
"""The start of a word, before which there may be the length of a text in the record."""
_SHAPES: dict[bytes, list[re.Pattern[bytes]]] = {}
"""What credentials look like, by what stands in each."""
for _needle, _pattern, _ in CREDENTIALS:
    _SHAPES.setdefault(_needle.encode(), []).append(
        re.compile(_pattern.pattern.replace(r"\b", _START).encode())
    )
_PREFIXED = b"aa_" + b"a" * 16
"""A credential with a prefix, such as ``CS_``, as `CLASSES` gives it."""
_OTHERS = {needle: one for needle, one in _SHAPES.items() if not needle.endswith(b"_")}
"""Those that have none."""
_PEM = b"-----"
_WORD = re.compile(r"(?:[^\s\"'<>(){}\[\],;&?\\]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\/|&#?\w+;)+")
"""What a text is taken apart into where a secret is in it in another encoding."""
_MARKER_FREE = re.compile(r"(<sealed [^>]*>(?:<inside [^>]*>)?)")
_PIECE, _OVERLAP = 65_536, 16_384
"""Bytes that are looked at in one go, and what of them is looked at twice: longer than a secret."""
_MOST_LOOKED = 8
Path = tuple[str, ...]


class SecretGuard:
    """Keeps secrets out of the journal; see `simulator.core.state.Guard`."""

    def __init__(
        self,
        services: Iterable[Service],
        fingerprinter: Fingerprinter,
        words: Iterable[str] = (),
    ) -> None:
        """Follow what *services* issue.

        *words* are long names that documents and links are full of, and that look like base64.
        """
        self._words = LongNames({run for word in words for run in long_runs(word.encode())})
        self.vault = Vault()
        self._fingerprinter = fingerprinter
        self._known = CleanParts()
        self._looked: dict[bytes, int] = {}
        """Large bodies of requests that hold none of so many secrets, until they are recorded."""
        self._looked_answers: set[bytes] = set()
        """Large answers that hold no secret that there was when they were made, likewise."""
        self.kinds: dict[str, list[tuple[str, str]]] = {}
        """Key in the body (empty: the entity's own) and concept of secrets, by kind of entity."""
        for service in services:
            for one in service.issues:
                if CONCEPTS[one.concept].sealed:
                    self.kinds.setdefault(one.kind, []).append((one.name, one.concept))

    def learn(self, kind: str, key: str, body: Mapping[str, Any]) -> None:
        """Take in the secrets of one entity."""
        for name, concept in self.kinds[kind]:
            value = body.get(name) if name else key
            if isinstance(value, str):
                self.add(concept, value)

    def add(self, concept: str, secret: str) -> None:
        """Take in one secret, and what is as secret inside it."""
        self.vault.add(concept, secret)
        if concept in CARRIERS:
            for inner in look_inside(concept, secret)[1]:
                self.vault.add(concept, inner)

    def cleaned(
        self, exchanges: Sequence[Exchange], records: Sequence[bytes]
    ) -> dict[int, Exchange]:
        """Return those of *exchanges* that hold secrets without them, by place.

        Clients repeat most of what they send: where that is known to hold none, only what
        differs is looked at, such as tokens and ids, and for all exchanges at once.
        """
        known, secrets = self._known, len(self.vault)
        suspects: list[tuple[int, Parts]] = []
        repeated: list[tuple[int, Parts]] = []
        fields: set[Pair] = set()
        for place, exchange in enumerate(exchanges):
            parts = _parts(exchange)
            if known.holds(parts, secrets):
                repeated.append((place, parts))
                fields.update(exchange.request.headers, exchange.response.headers)
            else:
                suspects.append((place, parts))
        rests = known.new_rests({parts[1] for _, parts in repeated})
        new = known.new_fields(fields)
        if (rests or new) and self._stands_in(rests, new):
            suspects += repeated
        else:
            known.add_rests(rests)
        return {
            place: self._without(exchanges[place])
            for place, parts in suspects
            if not self._is_clean(parts, exchanges[place], records[place])
        }

    def _is_clean(self, parts: Parts, exchange: Exchange, record: bytes) -> bool:
        body = exchange.request.body
        if self._looked and self._looked.pop(body, -1) == len(self.vault):
            record = record.replace(body, b"", 1)
        answer = exchange.response.body
        if len(answer) > _PIECE:
            # A page of ours: without the rest, there is less in it to be decoded.
            if answer not in self._looked_answers and self.holds_secret(answer):
                return False
            self._looked_answers.discard(answer)
            record = record.replace(answer, b"", 1)
        if self.holds_secret(record):
            return False
        headers = (*exchange.request.headers, *exchange.response.headers)
        self._known.add(parts, headers, len(self.vault))
        return True

    def _without(self, exchange: Exchange) -> Exchange:
        plain = msgspec.to_builtins(exchange, builtin_types=(bytes,))
        return msgspec.convert(self._walk(plain), Exchange)

    def look_through(self, body: bytes) -> None:
        """Look at the *body* of a request that will be recorded, on any thread.

        A large one is looked at in pieces that overlap, so that nobody waits for it; `cleaned`
        does not look at it again then, unless there are further secrets.
        """
        known = len(self.vault)
        if len(body) > _PIECE and not any(map(self.holds_secret, _pieces(body))):
            if len(self._looked) >= _MOST_LOOKED:
                self._looked.clear()
            self._looked[body] = known

    def looks_through(self, answer: bytes) -> Iterator[None]:
        """Look at an *answer* that will be recorded, piece by piece; `cleaned` does not then.

        Secrets that are issued meanwhile are not in it, as they are made at random.
        """
        for piece in _pieces(answer):
            if self.holds_secret(piece):
                return
            yield
        if len(self._looked_answers) >= _MOST_LOOKED:
            self._looked_answers.clear()
        self._looked_answers.add(answer)

    def _stands_in(self, rests: Iterable[Rest], fields: Iterable[Pair]) -> bool:
        """Tell whether a secret stands in targets with bodies, or in header fields."""
        texts = [text for field in fields for text in field]
        bodies = []
        for target, body in rests:
            texts.append(target)
            bodies.append(body)
        text = "\n".join(texts).encode("utf-8", "surrogatepass")
        return self.holds_secret(b"\n".join((text, *bodies)))

    def holds_secret(self, data: bytes) -> bool:
        """Tell whether a secret stands in *data*, as it is or encoded."""
        if self._is_plain_in(data):
            return True
        if not is_encoded(data):
            return False
        plain = without_names(data, self._words)
        return is_encoded(plain) and any(map(self._is_plain_in, decodings(plain)))

    def _is_plain_in(self, data: bytes) -> bool:
        if self.vault.holds(data):
            return True
        classes = data.translate(CLASSES)
        if _PREFIXED in classes:
            return _looks_like(_SHAPES, data)
        return (RUN in classes or _PEM in data) and _looks_like(_OTHERS, data)

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, dict):
            return {name: self._walk(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(item) for item in value]
        return value

    def _bytes(self, data: bytes) -> bytes:
        if not self.holds_secret(data):
            return data
        try:
            text = data.decode()
        except UnicodeDecodeError:
            fp = self._fingerprinter.fingerprint(UNKNOWN, data)
            return bytes(BodyMarker(len(data), fp, ("undocumented",)))
        return self._text(text).encode()

    def _text(self, text: str) -> str:
        if not self.holds_secret(text.encode("utf-8", "surrogatepass")):
            return text
        for clean in (self._as_it_stands, self._by_words, partial(self._mark, UNKNOWN)):
            text = clean(text)
            if not self.holds_secret(text.encode("utf-8", "surrogatepass")):
                break
        return text

    def _mark(self, concept: str, value: str) -> str:
        return str(self._fingerprinter.mark(concept, value))

    def _as_it_stands(self, text: str) -> str:
        """Replace the secrets that stand in *text* as they are."""
        data = text.encode("utf-8", "surrogatepass")
        parts, at = [], 0
        for one in self.vault.find(data):
            mark = self._mark(one.concept, one.secret.decode("utf-8", "surrogatepass"))
            parts += [data[at : one.start], mark.encode()]
            at = one.end
        text = b"".join((*parts, data[at:])).decode("utf-8", "surrogatepass")
        return without_credentials(text, self._fingerprinter)

    def _by_words(self, text: str) -> str:
        """Replace the words of *text* that hold a secret in another encoding."""
        return "".join(
            piece if piece.startswith("<sealed ") else _WORD.sub(self._word, piece)
            for piece in _MARKER_FREE.split(text)
        )

    def _word(self, match: re.Match[str]) -> str:
        word = match[0]
        if not self.holds_secret(word.encode("utf-8", "surrogatepass")):
            return word
        return self._mark(UNKNOWN, word)


def _pieces(body: bytes) -> Iterator[bytes]:
    """Yield pieces of *body* that overlap, so that any secret is whole in one of them."""
    return (body[at : at + _PIECE] for at in range(0, len(body), _PIECE - _OVERLAP))


def _looks_like(shapes: Mapping[bytes, Sequence[re.Pattern[bytes]]], data: bytes) -> bool:
    """Tell whether a credential of one of *shapes* stands in *data*."""
    return any(
        needle in data and any(one.search(data) for one in patterns)
        for needle, patterns in shapes.items()
    )


def _parts(exchange: Exchange) -> Parts:
    """Return all texts of an exchange but the header fields."""
    request, response, peer = exchange.request, exchange.response, exchange.request.peer
    facts = (
        request.method,
        request.scheme,
        request.http,
        request.problem,
        request.problem_about,
        peer.tls,
        peer.address,
        peer.settings,
        exchange.organisation,
        exchange.client,
        exchange.service,
        exchange.operation,
        exchange.route,
        exchange.version_sent,
        exchange.error,
        exchange.session,
        tuple(exchange.findings),
        tuple(exchange.faults),
        response.goaway,
        response.notify_topic,
        response.delivery,
    )
    return facts, (request.target, request.body), response.body
