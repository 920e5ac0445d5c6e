"""What of events need not be read, since whoever asks for them never looks at it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from pydantic import BaseModel

from .events import EVENTS, Kinds


@dataclass(frozen=True, eq=False)
class Unread:
    """Fields that are never looked at, by the models they are in: kinds of events, parts of these, or a base of either.

    An event that was read without them does not have them: whoever looks at one after all fails at once. Events of
    `kinds` are never looked at at all; they are passed over where a stream is read for a fold.
    """

    fields: Mapping[type[BaseModel], Collection[str]]
    kinds: Kinds = frozenset()

    @classmethod
    def but(cls, looked_at: Mapping[type[BaseModel], Collection[str]]) -> Self:
        """All fields of all events, but for these."""
        kept = cls(looked_at)
        return cls({kind: kind.model_fields.keys() - kept.of(kind) for kind in EVENTS})

    def of(self, model: type[BaseModel]) -> frozenset[str]:
        """Those of one model."""
        return frozenset(name for each in model.__mro__ for name in self.fields.get(each, ()))


READ_WHOLE = Unread({})


@lru_cache(maxsize=64)
def unread_by_all(first: Unread, *others: Unread) -> Unread:
    """What none of several ever looks at."""
    if not others:
        return first
    rest = unread_by_all(*others)
    fields = {model: first.of(model) & rest.of(model) for model in {*first.fields, *rest.fields}}
    return Unread(fields, first.kinds & rest.kinds)
