"""Regular expressions of rules, matched only where that cannot take long, whoever wrote the pattern or the word.

The engine tries every way to divide a word among the parts of a pattern, and nothing can stop it. So the ways are
counted beforehand, from the pattern and the length of the word, and never too few. `a*b*` has their square, `(a*)*`
a power of two; a word that could be divided in too many ways is not tried.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_MOST_STEPS: Final = 20_000_000  # of the engine: less than a tenth of a second
_CEILING: Final = 2 * _MOST_STEPS  # larger numbers are not told apart
_DEEPEST: Final = 50  # groups within groups

_ATOM: Final = re.compile(
    r"""
    (?P<flags>\(\?[aims]+\))
  | (?P<reference>\\[1-9][0-9]?|\(\?P=\w+\))
  | (?P<opening>\((?:\?(?:[:>=!]|<[=!]|P<\w+>)|(?!\?)))
  | (?P<closing>\))
  | (?P<choice>\|)
  | (?P<set>\[\^?\]?(?:\\.|[^\\\]])*\])
  | (?P<single>\\.|[^\\()|])
    """,
    re.VERBOSE | re.DOTALL,
)
_REPEAT: Final = re.compile(
    r"(?:(?P<sign>[*+?])|\{(?!\})(?P<least>[0-9]*)(?P<comma>,(?P<most>[0-9]*))?\})[?+]?", re.ASCII
)
_SIGNS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_META: Final = frozenset(".^$*+?{}[]\\")


class _UnknownCostError(Exception):
    """A pattern with something in it whose cost is not known here."""


@dataclass(frozen=True, slots=True)
class _One:
    """Something that matches in one way; `literal` is the character, in small letters, where it can be no other."""

    literal: str = ""
    is_reference: bool = False
    steps: int = 1


@dataclass(frozen=True, slots=True)
class _Group:
    """Choices, each a sequence of parts."""

    choices: tuple[tuple["_Part", ...], ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A part that is repeated; `most` None is as often as it can be."""

    part: "_Part"
    least: int
    most: int | None


_Part = _One | _Group | _Repeat


@dataclass(frozen=True, slots=True)
class _Cost:
    """In how many ways a part can match from one place, and the steps it takes to try all of them."""

    ways: int = 1
    steps: int = 1


def fully_matches(pattern: str, word: str) -> bool | None:
    """Whether the pattern matches the whole word; None where that is not tried, since it might take too long."""
    return _compiled(pattern).fullmatch(word) is not None if _is_cheap(pattern, len(word)) else None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@lru_cache(maxsize=4096)
def _is_cheap(pattern: str, length: int) -> bool:
    tree = _tree(pattern)
    return tree is not None and _cost(tree, length).steps <= _MOST_STEPS


@lru_cache(maxsize=4096)
def _tree(pattern: str) -> _Group | None:
    """The parts of a pattern; None for one that is not understood here, or by the engine."""
    try:
        _compiled(pattern)
        return _read(pattern)
    except (_UnknownCostError, re.error, RecursionError, OverflowError):
        return None


def _read(pattern: str) -> _Group:
    open_groups: list[list[list[_Part]]] = [[[]]]
    at = 0
    while at < len(pattern):
        atom = _ATOM.match(pattern, at)
        if atom is None or len(open_groups) > _DEEPEST:
            raise _UnknownCostError
        at = atom.end()
        match atom.lastgroup:
            case "opening":
                open_groups.append([[]])
            case "choice":
                open_groups[-1].append([])
            case "flags":
                pass
            case kind:
                part = _closed(open_groups.pop()) if kind == "closing" else _one(atom)
                repeat = _REPEAT.match(pattern, at)
                open_groups[-1][-1].append(part if repeat is None else _repeated(part, repeat))
                at = at if repeat is None else repeat.end()
    return _closed(open_groups.pop())


def _closed(choices: Iterable[Iterable[_Part]]) -> _Group:
    return _Group(tuple(map(tuple, choices)))


def _one(atom: re.Match[str]) -> _One:
    text = atom[0]
    match atom.lastgroup:
        case "reference":
            return _One(is_reference=True)
        case "set":
            return _One(steps=1 if text.isascii() else len(text))
        case _:
            return _One(literal=_literal(text))


def _literal(text: str) -> str:
    """The character that a piece of a pattern stands for; empty where it may be one of several, or none."""
    is_plain = len(text) == 1 and text.isascii() and text not in _META
    is_escaped_sign = len(text) == 2 and text.isascii() and not text[1].isalnum()
    return text[-1].lower() if is_plain or is_escaped_sign else ""


def _repeated(part: _Part, repeat: re.Match[str]) -> _Repeat:
    if repeat["sign"]:
        return _Repeat(part, *_SIGNS[repeat["sign"]])
    least = int(repeat["least"] or 0)
    if repeat["comma"] is None:
        return _Repeat(part, least, least)
    return _Repeat(part, least, int(repeat["most"]) if repeat["most"] else None)


def _cost(part: _Part, length: int) -> _Cost:
    """The cost of a part on a word of so many characters, at least as high as it is, up to the ceiling."""
    match part:
        case _One():
            return _Cost(steps=length + 1 if part.is_reference else part.steps)
        case _Repeat():
            return _repeat_cost(_cost(part.part, length), part, length)
        case _Group():
            costs = [_sequence_cost(choice, length) for choice in part.choices]
            ways = [cost.ways for cost in costs]
            return _capped(max(ways) if _exclude_each_other(part) else sum(ways), 1 + sum(c.steps for c in costs))


def _sequence_cost(parts: Iterable[_Part], length: int) -> _Cost:
    whole = _Cost()
    for part in parts:
        cost = _cost(part, length)
        whole = _capped(whole.ways * cost.ways, whole.steps + whole.ways * cost.steps)
    return whole


def _repeat_cost(once: _Cost, repeat: _Repeat, length: int) -> _Cost:
    # The engine gives up on a round that takes no character, but not before the least number of rounds.
    rounds = max(repeat.least, length + 1 if repeat.most is None else min(repeat.most, length + 1))
    if once.ways == 1:
        ways = rounds - repeat.least + 1
        return _capped(ways, ways + rounds * (once.steps + 1))
    ways, steps, so_far = 0, 0, 1
    for done in range(rounds + 1):
        ways += so_far if done >= repeat.least else 0
        steps += so_far * (once.steps + 1)
        so_far *= once.ways
        if so_far > _CEILING:
            return _Cost(_CEILING, _CEILING)
    return _capped(ways, steps + ways)


def _capped(ways: int, steps: int) -> _Cost:
    return _Cost(min(ways, _CEILING), min(steps, _CEILING))


def _exclude_each_other(group: _Group) -> bool:
    """Whether no two choices can begin at the same place."""
    firsts = [choice[0].literal if choice and isinstance(choice[0], _One) else "" for choice in group.choices]
    return "" not in firsts and len(set(firsts)) == len(firsts)
