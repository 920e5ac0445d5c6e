"""The points of a run at which something can go wrong, and how they are named."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

from turnlog.domain import InvalidInput

Kind = Literal["append", "effect", "model", "wait"]
Moment = Literal["before", "after"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOMENTS: tuple[Moment, ...] = get_args(Moment)


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a run: right before or after the n-th append, effect of a tool, model request or wait for news.

    `number` counts from 1 within the kind. `names` are what it may also be called: the events of an append, the tool,
    the model; each with how often that name came up so far.
    """

    kind: Kind
    number: int
    moment: Moment
    names: tuple[tuple[str, int], ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """All names of this point; the numbered one first."""
        named = [f"{name}#{nth}" for name, nth in self.names] + [name for name, nth in self.names if nth == 1]
        return tuple(f"{self.kind}:{which}:{self.moment}" for which in (str(self.number), *named))

    def __str__(self) -> str:
        return self.places[0]


def parse_place(place: str) -> str:
    """A place such as `append:17:before`, `effect:send_mail:after` or `append:ToolCallStarted#2:before`, checked.

    A name without a number means the first of that name. Raises InvalidInput.
    """
    kind, _, rest = place.partition(":")
    which, _, moment = rest.rpartition(":")
    if kind not in KINDS or moment not in MOMENTS or not which:
        kinds, moments = "|".join(KINDS), "|".join(MOMENTS)
        raise InvalidInput(f"{place!r} is no place for a fault; write {kinds}:NUMBER or NAME or NAME#N:{moments}")
    return place


class Counted:
    """Numbers points as they are passed."""

    def __init__(self) -> None:
        self._kinds: Counter[Kind] = Counter()
        self._names: Counter[tuple[Kind, str]] = Counter()

    def next(self, kind: Kind, *names: str) -> Point:
        """The point before the next thing of this kind."""
        distinct = tuple(dict.fromkeys(names))
        self._kinds[kind] += 1
        for name in distinct:
            self._names[kind, name] += 1
        numbered = tuple((name, self._names[kind, name]) for name in distinct)
        return Point(kind, self._kinds[kind], "before", numbered)
