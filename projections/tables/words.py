"""Words of texts and of what people look for: the same whichever database looks."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from turnlog.domain import InvalidInput

MOST_WORDS: Final = 16_000
"""Words of one text that can be found: as many as Postgres keeps the places of."""

MOST_BYTES: Final = 900_000
"""Bytes of them, with what it takes to note a place: Postgres keeps less than a megabyte."""

LONGEST_WORD: Final = 64
"""Characters of a word; what is longer is no word, but data."""

_WITHOUT_SPACES: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Chinese, Japanese and Korean characters: each is a word of its own."""

_WORD: Final = re.compile(rf"[{_WITHOUT_SPACES}]|[^\W_{_WITHOUT_SPACES}]+")
_TERM: Final = re.compile(r'"([^"]*)"?|(\S+)')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand side by side; of the last one only the beginning where `begins`."""

    words: tuple[str, ...]
    begins: bool = False

    def is_in(self, words: Sequence[str]) -> bool:
        """Whether a text has it."""
        return any(self._at(words, place) for place in range(len(words) - len(self.words) + 1))

    def _at(self, words: Sequence[str], place: int) -> bool:
        *whole, last = self.words
        end = words[place + len(whole)]
        return list(words[place : place + len(whole)]) == whole and (
            end.startswith(last) if self.begins else end == last
        )


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters and without accents. `src/app.py` is three words."""
    words: list[str] = []
    room = MOST_BYTES
    for word, _ in _words(text):
        room -= len(word.encode()) + 8
        if room < 0 or len(words) == MOST_WORDS:
            break
        words.append(word)
    return words


def phrases_of(text: str) -> tuple[Phrase, ...]:
    """What has to be in a text: words, "words side by side", and `begin*` for words that begin so.

    Raises InvalidInput where there is no word at all.
    """
    phrases: list[Phrase] = []
    for found in _TERM.finditer(text):
        term: str = found[1] if found[1] is not None else found[2]
        words = words_of(term)
        if words:
            phrases.append(Phrase(tuple(words), begins=found[2] is not None and term.endswith("*")))
    if not phrases:
        raise InvalidInput(f"{text!r} has no word to look for; give words, as in: turnlog search login timeout")
    return tuple(phrases)


def excerpt(text: str, phrases: Sequence[Phrase], around: int = 60) -> tuple[str, str, str]:
    """The first place where one of the phrases stands: some text before it, it, and some text behind it."""
    words = list(_words(text))
    plain = [word for word, _ in words]
    for place in range(len(plain)):
        for phrase in phrases:
            if phrase.is_in(plain[place : place + len(phrase.words)]):
                begin, end = words[place][1][0], words[place + len(phrase.words) - 1][1][1]
                return _end_of(text[:begin], around), text[begin:end], _begin_of(text[end:], around)
    return "", "", _begin_of(text, 2 * around)


def _end_of(text: str, most: int) -> str:
    return text if len(text) <= most else f"…{text[-most:]}"


def _begin_of(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _words(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each word as it is compared, and where it stands."""
    for found in _WORD.finditer(text):
        for word in _plain(found[0]):
            yield word[:LONGEST_WORD], found.span()


def _plain(word: str) -> list[str]:
    """The word as it is compared; characters that stand for several words are those."""
    if word.isascii():
        return [word.lower()]
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return _WORD.findall("".join(character for character in apart if character.isalnum()))
