"""Clocks that are set forward and back: no question and no answer lives again or longer, and order is the log's."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from turnlog.domain import CommandRefused, PermissionExpired, PermissionRequested, ToolCallStarted
from turnlog.runtime import PermissionDecision, PermissionRequest, SessionHandle, allow

from .conftest import MakeWorld
from .sending import SENT, send
from .world import ScriptedModel, World, asks, check_log, last_results

pytestmark = pytest.mark.usefixtures("nothing_sent")
DAY = timedelta(days=1)
"""How long a question may wait for an answer."""


class LooseClock:
    """A clock whose hands a test moves, forward and back."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    async def until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - self.time).total_seconds())


class TimeOfDatabase:
    """Heartbeats of a database that has a clock of its own."""

    def __init__(self, clock: LooseClock) -> None:
        self._clock = clock

    async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> datetime | None:
        return self._clock.time

    async def silences(self, workers: Collection[str]) -> Mapping[str, float]:
        return dict.fromkeys(workers, 0.0)


@pytest.fixture
def clock() -> LooseClock:
    return LooseClock()


@pytest.fixture
def loose(url: str, open_world: MakeWorld, clock: LooseClock) -> World:
    return open_world(url, clock=clock)


async def asked(world: World, script: ScriptedModel | None = None) -> tuple[SessionHandle, str]:
    """A session that waits for a person, and the request."""
    session = await world.session(script or ScriptedModel([asks("send"), "Done."]), send)
    return session, (await session.append_turn("Send it.")).waiting_for[0]


async def test_a_question_that_the_log_has_outlived_cannot_be_answered_by_a_clock_set_back(
    loose: World, clock: LooseClock
) -> None:
    session, request_id = await asked(loose)
    clock.time += 2 * DAY
    await session.rename("Seen in two days")
    clock.time -= 2 * DAY
    with pytest.raises(CommandRefused, match="expired"):
        await session.resolve_permission(request_id, allow())


async def test_a_question_that_the_log_has_outlived_is_closed_whatever_the_clock_says(
    loose: World, clock: LooseClock
) -> None:
    script = ScriptedModel([asks("send"), "Done."])
    session, _ = await asked(loose, script)
    clock.time += 2 * DAY
    await session.rename("Seen in two days")
    clock.time -= 2 * DAY
    assert (await session.resume_turn()).text == "Done."
    assert last_results(script) == ["nobody answered the request for permission in time"]
    assert len(await loose.all_of(session.id, PermissionExpired)) == 1
    await check_log(loose, session.id)


async def test_a_yes_that_the_log_has_outlived_lets_nothing_run(loose: World, clock: LooseClock) -> None:
    session, request_id = await asked(loose)
    await session.resolve_permission(request_id, allow())
    clock.time += 2 * DAY
    await session.rename("Seen in two days")
    clock.time -= 2 * DAY
    reply = await session.resume_turn()
    assert (reply.outcome, SENT) == ("suspended", [])
    assert reply.waiting_for != (request_id,)


async def test_a_yes_that_is_too_old_for_the_database_lets_nothing_run(
    url: str, open_world: MakeWorld, clock: LooseClock
) -> None:
    theirs = LooseClock()
    world = open_world(url, clock=clock, heartbeats=TimeOfDatabase(theirs))
    session, request_id = await asked(world)
    await session.resolve_permission(request_id, allow())
    theirs.time += 2 * DAY
    clock.time -= 2 * DAY
    reply = await session.resume_turn()
    assert (reply.outcome, SENT) == ("suspended", [])


async def test_a_clock_that_was_ahead_leaves_later_questions_their_time_and_no_more(
    loose: World, clock: LooseClock
) -> None:
    session = await loose.session(ScriptedModel([asks("send"), "Done."]), send)
    clock.time += 2 * DAY
    await session.rename("Seen in two days")
    clock.time -= 2 * DAY
    request_id = (await session.append_turn("Send it.")).waiting_for[0]
    (question,) = await loose.all_of(session.id, PermissionRequested)
    assert question.expires_at == clock.time + DAY
    await session.resolve_permission(request_id, allow())
    assert (await session.resume_turn()).text == "Done."
    assert SENT == ["bo"]


@pytest.mark.parametrize("days", [2, -2])
async def test_a_clock_that_jumps_in_the_middle_of_a_turn_changes_no_order(
    loose: World, clock: LooseClock, days: int
) -> None:
    async def jump(request: PermissionRequest) -> PermissionDecision:
        clock.time += days * DAY / 4  # within the time of this question, past that of those before it
        return allow()

    script = ScriptedModel([asks(("send", {"to": str(number)})) for number in range(4)] + ["Done."])
    session = await loose.session(script, send)
    assert (await session.append_turn("Go.", approvals=jump)).text == "Done."
    assert SENT == ["0", "1", "2", "3"]
    assert len(await loose.all_of(session.id, ToolCallStarted)) == 4
    await check_log(loose, session.id)
