"""What a projection is: a pure fold with a name and a version."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from turnlog.domain import Kinds, Recorded

S = TypeVar("S")


@dataclass(frozen=True)
class Projection(Generic[S]):
    """A view of the log: where it starts and what one more event makes of it.

    The fold is deterministic and total: any event in any state gives a state. It owns the state it is given and may
    append to it instead of copying, so that folding n events takes n steps; use what it returns and forget the rest.
    `kinds` are the only ones that its fold looks at, so that no other has to be read; None: it may look at any.
    `version` rises when the same events give another state, which tells keepers of stored states to start again.
    """

    name: str
    version: int
    initial: Callable[[], S]
    fold: Callable[[S, Recorded], S]
    kinds: Kinds | None = None


def project(projection: Projection[S], history: Iterable[Recorded]) -> S:
    """The state after a history, from the very beginning."""
    state = projection.initial()
    for recorded in history:
        state = projection.fold(state, recorded)
    return state
