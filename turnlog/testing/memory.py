"""A log in memory, in one line."""

from contextlib import nullcontext
from dataclasses import replace

from turnlog.domain import Clock, Ids
from turnlog.front import Turnlog
from turnlog.opening import Opening
from turnlog.runtime import Environment, Settings
from turnlog.wiring import ARRANGED, open_turnlog

from .clock import VirtualClock
from .faults import FaultPlan
from .ids import CountingIds

QUICK = Settings(poll_seconds=0.02, retry_seconds=0.01)
"""Settings with which nothing waits for long."""


def memory_log(
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    plan: FaultPlan | None = None,
    settings: Settings = QUICK,
) -> Opening[Turnlog]:
    """A log in memory whose time moves only when told to and whose ids count: `async with memory_log() as log`.

    `plan`, or the one that is active where it is opened, is put around it; `clock` and `ids` default to a
    `VirtualClock` and `CountingIds` of its own. Opening raises InvalidInput for a plan inside another.
    """
    time, names = clock or VirtualClock(), ids or CountingIds()

    def open_() -> Turnlog:
        with nullcontext() if plan is None else plan.active():
            around = ARRANGED.get()

            def arranged(env: Environment) -> Environment:
                env = replace(env, clock=time, ids=names)
                return env if around is None else around(env)

            token = ARRANGED.set(arranged)
            try:
                return open_turnlog("memory:", settings)
            finally:
                ARRANGED.reset(token)

    return Opening(open_)
