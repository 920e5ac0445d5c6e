"""What of events need not be read, since whoever asks for them never looks at it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, eq=False)
class Unread:
    """Fields that are never looked at, by the models they are in: kinds of events, parts of these, or a base of either.

    An event that was read without them does not have them: whoever looks at one after all fails at once.
    """

    fields: Mapping[type[BaseModel], Collection[str]]

    def of(self, model: type[BaseModel]) -> frozenset[str]:
        """Those of one model."""
        return frozenset(name for each in model.__mro__ for name in self.fields.get(each, ()))


READ_WHOLE = Unread({})
