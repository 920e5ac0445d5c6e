"""A session from its creation to its end, through the front door."""

import asyncio
import json
from uuid import UUID

import pytest

from turnlog import ScriptedModel, SessionHandle, Turnlog, allow, tool
from turnlog.domain import CommandRefused, InvalidInput, NotFound, Recorded, TurnFailure
from turnlog.projections import ModelSaid, ToolUsed, UserSaid

from ..runtime.world import ScriptedCall, ScriptedFailure, ScriptedReply

LOOKS = ScriptedReply(text="Looking.", calls=(ScriptedCall(name="look"),))
SENDS = ScriptedReply(calls=(ScriptedCall(name="send"),))
BROKEN = ScriptedReply(failure=ScriptedFailure(message="no such key"))


@tool(effect="pure")
def look() -> str:
    """Look."""
    return "seen"


@tool
def send() -> str:
    """Send."""
    return "sent"


async def session_of(log: Turnlog, *replies: ScriptedReply | str, title: str = "A session") -> SessionHandle:
    """A new session with a script."""
    return await log.create_session(title, model=ScriptedModel(replies), tools=[look, send])


async def test_a_new_session_has_its_title_and_model_and_no_turns(log: Turnlog) -> None:
    metadata = await (await session_of(log, title="Fix the build")).metadata()
    assert (metadata.title, metadata.model, metadata.status, metadata.turn_count, metadata.version) == (
        "Fix the build",
        "scripted:demo",
        "created",
        0,
        1,
    )
    assert metadata.created_at == metadata.updated_at


async def test_a_session_id_is_a_uuid_that_sorts_by_age(log: Turnlog) -> None:
    ids = [(await session_of(log)).id for _ in range(3)]
    assert [UUID(each).version for each in ids] == [7, 7, 7]
    assert ids == sorted(ids)


async def test_the_first_event_of_a_session_can_be_seen(log: Turnlog) -> None:
    session = await session_of(log)
    async for item in session.subscribe():
        assert isinstance(item, Recorded)
        assert (item.version, type(item.event).__name__) == (1, "SessionStarted")
        break


async def test_a_turn_returns_what_the_model_said(log: Turnlog) -> None:
    session = await session_of(log, "Hello.")
    assert (await session.append_turn("Hi.")).text == "Hello."
    metadata = await session.metadata()
    assert (metadata.status, metadata.turn_count) == ("idle", 1)


async def test_a_transcript_has_what_was_said_and_done_in_order(log: Turnlog) -> None:
    session = await session_of(log, LOOKS, "Done.")
    await session.append_turn("Go.")
    kinds = [type(item) for item in await session.replay()]
    assert kinds[:4] == [UserSaid, ModelSaid, ToolUsed, ModelSaid]


async def test_history_is_empty_before_the_first_turn(log: Turnlog) -> None:
    session = await session_of(log, "Hello.")
    assert await session.history() == ()


async def test_history_has_both_sides_after_a_turn(log: Turnlog) -> None:
    session = await session_of(log, "Hello.")
    await session.append_turn("Hi.")
    assert [(message.role, message.blocks[0].type) for message in await session.history()] == [
        ("user", "text"),
        ("assistant", "text"),
    ]


async def test_many_pieces_of_an_answer_do_not_push_out_the_events(log: Turnlog) -> None:
    session = await session_of(log, LOOKS.model_copy(update={"text": "x" * 600, "chunk": 1}), "Done.")
    kinds: list[str] = []
    begun = asyncio.Event()

    async def follow() -> None:
        async for item in session.subscribe():
            begun.set()
            kinds.append(type(item.event).__name__ if isinstance(item, Recorded) else "piece")
            if kinds[-1] == "LeaseReleased":
                return

    reader = asyncio.create_task(follow())
    await begun.wait()
    await session.append_turn("Go.")
    await reader
    assert kinds.count("piece") > 600
    assert {"ToolCallStarted", "ToolCallFinished", "TurnCompleted"} < set(kinds)


async def test_every_event_of_a_turn_is_json(log: Turnlog) -> None:
    session = await session_of(log, LOOKS, SENDS, "Done.")
    await session.append_turn("Go.")
    moment = await log.show(session.id)
    for record in moment.history:
        assert json.loads(record.event.model_dump_json())["at"]


