"""What is said to a turn under way: it reaches the model once, in order, at the next boundary, or is refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    CommandRefused,
    Event,
    ImageBlock,
    InputDelivered,
    InputQueued,
    InvalidInput,
    ModelRequested,
    TextBlock,
    ToolImage,
    TurnCompleted,
    TurnFailure,
    TurnSuspended,
)
from turnlog.projections import UserSaid
from turnlog.runtime import Reply, SessionHandle, allow

from .conftest import MakeWorld
from .paced import Paced, PacedModel, seen, under_way
from .world import Crash, ScriptedFailure, ScriptedModel, ScriptedReply, World, act, asks, check_log, look

PNG = b"\x89PNG\r\n\x1a\n rest"


def when(kind: type[Event], do: Callable[[], Any]) -> Callable[[tuple[Change, ...]], None]:
    """For `WatchedLog.before` and `after`: does something once, when an append has an event of this kind in it."""
    left = [do]

    def hook(changes: tuple[Change, ...]) -> None:
        if left and any(isinstance(event, kind) for change in changes for event in change.events):
            left.pop()()

    return hook


def crash() -> None:
    raise Crash


async def test_what_is_said_meanwhile_follows_the_results_of_the_round(world: World) -> None:
    wait, model = Paced(), ScriptedModel([asks("wait", "look"), "Done."])
    session = await world.session(model, wait.tool, look)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await session.steer("Mind the gap.")
    wait.go.set()
    assert (await turn).text == "Done."
    assert seen(model.requests[1]) == ["Go.", "tool_call", "tool_call", "tool_result", "tool_result", "Mind the gap."]
    await check_log(world, session.id)


async def test_several_are_delivered_in_the_order_they_were_said(world: World) -> None:
    model = PacedModel([asks("look"), "Done."])
    session, turn = await under_way(world, model, look)
    for text in ("one", "two", "three"):
        await session.steer(text)
    model.go.set()
    await turn
    assert seen(model.requests[1])[-3:] == ["one", "two", "three"]
    assert len(await world.all_of(session.id, InputDelivered)) == 1


async def test_what_is_said_during_the_last_answer_is_answered_too(world: World) -> None:
    model = PacedModel(["First.", "Second."])
    session, turn = await under_way(world, model)
    await session.steer("And?")
    model.go.set()
    assert (await turn).text == "Second."
    assert seen(model.requests[1]) == ["Go.", "First.", "And?"]
    await check_log(world, session.id)


async def test_a_follow_up_is_delivered_when_the_turn_would_end(world: World) -> None:
    model = PacedModel([asks("look"), "First.", "Second."])
    session, turn = await under_way(world, model, look)
    await session.follow_up("And then?")
    model.go.set()
    assert (await turn).text == "Second."
    assert "And then?" not in seen(model.requests[1])
    assert seen(model.requests[2])[-2:] == ["First.", "And then?"]
    assert len(await world.all_of(session.id, TurnCompleted)) == 1


async def test_what_steers_comes_before_what_follows_up(memory: World) -> None:
    model = ScriptedModel([asks("act"), "First.", "Second."])
    session = await memory.session(model, act)
    waiting = await session.append_turn("Go.")
    await session.follow_up("later")
    await session.steer("now")
    await session.resolve_permission(waiting.waiting_for[0], allow())
    await session.resume_turn()
    assert seen(model.requests[2])[-4:] == ["tool_result", "now", "First.", "later"]


async def test_a_turn_is_steered_from_another_process(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    model = PacedModel(["First.", "Second."])
    session, turn = await under_way(here, model)
    await (await there.again(session.id, [])).steer("From over there.")
    model.go.set()
    assert (await turn).text == "Second."
    assert seen(model.requests[1])[-1] == "From over there."


async def test_what_is_said_to_a_suspended_turn_waits_for_it_to_go_on(world: World) -> None:
    model = ScriptedModel([asks("act"), "Done."])
    session = await world.session(model, act)
    waiting = await session.append_turn("Go.")
    await session.steer("Carefully.")
    assert (await session.resume_turn()).waiting_for == waiting.waiting_for
    await session.resolve_permission(waiting.waiting_for[0], allow())
    assert (await session.resume_turn()).text == "Done."
    assert seen(model.requests[1])[-2:] == ["tool_result", "Carefully."]
    await check_log(world, session.id)


async def test_images_and_long_texts_reach_the_model_whole(world: World) -> None:
    model = PacedModel(["First.", "Second."])
    session, turn = await under_way(world, model)
    await session.steer(["é" * 100_000, ToolImage(PNG, "image/png")])
    model.go.set()
    await turn
    text, image = model.requests[1].messages[-1].blocks
    assert isinstance(text, TextBlock)
    assert isinstance(image, ImageBlock)
    assert text.text == "é" * 100_000


async def test_long_texts_are_kept_out_of_the_events(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    await session.append_turn("Go.")
    await session.steer("é" * 100_000)
    (queued,) = await memory.all_of(session.id, InputQueued)
    assert len(queued.model_dump_json()) < 2_000


async def test_the_transcript_has_it_where_the_model_saw_it(memory: World) -> None:
    model = PacedModel(["First.", "Second."])
    session, turn = await under_way(memory, model)
    await session.steer("And?")
    model.go.set()
    await turn
    said = [(item.kind, getattr(item, "as_input", None)) for item in await session.replay()]
    assert said[:4] == [("user_said", None), ("model_said", None), ("user_said", "steer"), ("model_said", None)]


# Exactly once, whatever happens


async def inputs(world: World, session_id: str) -> list[str]:
    """Which inputs reached the conversation, in order."""
    return [each for event in await world.all_of(session_id, InputDelivered) for each in event.input_ids]


async def steered(world: World, model: PacedModel) -> tuple[SessionHandle, asyncio.Task[Reply]]:
    """A session whose turn is under way, and was told something; its model still has to answer."""
    session, turn = await under_way(world, model)
    await session.steer("And?")
    return session, turn


async def crashes(turn: asyncio.Task[Reply]) -> None:
    with pytest.raises(Crash):
        await turn


async def test_a_crash_before_the_delivery_loses_nothing(world: World) -> None:
    model = PacedModel(["First.", "Second."])
    session, turn = await steered(world, model)
    world.log.before = when(InputDelivered, crash)
    model.go.set()
    await crashes(turn)
    script = ScriptedModel(["First.", "Second."])
    await (await world.again(session.id, script)).resume_turn()
    # The answer that was about to share the append may be gone with it; then the model is asked for it once more.
    assert seen(script.requests[-1]) in (["Go.", "First.", "And?"], ["Go.", "And?"])
    assert len(await inputs(world, session.id)) == 1
    await check_log(world, session.id)


async def test_a_crash_after_the_delivery_repeats_nothing(world: World) -> None:
    model = PacedModel(["First.", "Second."])
    session, turn = await steered(world, model)
    world.log.after = when(InputDelivered, crash)
    model.go.set()
    await crashes(turn)
    script = ScriptedModel(["First.", "Second."])
    assert (await (await world.again(session.id, script)).resume_turn()).text == "Second."
    assert seen(script.requests[-1]) == ["Go.", "First.", "And?"]
    assert len(await inputs(world, session.id)) == 1
    await check_log(world, session.id)


async def test_what_is_said_as_the_request_is_written_goes_with_it(memory: World) -> None:
    model = ScriptedModel([asks("look"), "Done.", "Done again."])
    session = await memory.session(model, look)
    said: list[asyncio.Task[None]] = []
    memory.log.after = when(ModelRequested, lambda: said.append(asyncio.create_task(session.steer("Quick."))))
    await session.append_turn("Go.")
    await said[0]
    assert [text for request in model.requests for text in seen(request)].count("Quick.") == len(model.requests) - 1
    await check_log(memory, session.id)


async def test_what_is_said_in_the_moment_the_turn_ends_is_answered_or_refused(world: World) -> None:
    model = ScriptedModel(["First.", "Second."])
    session = await world.session(model)
    said: list[asyncio.Task[None]] = []
    pause = asyncio.Event()
    append = world.log.append

    async def late_append(*changes: Change) -> Any:
        if any(isinstance(event, TurnCompleted) for change in changes for event in change.events) and not said:
            said.append(asyncio.create_task(session.steer("One more thing.")))
            said[0].add_done_callback(lambda task: pause.set())
            await pause.wait()
        return await append(*changes)

    world.log.append = late_append  # type: ignore[method-assign]
    reply = await session.append_turn("Go.")
    await said[0]
    assert reply.text == "Second."
    assert seen(model.requests[1]) == ["Go.", "First.", "One more thing."]
    assert (await session.state()).status == "idle"
    assert (await session.state()).lease is None


async def test_an_answer_in_the_moment_of_suspension_lets_the_turn_go_on(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act)
    done: list[bool] = []
    append = world.log.append

    async def late_append(*changes: Change) -> Any:
        suspends = any(isinstance(event, TurnSuspended) for change in changes for event in change.events)
        if suspends and not done:
            done.append(True)
            # The question is asked first, by itself; then it is answered before the turn is suspended.
            (change,) = changes
            kept = tuple(e for e in change.events if type(e).__name__ not in ("TurnSuspended", "LeaseReleased"))
            await append(Change(change.stream, change.after, kept))
            (question,) = await world.turnlog.approvals()
            await world.turnlog.resolve_permission(question.request_id, allow())
        return await append(*changes)

    world.log.append = late_append  # type: ignore[method-assign]
    assert (await session.append_turn("Go.")).text == "Done."
    assert await world.all_of(session.id, TurnSuspended) == []
    await check_log(world, session.id)


# What becomes of it where the turn ends otherwise


async def test_a_cancelled_turn_drops_what_the_model_has_not_seen(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act)
    await session.append_turn("Go.")
    await session.steer("Too late.")
    await session.cancel()
    model = ScriptedModel([asks("act"), "Done."])
    await (await world.again(session.id, model, act)).resume_turn()
    assert "Too late." not in seen(model.requests[-1])
    assert await world.all_of(session.id, InputDelivered) == []


async def test_a_failed_turn_keeps_it_for_when_it_is_resumed(world: World) -> None:
    refused = ScriptedFailure(failure="authentication", message="no such key")
    model = PacedModel([ScriptedReply(text="Done.", failures=(refused,))])
    session, turn = await steered(world, model)
    model.go.set()
    with pytest.raises(TurnFailure):
        await turn
    script = ScriptedModel(["Done."])
    await (await world.again(session.id, script)).resume_turn()
    assert seen(script.requests[0]) == ["Go.", "And?"]


@pytest.mark.parametrize("say", [SessionHandle.steer, SessionHandle.follow_up])
async def test_there_is_nothing_to_steer_where_no_turn_is_in_progress(
    memory: World, say: Callable[[SessionHandle, str], Any]
) -> None:
    session = await memory.session(["Done."])
    with pytest.raises(CommandRefused, match="no turn in progress"):
        await say(session, "Hello?")
    await session.append_turn("Go.")
    with pytest.raises(CommandRefused, match="no turn in progress"):
        await say(session, "Hello?")
    assert await memory.all_of(session.id, InputQueued) == []


@pytest.mark.parametrize("content", ["", " \n", [], [""]])
async def test_to_say_nothing_is_refused(memory: World, content: str | list[str]) -> None:
    session = await memory.session([asks("act")], act)
    await session.append_turn("Go.")
    with pytest.raises(InvalidInput):
        await session.steer(content)


async def test_what_was_said_to_a_turn_is_no_business_of_a_fork(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    await session.append_turn("Go.")
    await session.steer("Here only.")
    child = await session.fork()
    model = ScriptedModel(["", "", "Hm."])
    await (await memory.again(child.id, model, act)).append_turn("Go on.")
    assert "Here only." not in seen(model.requests[0])
    assert not [item for item in await child.replay() if isinstance(item, UserSaid) and item.as_input]
