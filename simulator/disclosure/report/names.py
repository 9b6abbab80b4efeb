"""Names of persons in what people write: a device's name, a note, the description of a profile.

Nothing is guessed. Words are compared with those of names that are known: that the world
holds, that were answered, or that the client itself sent as names. Words are kept as numbers.

Where words are not parted by spaces, as in Chinese, Japanese and Thai, or where endings join
the name, as in Korean, whole names of two characters and more are looked for anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.report.hashing import stable

NAMES = frozenset(("roster.pupil_name", "user.name"))
"""Concepts whose values are names of persons."""
PERSON_NAME = "value:person-name"
WRITTEN = frozenset(
    (
        "dep.profile_name",
        "org.department",
        "server.name",
        "server.product",
        "content.name",
        "content.description",
    )
)
"""Concepts beside free text into which people write what they like."""
_JOINED = (
    "\u3005\u3007\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f"
)
"""Characters of scripts without spaces: Thai, Lao, Burmese, Khmer, kana, Han, Hangul."""
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff"
"""Signs that stand at a letter: accents, vowels of Hebrew, Arabic and the scripts of India."""
# Texts, as they are compiled when they are needed: few reports look at words.
_WORD = rf"(?:[^\W\d_]|[{_MARKS}{_JOINED}])+"
_RUN = rf"[{_JOINED}]+(?:[\s\u00b7\u30a0\u30fb=][{_JOINED}]+)*"
"""Text without spaces, or with those that part family name and given name."""
_APART = rf"[^{_JOINED}]"
_LEAST = 3
"""Letters; shorter words are equal by chance."""
_WHOLE = range(2, 17)
"""Characters of a name in a script without spaces."""
_MOST = 16_384
"""Words of one value that are compared."""


def words_of(name: str) -> Iterator[int]:
    """Yield the words of a person's name, and the whole where a script has no spaces."""
    plain = _plain(name)
    for word in re.findall(_WORD, plain):
        if len(word) >= _LEAST:
            yield stable(word)
    for whole in _runs(plain):
        if len(whole) in _WHOLE:
            yield stable(whole)


def words_in(text: str) -> Iterator[int]:
    """Yield the words of any text, each also without the s of a genitive: ``Annas iPad``.

    Of scripts without spaces it yields each piece that may be a name.
    """
    return islice(_words_in(_plain(text)), _MOST)


def _words_in(plain: str) -> Iterator[int]:
    for word in re.findall(_WORD, plain):
        for one in (word, word.removesuffix("s")):
            if len(one) >= _LEAST:
                yield stable(one)
    for run in _runs(plain):
        for start in range(len(run)):
            for end in range(start + _WHOLE.start, min(start + _WHOLE.stop, len(run) + 1)):
                yield stable(run[start:end])


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _runs(plain: str) -> Iterator[str]:
    return (re.sub(_APART, "", run) for run in re.findall(_RUN, plain))


def may_name(one: Disclosure) -> bool:
    """Tell whether people write the value, so that it may hold anybody's name."""
    written = one.category == "free-text" or one.concept in WRITTEN
    return (written or one.concept == UNKNOWN) and one.shape not in ("opaque", "hex", "uuid")