async def test_a_failed_turn_is_recorded_and_the_next_one_works(log: Turnlog) -> None:
    session = await session_of(log, BROKEN)
    with pytest.raises(TurnFailure):
        await session.append_turn("Hi.")
    assert (await session.metadata()).status == "failed"
    again = await log.open_session(session.id, model=ScriptedModel(["Better."]))
    assert (await again.append_turn("And now?")).text == "Better."
    metadata = await again.metadata()
    assert (metadata.status, metadata.turn_count) == ("idle", 1)


async def test_a_session_that_is_opened_again_is_the_same_session(log: Turnlog) -> None:
    session = await session_of(log, "Hello.", "Again.", title="Mine")
    await session.append_turn("Hi.")
    again = await log.open_session(session.id, model=ScriptedModel(["Hello.", "Again."]))
    assert await again.metadata() == await session.metadata()
    assert (await again.append_turn("More.")).text == "Again."


async def test_a_session_survives_its_process(shared_url: str) -> None:
    async with Turnlog.open(shared_url) as first:
        session = await session_of(first, SENDS, "Done.")
        waiting = await session.append_turn("Go.")
    async with Turnlog.open(shared_url) as second:
        await second.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
        again = await second.open_session(session.id, model=ScriptedModel([SENDS, "Done."]), tools=[send])
        assert (await again.resume_turn()).text == "Done."
        assert len(await again.remembered_rules()) == 1


async def test_sessions_are_listed_the_latest_changed_first(log: Turnlog) -> None:
    first, second = await session_of(log, "Hello.", title="a"), await session_of(log, title="b")
    await first.append_turn("Hi.")
    assert [found.id for found in await log.list_sessions()] == [first.id, second.id]


async def test_a_session_is_found_by_the_beginning_of_its_id(log: Turnlog) -> None:
    session = await session_of(log)
    assert await log.find_session(session.id[:30]) == session.id


@pytest.mark.parametrize("prefix", ["x", "rules."])
async def test_what_is_no_session_is_not_found(log: Turnlog, prefix: str) -> None:
    with pytest.raises(NotFound):
        await log.find_session(prefix)


async def test_an_unknown_session_cannot_be_opened(log: Turnlog) -> None:
    with pytest.raises(NotFound, match="turnlog sessions"):
        await log.open_session("nowhere")


async def test_a_session_is_shown_as_it_stood_at_every_version(log: Turnlog) -> None:
    session = await session_of(log, LOOKS, "Done.")
    await session.append_turn("Go.")
    last = (await session.metadata()).version
    for at in range(1, last + 1):
        moment = await log.show(session.id, at)
        assert (moment.session.version, moment.metadata.version, len(moment.history)) == (at, at, at)
        assert json.dumps(moment.state())


@pytest.mark.parametrize(("at", "error"), [(0, InvalidInput), (99, NotFound)])
async def test_a_version_that_is_not_there_is_not_shown(log: Turnlog, at: int, error: type[Exception]) -> None:
    session = await session_of(log)
    with pytest.raises(error):
        await log.show(session.id, at)


async def test_a_closed_session_takes_no_further_turn(log: Turnlog) -> None:
    session = await session_of(log, "Hello.")
    await session.close("done")
    with pytest.raises(CommandRefused, match="closed"):
        await session.append_turn("Hi.")
    assert (await session.metadata()).status == "closed"


@pytest.mark.parametrize("title", ["", " \n"])
async def test_a_session_needs_a_title(log: Turnlog, title: str) -> None:
    with pytest.raises(InvalidInput):
        await session_of(log, title=title)
    assert await log.list_sessions() == []


async def test_an_unknown_built_in_tool_is_refused_when_the_session_is_created(log: Turnlog) -> None:
    with pytest.raises(InvalidInput, match="teleport"):
        await log.create_session("A session", model=ScriptedModel([]), tools=["teleport"])


async def test_two_tools_of_one_name_are_refused(log: Turnlog) -> None:
    with pytest.raises(InvalidInput, match="same name"):
        await log.create_session("A session", model=ScriptedModel([]), tools=[look, look])


async def test_a_model_named_without_a_provider_is_refused(log: Turnlog) -> None:
    with pytest.raises(InvalidInput, match="no provider 'gpt'"):
        await log.create_session("A session", model="gpt")
