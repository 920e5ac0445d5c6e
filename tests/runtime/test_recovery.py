"""A worker that is gone, and a resumed turn that does nothing twice. Processes that die for real are in tests/fault."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    Effect,
    ModelRequested,
    NothingToResume,
    Resolution,
    SessionBusy,
    Tool,
    ToolCallAuthorized,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnResumed,
    TurnSuspended,
    every_call,
)
from turnlog.runtime import RuleDraft, SessionHandle, allow

from .conftest import MakeWorld
from .world import Crash, ScriptedModel, ScriptedReply, World, asks, check_log, last_results, tool

DONE: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    DONE.clear()


def act(effect: Effect, *, dies: int = 0) -> Tool:
    """A tool that notes that it ran; its first runs take the worker with them."""
    left = [dies]

    @tool(name="act", effect=effect)
    async def act() -> str:
        """Act."""
        DONE.append("ran")
        if left[0]:
            left[0] -= 1
            raise Crash
        return "acted"

    return act


def die_after(kind: type[Any]) -> Callable[[tuple[Change, ...]], None]:
    """For `WatchedLog.after`: dies when an event of this kind has been appended."""

    def after(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, kind) for change in changes for event in change.events):
            raise Crash

    return after


async def crashed(world: World, effect: Effect, script: ScriptedModel | None = None) -> SessionHandle:
    """A session whose worker died in the middle of a call."""
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    session = await world.session(script or ScriptedModel([asks("act"), "Done."]), act(effect, dies=1))
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Act.")
    assert DONE == ["ran"]
    return session


@pytest.mark.parametrize("effect", ["pure", "idempotent"])
async def test_a_call_that_may_be_repeated_is_run_again(world: World, effect: Effect) -> None:
    session = await crashed(world, effect)
    assert (await session.resume_turn()).text == "Done."
    assert [event.attempt for event in await world.all_of(session.id, ToolCallStarted)] == [1, 2]
    await check_log(world, session.id)


async def test_both_attempts_at_a_call_have_the_same_idempotency_key(world: World) -> None:
    session = await crashed(world, "idempotent")
    await session.resume_turn()
    assert len({event.idempotency_key for event in await world.all_of(session.id, ToolCallStarted)}) == 1


async def test_a_call_that_must_not_be_repeated_is_of_unknown_outcome(world: World) -> None:
    session = await crashed(world, "external")
    reply = await session.resume_turn()
    assert (reply.outcome, reply.reason) == ("suspended", "unknown_outcome")
    assert [event.call_id for event in await world.all_of(session.id, ToolOutcomeUnknown)] == list(reply.waiting_for)
    assert DONE == ["ran"]


CHECKED = "(user:ada, 2026-01-05 09:00:00 UTC: checked)"


@pytest.mark.parametrize(
    ("said", "told", "runs"),
    [
        ("did", f"A person confirmed that this call took effect; its output was lost {CHECKED}.", 1),
        ("did_not", f"A person confirmed that this call did not take effect {CHECKED}.", 1),
        ("retry", "acted", 2),
    ],
)
async def test_a_person_says_what_became_of_it(world: World, said: Resolution, told: str, runs: int) -> None:
    script = ScriptedModel([asks("act"), "Done."])
    session = await crashed(world, "external", script)
    assert (await session.resume_turn(unknown=said, reason="checked")).text == "Done."
    assert last_results(script) == [told]
    assert len(DONE) == runs


async def test_what_became_of_a_call_can_be_said_before_resuming(world: World) -> None:
    session = await crashed(world, "external")
    reply = await session.resume_turn()
    await session.resolve_unknown(reply.waiting_for[0], "did", "I looked")
    assert (await session.resume_turn()).text == "Done."
    assert [event.reason for event in await world.all_of(session.id, ToolOutcomeResolved)] == ["I looked"]


async def test_a_second_crash_during_a_retry_is_asked_about_again(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    session = await memory.session([asks("act"), "Done."], act("external", dies=2))
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Act.")
    with pytest.raises(BaseExceptionGroup):
        await session.resume_turn(unknown="retry")
    reply = await session.resume_turn()
    assert (reply.outcome, len(DONE)) == ("suspended", 2)


async def test_a_turn_that_waits_for_somebody_to_say_is_not_suspended_twice(world: World) -> None:
    session = await crashed(world, "external")
    await session.resume_turn()
    before = await world.events(session.id)
    assert (await session.resume_turn()).reason == "unknown_outcome"
    assert await world.events(session.id) == before


async def test_an_idempotent_tool_that_became_external_is_not_run_again(world: World) -> None:
    session = await crashed(world, "idempotent")
    again = await world.again(session.id, [asks("act"), "Done."], act("external"))
    assert (await again.resume_turn()).reason == "unknown_outcome"
    assert DONE == ["ran"]


async def test_a_tool_that_is_no_longer_there_leaves_the_outcome_unknown(world: World) -> None:
    session = await crashed(world, "pure")
    again = await world.again(session.id, [asks("act"), "Done."])
    assert (await again.resume_turn()).reason == "unknown_outcome"


async def test_a_tool_whose_schema_changed_leaves_the_outcome_unknown(world: World) -> None:
    session = await crashed(world, "idempotent")

    @tool(name="act", effect="idempotent")
    def other(level: int = 0) -> str:
        """Act otherwise."""
        DONE.append("other")
        return "acted otherwise"

    again = await world.again(session.id, [asks("act"), "Done."], other)
    assert (await again.resume_turn()).reason == "unknown_outcome"
    assert DONE == ["ran"]


async def test_a_call_that_was_never_announced_is_run_once(world: World) -> None:
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))

    def before(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, ToolCallStarted) for change in changes for event in change.events):
            raise Crash

    session = await world.session([asks("act"), "Done."], act("external"))
    world.log.before = before
    with pytest.raises(Crash):
        await session.append_turn("Act.")
    world.log.before = lambda changes: None
    assert DONE == []
    assert (await session.resume_turn()).text == "Done."
    assert DONE == ["ran"]
    await check_log(world, session.id)


async def test_a_request_without_an_answer_is_sent_again_as_the_next_attempt(world: World) -> None:
    session = await world.session(["Hello."])
    world.log.after = die_after(ModelRequested)
    with pytest.raises(Crash):
        await session.append_turn("Hi.")
    world.log.after = lambda changes: None
    assert (await session.resume_turn()).text == "Hello."
    requests = await world.all_of(session.id, ModelRequested)
    assert [(event.round, event.attempt) for event in requests] == [(1, 1), (1, 2)]


async def test_both_attempts_at_a_request_have_the_same_digest(world: World) -> None:
    session = await world.session(["Hello."])
    world.log.after = die_after(ModelRequested)
    with pytest.raises(Crash):
        await session.append_turn("Hi.")
    world.log.after = lambda changes: None
    await session.resume_turn()
    assert len({event.digest for event in await world.all_of(session.id, ModelRequested)}) == 1


async def test_siblings_that_finished_are_not_run_again(world: World) -> None:
    first: list[str] = []

    @tool(effect="idempotent")
    def note() -> str:
        """Note it."""
        first.append("ran")
        return "noted"

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "note")))
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    script = ScriptedModel([asks("note", "act"), "Done."])
    session = await world.session(script, note, act("idempotent", dies=1))
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Go.")
    await session.resume_turn()
    assert (first, last_results(script)) == (["ran"], ["noted", "acted"])


async def test_an_approval_given_before_the_crash_is_not_asked_for_again(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act("external"))
    waiting = await session.append_turn("Act.")
    await session.resolve_permission(waiting.waiting_for[0], allow())
    world.log.after = die_after(TurnResumed)
    with pytest.raises(Crash):
        await session.resume_turn()
    world.log.after = lambda changes: None
    reply = await session.resume_turn()
    assert reply.reason != "permission"
    assert len(await world.all_of(session.id, ToolCallAuthorized)) == 1


async def test_results_that_were_recorded_are_used_after_a_crash(world: World) -> None:
    script = ScriptedModel([asks("act"), "Done."])
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    session = await world.session(script, act("external"))
    world.log.after = die_after(ToolCallFinished)
    with pytest.raises(Crash):
        await session.append_turn("Act.")
    world.log.after = lambda changes: None
    assert (await session.resume_turn()).text == "Done."
    assert DONE == ["ran"]


@pytest.mark.parametrize("script", [["Hello."], []], ids=["completed", "new"])
async def test_resuming_where_nothing_waits_changes_nothing(world: World, script: list[ScriptedReply | str]) -> None:
    session = await world.session(script)
    if script:
        await session.append_turn("Hi.")
    before = (await world.events(session.id), await session.metadata())
    with pytest.raises(NothingToResume):
        await session.resume_turn()
    assert (await world.events(session.id), await session.metadata()) == before


async def test_resuming_a_turn_that_still_waits_appends_nothing(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act("external"))
    first = await session.append_turn("Act.")
    before = await world.events(session.id)
    assert await session.resume_turn() == first
    assert await world.events(session.id) == before
    assert len(await world.all_of(session.id, TurnSuspended)) == 1


async def test_a_cancelled_turn_can_be_resumed(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act("external"))
    await session.append_turn("Act.")
    await session.cancel()
    assert (await session.resume_turn()).text == "Done."
    assert DONE == []


async def test_a_worker_that_still_lives_keeps_the_session(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    session = await crashed(here, "external")
    there.neighbours.answer = True
    with pytest.raises(SessionBusy):
        await (await there.again(session.id, ["Done."], act("external"))).resume_turn()


async def test_a_worker_nobody_can_ask_about_keeps_the_session(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    session = await crashed(here, "external")
    there.neighbours.answer = None
    with pytest.raises(SessionBusy):
        await (await there.again(session.id, ["Done."], act("external"))).resume_turn()


async def test_a_session_can_be_taken_from_a_worker_nobody_can_ask_about(
    shared_url: str, open_world: MakeWorld
) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    session = await crashed(here, "idempotent")
    there.neighbours.answer = None
    again = await there.again(session.id, [asks("act"), "Done."], act("idempotent"))
    assert (await again.resume_turn(take_over=True)).text == "Done."


async def test_an_append_that_was_made_while_its_caller_was_cancelled_is_not_made_again(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act("external"))
    await session.append_turn("Act.")
    await world.turnlog.resolve_permission((await world.turnlog.approvals())[0].request_id, allow())

    def cancelled_after(changes: tuple[Change, ...]) -> None:
        world.log.after = lambda changes: None
        raise asyncio.CancelledError

    world.log.after = cancelled_after
    with pytest.raises(asyncio.CancelledError):
        await session.resume_turn()
    recorded = [type(record.event) for record in (await world.turnlog.show(session.id)).history]
    assert recorded.count(TurnResumed) == 1
    assert recorded.count(TurnCancelled) == 1
    await check_log(world, session.id)
