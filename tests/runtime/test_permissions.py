"""Questions to a person: asked once, answered from anywhere, bound to the exact call."""

import asyncio
from datetime import timedelta

import pytest

from turnlog.domain import (
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    RuleRemembered,
    ToolCallAuthorized,
    ToolCallDenied,
    TurnSuspended,
)
from turnlog.runtime import PermissionDecision, SessionHandle, allow, deny

from .conftest import MakeWorld
from .sending import SENT, send
from .world import ScriptedModel, World, asks, check_log, last_results, tool, until

pytestmark = pytest.mark.usefixtures("nothing_sent")


async def suspended(world: World, script: ScriptedModel | None = None, **more: str) -> tuple[SessionHandle, str]:
    """A session that waits for a person, and the request."""
    session = await world.session(script or ScriptedModel([asks("send"), "Done."]), send, **more)
    reply = await session.append_turn("Send it.")
    return session, reply.waiting_for[0]


async def test_a_call_that_changes_something_suspends_the_turn(world: World) -> None:
    session, request_id = await suspended(world)
    assert (await session.metadata()).status == "suspended"
    (event,) = await world.all_of(session.id, TurnSuspended)
    assert (event.reason, event.waiting_for) == ("permission", (request_id,))


async def test_a_suspended_turn_has_given_the_session_back(world: World) -> None:
    session, _ = await suspended(world)
    assert (await session.state()).lease is None


async def test_an_answer_lets_the_turn_go_on(world: World) -> None:
    session, request_id = await suspended(world)
    await session.resolve_permission(request_id, allow())
    assert (await session.resume_turn()).text == "Done."
    assert SENT == ["bo"]
    await check_log(world, session.id)


async def test_the_answer_names_who_gave_it(shared_url: str, open_world: MakeWorld) -> None:
    ada, bo = open_world(shared_url), open_world(shared_url, user="bo", worker="there")
    session, request_id = await suspended(ada)
    await bo.turnlog.resolve_permission(request_id[:16], allow())
    (resolved,) = await ada.all_of(session.id, PermissionResolved)
    assert str(resolved.actor) == "user:bo"


async def test_a_turn_that_waits_goes_on_with_an_answer_from_another_process(
    shared_url: str, open_world: MakeWorld
) -> None:
    ada, bo = open_world(shared_url), open_world(shared_url, worker="there")
    session = await ada.session([asks("send"), "Done."], send)
    turn = asyncio.create_task(session.append_turn("Send it.", approvals="wait"))
    await until(bo.turnlog.approvals)
    (question,) = await bo.turnlog.approvals()
    await bo.turnlog.resolve_permission(question.request_id, allow())
    assert (await turn).text == "Done."


async def test_a_turn_that_waits_goes_on_with_an_answer_through_the_same_log(world: World) -> None:
    session = await world.session([asks("send"), "Done."], send)
    turn = asyncio.create_task(session.append_turn("Send it.", approvals="wait"))
    await until(world.turnlog.approvals)
    (question,) = await world.turnlog.approvals()
    await session.resolve_permission(question.request_id, allow())
    assert (await turn).text == "Done."


async def test_a_refusal_reaches_the_model_with_its_reason(world: World) -> None:
    script = ScriptedModel([asks("send"), "Done."])
    session, request_id = await suspended(world, script)
    await session.resolve_permission(request_id, deny("bo is away"))
    await session.resume_turn()
    assert last_results(script) == ["denied by the person asked: bo is away"]
    assert SENT == []


async def test_a_refused_call_has_one_terminal_event(world: World) -> None:
    session, request_id = await suspended(world)
    await session.resolve_permission(request_id, deny())
    await session.resume_turn()
    (denied,) = await world.all_of(session.id, ToolCallDenied)
    assert (denied.by, denied.source) == ("person", request_id)


@pytest.mark.parametrize("first", [allow(), deny()], ids=["allowed", "denied"])
async def test_a_second_answer_is_refused_and_told_who_was_faster(world: World, first: PermissionDecision) -> None:
    session, request_id = await suspended(world)
    await session.resolve_permission(request_id, first)
    before = await world.events(session.id)
    with pytest.raises(CommandRefused, match="by user:ada"):
        await session.resolve_permission(request_id, allow(remember="global"))
    assert await world.events(session.id) == before
    assert await world.turnlog.rules() == []


async def test_of_many_answers_at_once_one_counts(shared_url: str, open_world: MakeWorld) -> None:
    worlds = [open_world(shared_url, worker=f"w{n}") for n in range(4)]
    session, request_id = await suspended(worlds[0])
    answers = [world.turnlog.resolve_permission(request_id, allow(remember="global")) for world in worlds]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert len(await worlds[0].all_of(session.id, PermissionResolved)) == 1
    assert len(await worlds[0].turnlog.rules()) == 1


async def test_an_answer_to_nothing_is_refused(world: World) -> None:
    session, _ = await suspended(world)
    with pytest.raises(NotFound):
        await session.resolve_permission("request_none", allow())


