"""Faults at chosen points of a run: in every append, effect, model request and wait for news, before it and after.

    plan = FaultPlan({"append:17:after": kill, "effect:send_mail:after": fail, "model:1:before": delay(0.5)})
    with plan.active():
        async with Turnlog.open("sqlite:///turnlog.db") as log: ...

A plan wraps the ports of every log that is opened while it is active. Without a plan there is nothing in the way.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from turnlog.domain import InvalidInput, ModelError, StoreError
from turnlog.runtime import Environment
from turnlog.wiring import ARRANGED

from .ledger import Ledger
from .points import Counted, Kind, Point, parse_place

Fault = Callable[[Point], Awaitable[None]]
"""Something that goes wrong at a point: a coroutine function that may raise, wait, or not return at all."""


class Crash(BaseException):
    """The process is gone, as far as one turn can tell: nothing in turnlog catches this."""


class Skipped(BaseException):
    """A wait for news ends otherwise than it would: `at once`, or `late`, with its news lost."""

    def __init__(self, wait: Literal["at once", "late"]) -> None:
        super().__init__(f"the faults `wake` and `miss` are for waits, not for what is done ({wait})")
        self.wait: Literal["at once", "late"] = wait


async def kill(point: Point) -> None:
    """End the process as the kernel does: SIGKILL, nothing tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


async def crash(point: Point) -> None:
    """End the turn as a death of the process would, and leave the process alive: for simulations. Raises Crash."""
    raise Crash(str(point))


async def fail(point: Point) -> None:
    """Let the caller see an error: before, nothing was done; after, it was done and the reply is lost.

    Raises StoreError from an append, ModelError from a model, ConnectionError from an effect.
    """
    said = f"fault at {point}"
    match point.kind:
        case "append":
            raise StoreError(said)
        case "model":
            raise ModelError("connection", said, retryable=True)
        case _:
            raise ConnectionError(said)


async def wake(point: Point) -> None:
    """Let a wait for news end at once, as a notification that comes twice, or early, would have it."""
    raise Skipped("at once")


async def miss(point: Point) -> None:
    """Let a wait for news last to its end, as if the notification had been lost."""
    raise Skipped("late")


def delay(seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Fault:
    """Wait; `sleep` may be that of a `VirtualClock`. After a wait for news this delivers it late, out of order."""

    async def delayed(point: Point) -> None:
        await sleep(seconds)

    return delayed


class FaultPlan:
    """Which faults happen at which points, by number or by name: `append:17:before`, `effect:send_mail:after`.

    `otherwise` is called at every other point. `points` are those passed so far: without faults, a plan counts the
    points of a run. Every effect that was had is noted in the `ledger`. Raises InvalidInput for what is no place.
    """

    def __init__(
        self,
        faults: Mapping[str, Fault] | None = None,
        *,
        otherwise: Fault | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._faults = {parse_place(place): fault for place, fault in (faults or {}).items()}
        self._otherwise = otherwise
        self._ledger = ledger
        self._counted = Counted()
        self._met: set[str] = set()
        self.points: list[Point] = []

    @contextmanager
    def active(self) -> Generator["FaultPlan"]:
        """Have the plan in every log that is opened within. Raises InvalidInput inside another plan."""
        if ARRANGED.get() is not None:
            raise InvalidInput("ports are already replaced here; one plan, clock or set of ids at a time")
        token = ARRANGED.set(self.around)
        try:
            yield self
        finally:
            ARRANGED.reset(token)

    def around(self, env: Environment) -> Environment:
        """An environment with the plan around its log, models and effects."""
        from .faulty import FaultyLog, FaultyWrapping

        return replace(env, log=FaultyLog(env.log, self), wrapping=FaultyWrapping(self, self._ledger))

    @property
    def missed(self) -> tuple[str, ...]:
        """The places with a fault that the run has not come to."""
        return tuple(place for place in self._faults if place not in self._met)

    async def before(self, kind: Kind, *names: str) -> Point:
        """Pass the point before something; what `after` is to be told. Raises what its fault raises."""
        point = self._counted.next(kind, *names)
        await self._pass(point)
        return point

    async def after(self, point: Point) -> None:
        """Pass the point after it. Raises what its fault raises."""
        await self._pass(replace(point, moment="after"))

    async def _pass(self, point: Point) -> None:
        self.points.append(point)
        for place in point.places:
            if place in self._faults:
                self._met.add(place)
                await self._faults[place](point)
                return
        if self._otherwise is not None:
            await self._otherwise(point)
