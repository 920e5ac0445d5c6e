"""The first version at which a predicate holds of the state, and whether it goes on holding."""

import asyncio
import difflib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turnlog.domain import InvalidInput, NotFound, Recorded

from .predicates import Predicate, parse_predicate
from .unfolding import Unfolding

Progress = Callable[[int, int], None]
"""Told how many versions were looked at, of how many."""

_TOLD_EVERY = 100


@dataclass(frozen=True, slots=True)
class Span:
    """From the event with which a predicate began to hold to that with which it ceased to (None: it holds still)."""

    began: Recorded
    ended: Recorded | None


@dataclass(frozen=True, slots=True)
class Bisection:
    """Where a predicate holds, in spans; `versions` is how many events were looked at."""

    predicate: str
    spans: tuple[Span, ...]
    versions: int

    @property
    def first(self) -> Recorded:
        """The first event after which the predicate held."""
        return self.spans[0].began


def bisect(
    session_id: str,
    history: Sequence[Recorded],
    predicate: str,
    progress: Progress = lambda looked, versions: None,
) -> Bisection:
    """Where a predicate holds. `history` is all that led to the session.

    Every version is looked at, since a predicate may cease to hold; each event is folded once.
    Raises InvalidInput, NotFound where it never holds.
    """
    read, told = parse_predicate(predicate), Unfolding(session_id)
    spans: list[Span] = []
    began: Recorded | None = None
    for looked, record in enumerate(history):
        told.take(record)
        if record is history[0]:
            _check_names(read, told.sections())
        holds = _holds(read, told, record)
        if looked % _TOLD_EVERY == 0:
            progress(looked, len(history))
        if holds and began is None:
            began = record
        elif not holds and began is not None:
            spans.append(Span(began, record))
            began = None
    if began is not None:
        spans.append(Span(began, None))
    if not spans:
        raise NotFound(f"{read.text} holds at no version of session {session_id} up to @{history[-1].version}")
    return Bisection(read.text, tuple(spans), len(history))


async def bisect_in_thread(
    session_id: str, history: Sequence[Recorded], predicate: str, progress: Progress
) -> Bisection:
    """As `bisect`, beside the loop, on which `progress` is called. Cancelled, it soon stops looking."""
    loop, over = asyncio.get_running_loop(), threading.Event()

    def tell(looked: int, versions: int) -> None:
        if over.is_set():
            raise asyncio.CancelledError
        loop.call_soon_threadsafe(progress, looked, versions)

    try:
        return await asyncio.to_thread(bisect, session_id, history, predicate, tell)
    finally:
        over.set()


def _holds(predicate: Predicate, told: Unfolding, record: Recorded) -> bool:
    try:
        return predicate.holds(told.section)
    except InvalidInput as error:
        raise InvalidInput(f"{error.message} (at {record.stream}@{record.version})") from None


def _check_names(predicate: Predicate, known: Sequence[str]) -> None:
    """A section that is misspelt would be null at every version."""
    for name in sorted(predicate.names - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
        raise InvalidInput(f"the state has no {name}; {hint}")