async def test_a_late_answer_changes_nothing(world: World) -> None:
    session, request_id = await suspended(world)
    world.clock.advance(timedelta(days=2).total_seconds())
    before = await world.events(session.id)
    with pytest.raises(CommandRefused, match="expired"):
        await session.resolve_permission(request_id, allow(remember="global"))
    assert await world.events(session.id) == before
    assert await world.turnlog.rules() == []


async def test_an_expired_question_closes_its_call_when_the_turn_is_resumed(world: World) -> None:
    script = ScriptedModel([asks("send"), "Done."])
    session, _ = await suspended(world, script)
    world.clock.advance(timedelta(days=2).total_seconds())
    assert (await session.resume_turn()).text == "Done."
    assert last_results(script) == ["nobody answered the request for permission in time"]
    assert len(await world.all_of(session.id, PermissionExpired)) == 1


async def test_a_question_that_expires_while_the_turn_waits_closes_its_call(memory: World) -> None:
    session = await memory.session([asks("send"), "Done."], send)
    turn = asyncio.create_task(session.append_turn("Send it.", approvals="wait"))
    await until(memory.turnlog.approvals)
    memory.clock.advance(timedelta(days=2).total_seconds())
    assert (await turn).text == "Done."
    assert SENT == []


async def test_an_answer_that_grew_too_old_is_asked_for_anew(world: World) -> None:
    session, request_id = await suspended(world)
    await session.resolve_permission(request_id, allow())
    world.clock.advance(timedelta(days=2).total_seconds())
    reply = await session.resume_turn()
    assert reply.outcome == "suspended"
    assert reply.waiting_for != (request_id,)
    assert SENT == []


async def test_a_tool_that_changed_since_the_approval_is_asked_about_anew(world: World) -> None:
    session, request_id = await suspended(world)
    await session.resolve_permission(request_id, allow())

    @tool(name="send")
    def other(to: str = "everybody") -> str:
        """Send it to everybody."""
        raise AssertionError("not approved")

    reply = await (await world.again(session.id, [asks("send"), "Done."], other)).resume_turn()
    assert reply.outcome == "suspended"
    assert [event.request_id for event in await world.all_of(session.id, PermissionStale)] == [request_id]


async def test_the_digest_that_was_approved_is_the_one_that_runs(world: World) -> None:
    session, request_id = await suspended(world)
    await session.resolve_permission(request_id, allow())
    await session.resume_turn()
    (asked,) = await world.all_of(session.id, PermissionRequested)
    (authorized,) = await world.all_of(session.id, ToolCallAuthorized)
    assert (authorized.digest, authorized.source) == (asked.digest, request_id)


async def test_sessions_with_equal_provider_call_ids_do_not_touch(world: World) -> None:
    one, first = await suspended(world)
    other, second = await suspended(world)
    await one.resolve_permission(first, allow())
    await one.resume_turn()
    assert first != second
    assert (await other.metadata()).pending == (second,)
    assert await world.all_of(other.id, ToolCallAuthorized) == []


async def test_a_pending_question_survives_the_process(shared_url: str, open_world: MakeWorld) -> None:
    first = World(shared_url)
    session, request_id = await suspended(first)
    await first.close()
    second = open_world(shared_url, worker="later")
    await second.turnlog.resolve_permission(request_id, allow())
    again = await second.again(session.id, [asks("send"), "Done."], send)
    assert (await again.resume_turn()).text == "Done."


async def test_cancelling_takes_a_question_back(world: World) -> None:
    session, request_id = await suspended(world)
    await session.cancel()
    with pytest.raises(CommandRefused):
        await session.resolve_permission(request_id, allow(remember="global"))
    assert await world.turnlog.approvals() == []
    assert await world.turnlog.rules() == []
    await check_log(world, session.id)


async def test_of_two_questions_each_is_answered_by_itself(world: World) -> None:
    script = ScriptedModel([asks(("send", {"to": "a"}), ("send", {"to": "b"})), "Done."])
    session = await world.session(script, send)
    first, second = (await session.append_turn("Send both.")).waiting_for
    await session.resolve_permission(second, allow())
    assert (await session.resume_turn()).waiting_for == (first,)
    assert SENT == []
    await session.resolve_permission(first, deny())
    assert (await session.resume_turn()).text == "Done."
    assert SENT == ["b"]


async def test_a_wait_for_a_person_can_be_stopped(world: World) -> None:
    session = await world.session([asks("send"), "Done."], send)
    turn = asyncio.create_task(session.append_turn("Send it.", approvals="wait"))
    await until(world.turnlog.approvals)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert await world.turnlog.approvals() == []
    assert (await session.metadata()).status == "idle"


async def test_an_answer_that_cannot_be_remembered_leaves_the_question_open(world: World) -> None:
    session, request_id = await suspended(world)
    with pytest.raises(InvalidInput, match="no project"):
        await session.resolve_permission(request_id, allow(remember="project"))
    assert [question.request_id for question in await world.turnlog.approvals()] == [request_id]
    assert await world.all_of(session.id, RuleRemembered) == []
