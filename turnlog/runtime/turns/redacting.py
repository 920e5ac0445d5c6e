"""Known secrets taken out of what tools say, before anything of it is kept: as they are, and as programs write them.

A text is searched without its line ends, so that neither a wrapped line nor the seam of two parts hides a secret.
"""

import re
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from pydantic import JsonValue

from turnlog.domain import InvalidInput, clean

from .secret_forms import bare, forms_of

SHORTEST: Final = 8
"""Characters of the shortest secret; shorter ones would be found everywhere."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FRAME: Final = re.compile(r"-----[A-Z0-9 ]+-----")
"""A line around a key, which is the same for all."""

_LINE_END: Final = re.compile(r"[\r\n]")
_BLOCK: Final = 4  # bytes; whatever is 7 bytes long or longer covers an aligned block of a text whole


@dataclass(frozen=True, slots=True)
class Span:
    """Where in a text a secret stands."""

    start: int
    end: int
    secret: str


class Redactor:
    """Knows the secrets of a process. Safe to use from any thread."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Raises InvalidInput for a secret that could not be kept out of what is recorded."""
        self._forms = _named_forms(secrets)
        self._sorted = sorted(self._forms)
        self._longest = max(map(len, self._forms), default=0)
        self._blocks = {form: _blocks_of(form) for form in self._forms}
        self._known = frozenset(chain.from_iterable(chain.from_iterable(self._blocks.values())))
        self._bytes = {value.encode("utf-8", "surrogatepass"): name for name, value in secrets.items()}

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str, found: Counter[str] | None = None) -> str:
        """The text with `[secret NAME]` for each secret; how often each was there is added to `found`."""
        spans = self.spans(text) if self._forms else []
        if not spans:
            return text
        if found is not None:
            found.update(span.secret for span in spans)
        return _replaced(text, spans)

    def json(self, value: JsonValue, found: Counter[str] | None = None) -> JsonValue:
        """A value with every text in it redacted, names included; a number that tells a secret becomes a text."""
        match value:
            case str():
                return self.text(value, found)
            case list():
                return [self.json(each, found) for each in value]
            case dict():
                return {self.text(name, found): self.json(each, found) for name, each in value.items()}
            case bool() | None:
                return value
            case _:
                told = self.text(str(value), found)
                return value if told == str(value) else told

    def secret_in(self, data: bytes) -> str | None:
        """The name of a secret whose bytes are among these, as in a comment of an image."""
        return next((name for value, name in self._bytes.items() if value in data), None)

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand, in order and apart; what overlaps counts once, as the one that begins first."""
        searched = bare(text)
        spans = _apart(chain.from_iterable(self._spans_of(form, searched) for form in self._candidates(searched)))
        if not spans or len(searched) == len(text):
            return spans
        places = _Places(text)
        return [Span(places.of(span.start), places.of(span.end - 1) + 1, span.secret) for span in spans]

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a secret that goes on.

        A secret that is whole and might also be the beginning of another one is among them from its start.
        """
        tail = text[-4 * self._longest :] if self._longest else ""
        place = self._beginning_in(tail)
        straddling = (span.start for span in self.spans(tail) if span.start < place < span.end)
        return len(tail) - next(straddling, place)

    def _beginning_in(self, text: str) -> int:
        """Where what may be the beginning of a secret begins; the end of the text where there is none."""
        searched = bare(text)
        for start in range(max(len(searched) - self._longest + 1, 0), len(searched)):
            begins = searched[start:]
            at = bisect_left(self._sorted, begins)
            if at < len(self._sorted) and self._sorted[at].startswith(begins):
                return _Places(text).of(start)
        return len(text)

    @property
    def longest(self) -> int:
        """Characters of the longest form of a secret; 0 where there is none."""
        return self._longest

    def _spans_of(self, form: str, text: str) -> Iterator[Span]:
        """Where a form stands; several that overlap are one."""
        secret = self._forms[form]
        start = text.find(form)
        while start >= 0:
            end = start + len(form)
            following = text.find(form, start + 1)
            while 0 <= following < end:
                end = following + len(form)
                following = text.find(form, following + 1)
            yield Span(start, end, secret)
            start = following

    def _candidates(self, text: str) -> list[str]:
        """The forms whose blocks are all there: most texts hold no block of any, and one pass shows it."""
        data = text.encode("utf-8", "surrogatepass")
        there = self._known.intersection(memoryview(data)[: len(data) // _BLOCK * _BLOCK].cast("I"))
        if not there:
            return []
        return [form for form, blocks in self._blocks.items() if any(each <= there for each in blocks)]


class RedactedStream:
    """Redacts a text that comes in pieces: what may be the beginning of a secret is held back until more is known."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be told now."""
        if not self._redactor:
            return piece
        text = self._held + piece
        spans = self._redactor.spans(text)
        end = len(text) - self._redactor.begun(text)
        if spans and spans[-1].end > end:  # a secret is there whole, and perhaps the beginning of a longer one
            held_too_long = len(text) - spans[-1].start > 4 * self._redactor.longest
            end = len(text) if held_too_long else spans[-1].start
        self._held = text[end:]
        return _replaced(text[:end], [span for span in spans if span.end <= end])

    def end(self) -> str:
        """What is left, once no more comes."""
        text, self._held = self._held, ""
        return self._redactor.text(text)


class _Places:
    """Where the characters of a text are that has lost its line ends."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() - number for number, found in enumerate(_LINE_END.finditer(text))]

    def of(self, place: int) -> int:
        """The place in the text with its line ends."""
        return place + bisect_right(self._ends, place)


def mark(secret: str) -> str:
    """What stands in the place of a secret."""
    return f"[secret {secret}]"


def _replaced(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    place = 0
    for span in spans:
        pieces += (text[place : span.start], mark(span.secret))
        place = span.end
    return "".join((*pieces, text[place:]))


def _apart(spans: Iterable[Span]) -> list[Span]:
    apart: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if apart and span.start < apart[-1].end:
            first = apart[-1]
            apart[-1] = Span(first.start, max(first.end, span.end), first.secret)
        else:
            apart.append(span)
    return apart


def _named_forms(secrets: Mapping[str, str]) -> dict[str, str]:
    """All forms of all secrets, each with the name of its secret. Raises InvalidInput."""
    forms: dict[str, str] = {}
    for name, value in secrets.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"the name of a secret is that of a variable: letters, digits and '_', not {name!r}")
        if len(bare(value).strip()) < SHORTEST:
            raise InvalidInput(
                f"secret {name} has fewer than {SHORTEST} characters, so it could not be told from other text; "
                "take a longer one"
            )
        for text in (value, *_telling_lines(value)):
            for form in forms_of(clean(text)):
                forms.setdefault(form, name)
    marks = "".join(map(mark, secrets))
    if any(form in marks for form in forms):
        raise InvalidInput("the names of the secrets give one of them away; call it something else")
    return forms


def _telling_lines(value: str) -> list[str]:
    """The lines of a secret that has several, such as a key: tools number lines, and pick them."""
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= SHORTEST and not _FRAME.fullmatch(line)]


def _blocks_of(form: str) -> tuple[frozenset[int], ...]:
    """The whole blocks of a form, for each place at which it may begin in a block."""
    data = form.encode("utf-8", "surrogatepass")
    return tuple(
        frozenset(
            int.from_bytes(data[place : place + _BLOCK], sys.byteorder)
            for place in range(first, len(data) - _BLOCK + 1, _BLOCK)
        )
        for first in range(_BLOCK)
    )
