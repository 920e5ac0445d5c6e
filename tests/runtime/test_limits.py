"""Limits of a turn and of a session: reached at the very boundary, over restarts too, and told apart by their codes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from turnlog.domain import (
    Cost,
    LimitReached,
    Limits,
    ModelFailed,
    ModelReply,
    ModelRequest,
    TextBlock,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    Usage,
)
from turnlog.runtime import SessionHandle, Settings, allow

from .conftest import MakeWorld
from .paced import Paced, PacedModel
from .test_failing_models import BUSY
from .world import ModelOf, Script, ScriptedModel, ScriptedReply, World, act, asks, check_log, last_results, look

Start = Callable[[World, Any, Limits], Any]


def costing(rounds: int, *, cost: str | None = None, tokens: tuple[int, int] = (0, 0)) -> ModelOf:
    """A model that calls a tool so many times and then ends, at a price for each answer."""

    def answer(request: ModelRequest, number: int) -> list[ModelReply]:
        block = TextBlock(text="Done.")
        call = ToolCallBlock(call_id=f"c{number}", name="look", arguments="{}")
        price = None if cost is None else Cost(amount=Decimal(cost), source="test 1")
        usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1])
        return [ModelReply((call if number <= rounds else block,), usage, cost=price)]

    return ModelOf(answer)


async def of_the_turn(world: World, model: Any, limits: Limits) -> tuple[SessionHandle, Any]:
    session = await world.session(model, look)
    return session, session.append_turn("Go.", limits=limits)


async def of_the_session(world: World, model: Any, limits: Limits) -> tuple[SessionHandle, Any]:
    session = await world.session(model, look, limits=limits)
    return session, session.append_turn("Go.")


SCOPES = pytest.mark.parametrize("start", [of_the_turn, of_the_session])

# What two rounds and an answer use: (the limit that lets them through, the one that does not, its code).
BOUNDARIES = [
    (Limits(rounds=3), Limits(rounds=2), "round_limit"),
    (Limits(requests=3), Limits(requests=2), "request_limit"),
    (Limits(tool_calls=2), Limits(tool_calls=1), "tool_call_limit"),
    (Limits(tokens=21), Limits(tokens=20), "token_limit"),
    (Limits(cost=Decimal("0.21")), Limits(cost=Decimal("0.20")), "cost_limit"),
]


@SCOPES
@pytest.mark.parametrize(("enough", "scarce", "code"), BOUNDARIES)
async def test_a_turn_within_its_limits_ends_as_ever(
    memory: World, start: Start, enough: Limits, scarce: Limits, code: str
) -> None:
    _, turn = await start(memory, costing(2, cost="0.10", tokens=(7, 3)), enough)
    assert (await turn).text == "Done."


@SCOPES
@pytest.mark.parametrize(("enough", "scarce", "code"), BOUNDARIES)
async def test_a_limit_that_is_reached_fails_the_turn_with_its_own_code(
    memory: World, start: Start, enough: Limits, scarce: Limits, code: str
) -> None:
    session, turn = await start(memory, costing(2, cost="0.10", tokens=(7, 3)), scarce)
    with pytest.raises(LimitReached, match=code) as reached:
        await turn
    assert reached.value.limit == code
    assert [event.code for event in await memory.all_of(session.id, TurnFailed)] == [code]
    assert (await session.state()).lease is None
    await check_log(memory, session.id)


@SCOPES
@pytest.mark.parametrize(
    "limits", [Limits(rounds=0), Limits(requests=0), Limits(tokens=0), Limits(cost=Decimal(0))], ids=str
)
async def test_nothing_is_asked_where_nothing_is_allowed(memory: World, start: Start, limits: Limits) -> None:
    model = costing(0)
    _, turn = await start(memory, model, limits)
    with pytest.raises(LimitReached):
        await turn
    assert model.requests == []


async def test_no_tool_call_is_a_limit_too_and_the_model_may_answer(memory: World) -> None:
    session = await memory.session(costing(0), look)
    assert (await session.append_turn("Go.", limits=Limits(tool_calls=0))).text == "Done."


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(rounds=2), "round_limit"),
        (Limits(requests=2), "request_limit"),
        (Limits(tool_calls=1), "tool_call_limit"),
        (Limits(tokens=1), "token_limit"),
    ],
)
async def test_what_was_used_before_a_restart_counts(
    shared_url: str, open_world: MakeWorld, limits: Limits, code: str
) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    script: Script = [asks("act"), asks("act"), "Done."]
    session = await here.session(script, act)
    waiting = await session.append_turn("Go.", limits=limits)
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    with pytest.raises(LimitReached) as reached:
        await (await there.again(session.id, script, act)).resume_turn()
    assert reached.value.limit == code
    await check_log(there, session.id)


async def test_a_session_counts_what_all_its_turns_used(world: World) -> None:
    session = await world.session(costing(0, tokens=(7, 3)), limits=Limits(tokens=15))
    await session.append_turn("One.")
    await session.append_turn("Two.")
    with pytest.raises(LimitReached, match="the session allows 15 tokens") as reached:
        await session.append_turn("Three.")
    assert "--limit" not in reached.value.message


async def test_a_turn_counts_only_what_it_used_itself(memory: World) -> None:
    session = await memory.session(costing(0, tokens=(7, 3)))
    for _ in range(3):
        await session.append_turn("Again.", limits=Limits(tokens=1, rounds=1, requests=1))


async def test_attempts_count_as_requests_and_not_as_rounds(memory: World) -> None:
    session = await memory.session([ScriptedReply(text="Done.", failures=(BUSY, BUSY))])
    assert (await session.append_turn("Go.", limits=Limits(rounds=1, requests=3))).text == "Done."
    session = await memory.session([ScriptedReply(text="Done.", failures=(BUSY, BUSY))])
    with pytest.raises(LimitReached, match="request_limit"):
        await session.append_turn("Go.", limits=Limits(rounds=1, requests=2))


async def test_what_nobody_knows_the_price_of_counts_nothing(memory: World) -> None:
    session = await memory.session(costing(2), look)
    assert (await session.append_turn("Go.", limits=Limits(cost=Decimal("0.01")))).text == "Done."


async def test_a_batch_that_would_be_too_many_calls_does_not_begin(memory: World) -> None:
    model = ScriptedModel([asks("look", "look", "look"), "Done."])
    session = await memory.session(model, look)
    with pytest.raises(LimitReached, match="tool_call_limit"):
        await session.append_turn("Go.", limits=Limits(tool_calls=2))
    assert await memory.all_of(session.id, ToolCallStarted) == []
    assert len(await memory.all_of(session.id, ToolCallDenied)) == 3
    assert (await session.resume_turn()).text == "Done."
    assert "tool calls" in last_results(model)[0]


# Resuming


async def test_resuming_without_larger_limits_fails_the_same_way_and_asks_nobody(world: World) -> None:
    model = ScriptedModel([asks("look"), "Done."])
    session = await world.session(model, look)
    with pytest.raises(LimitReached, match="round_limit"):
        await session.append_turn("Go.", limits=Limits(rounds=1))
    for _ in range(2):
        with pytest.raises(LimitReached, match="round_limit"):
            await session.resume_turn()
    assert len(model.requests) == 1
    assert len(await world.all_of(session.id, ToolCallFinished)) == 1
    await check_log(world, session.id)


async def test_resuming_with_larger_limits_goes_on_from_there(world: World) -> None:
    model = ScriptedModel([asks("look"), "Done."])
    session = await world.session(model, look)
    with pytest.raises(LimitReached) as reached:
        await session.append_turn("Go.", limits=Limits(rounds=1))
    assert f"turnlog resume {session.id} --limit rounds=" in reached.value.message
    assert (await session.resume_turn(limits=Limits(rounds=2))).text == "Done."
    assert len(await world.all_of(session.id, ToolCallFinished)) == 1


async def test_a_session_with_larger_limits_goes_on(world: World) -> None:
    model = ScriptedModel([asks("look"), "Done."])
    session = await world.session(model, look, limits=Limits(requests=1))
    with pytest.raises(LimitReached):
        await session.append_turn("Go.")
    await session.configure(limits=Limits(requests=2))
    assert (await session.resume_turn()).text == "Done."


async def test_the_settings_bound_a_turn_that_says_nothing_of_rounds(memory: World, open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(max_rounds=2, poll_seconds=0.02))
    session = await world.session([asks("look")] * 5, look)
    with pytest.raises(LimitReached, match="round_limit"):
        await session.append_turn("Go.", limits=Limits(tokens=10**9))
    with pytest.raises(LimitReached, match="round_limit"):
        await session.resume_turn(limits=Limits(rounds=4))
    assert (await session.state()).spent.rounds == 4


# Deadlines


def soon(world: World) -> Limits:
    """The clock stands still, so this is a moment from now, in time that passes."""
    return Limits(deadline=world.clock.now() + timedelta(milliseconds=50))


@SCOPES
async def test_nothing_is_asked_after_the_deadline(memory: World, start: Start) -> None:
    model = costing(0)
    session, turn = await start(memory, model, Limits(deadline=memory.clock.now()))
    with pytest.raises(LimitReached, match="deadline"):
        await turn
    assert model.requests == []
    assert [event.code for event in await memory.all_of(session.id, TurnFailed)] == ["deadline"]


async def test_seconds_count_from_the_start_of_the_turn(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    waiting = await session.append_turn("Go.", limits=Limits(seconds=60))
    await session.resolve_permission(waiting.waiting_for[0], allow())
    memory.clock.advance(60)
    with pytest.raises(LimitReached, match="deadline"):
        await session.resume_turn()
    assert (await session.resume_turn(limits=Limits(seconds=61))).outcome == "answered"


async def test_seconds_of_a_session_count_from_its_start(memory: World) -> None:
    session = await memory.session(costing(0), limits=Limits(seconds=60))
    await session.append_turn("Go.")
    memory.clock.advance(60)
    with pytest.raises(LimitReached, match="the session had to be done"):
        await session.append_turn("Go on.")


@SCOPES
async def test_a_slow_answer_is_given_up_at_the_deadline(memory: World, start: Start) -> None:
    session, turn = await start(memory, PacedModel(["Never."]), soon(memory))
    with pytest.raises(LimitReached, match="deadline"):
        await turn
    (failed,) = await memory.all_of(session.id, ModelFailed)
    assert (failed.failure, failed.phase, failed.retry_delay) == ("timeout", "read", None)
    assert [event.code for event in await memory.all_of(session.id, TurnFailed)] == ["deadline"]
    assert (await session.state()).lease is None


async def test_after_the_deadline_the_turn_goes_on_with_a_later_one(world: World) -> None:
    session = await world.session(PacedModel(["Never."]))
    with pytest.raises(LimitReached):
        await session.append_turn("Go.", limits=soon(world))
    model = ScriptedModel(["Done."])
    again = await world.again(session.id, model)
    later = Limits(deadline=world.clock.now() + timedelta(hours=1))
    assert (await again.resume_turn(limits=later)).text == "Done."


async def test_a_tool_is_stopped_at_the_deadline_and_its_siblings_keep_their_results(world: World) -> None:
    wait, model = Paced(), ScriptedModel([asks("look", "wait"), "Done."])
    session = await world.session(model, look, wait.tool)
    with pytest.raises(LimitReached, match="deadline"):
        await session.append_turn("Go.", limits=Limits(deadline=world.clock.now() + timedelta(milliseconds=500)))
    assert wait.cancelled.is_set()
    finished = await world.all_of(session.id, ToolCallFinished)
    assert [event.is_error for event in finished] == [False, True]
    await session.resume_turn(limits=Limits(rounds=9))
    assert last_results(model) == [
        "seen",
        "stopped, because the turn's deadline passed, while it was running; what it had done by then stays done",
    ]
    await check_log(world, session.id)


async def test_the_deadline_passes_while_a_person_is_waited_for(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    with pytest.raises(LimitReached, match="deadline"):
        await session.append_turn("Go.", approvals="wait", limits=soon(memory))
    assert await memory.turnlog.approvals() == []


async def test_a_deadline_far_away_is_no_trouble(memory: World) -> None:
    session = await memory.session(costing(1), look)
    assert (await session.append_turn("Go.", limits=Limits(seconds=1e9))).text == "Done."


@pytest.mark.parametrize("seconds", [1e10, 1e18, 1e300, float("inf"), float("nan"), 0, -1])
def test_a_time_that_no_calendar_has_is_no_limit(seconds: float) -> None:
    with pytest.raises(ValidationError):
        Limits(seconds=seconds)


async def test_a_limit_may_be_reached_while_something_waits_to_be_said(memory: World) -> None:
    model = PacedModel(["First.", "Second."])
    session = await memory.session(model)
    turn = asyncio.create_task(session.append_turn("Go.", limits=Limits(rounds=1)))
    await model.asked.wait()
    await session.steer("And?")
    model.go.set()
    with pytest.raises(LimitReached):
        await turn
    assert (await session.resume_turn(limits=Limits(rounds=2))).text == "Second."
