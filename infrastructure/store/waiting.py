"""Whoever waits for an append, in whatever event loop."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from .attending import Loop, running_loop
from .batches import Append, Outcome


@dataclass(slots=True)
class Waiting:
    """An append in the line, and the task that waits for it; `settled` is the loop's, `outcome` set there as well."""

    append: Append
    loop: Loop
    settled: asyncio.Future[None]
    outcome: Outcome | None = None

    def settle(self, outcome: Outcome) -> None:
        """Let the task go on; in its loop."""
        self.outcome = outcome
        if not self.settled.done():  # it is when its task was just cancelled
            self.settled.set_result(None)


def deliver(batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell everybody, with one wake-up for each other event loop."""
    here = running_loop()
    elsewhere: defaultdict[Loop, list[tuple[Waiting, Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.loop is here:
            waiting.settle(outcome)
        else:
            elsewhere[waiting.loop].append((waiting, outcome))
    for loop, settled in elsewhere.items():
        with suppress(RuntimeError):  # the loop was closed, so nobody there waits any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[Waiting, Outcome]]) -> None:
    for waiting, outcome in settled:
        waiting.settle(outcome)
