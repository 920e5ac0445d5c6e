"""A conversation that grows too long is compacted: recorded, counted, undoable, and never half done."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    CommandRefused,
    CompactionCompleted,
    CompactionFailed,
    CompactionRequested,
    CompactionStarted,
    LimitReached,
    Limits,
    ModelDelta,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelRequested,
    StoreError,
    TextBlock,
    ToolCallBlock,
    ToolResultsElided,
    TurnFailure,
    Usage,
)
from turnlog.projections import HEADING, SUMMARISER, conversation_problems
from turnlog.runtime import SessionHandle
from turnlog.runtime.context.compacting_now import CompactionError

from .agents import NAMES, USAGE, children, first_word, task
from .world import (
    QUICK,
    Crash,
    ModelOf,
    ScriptedFailure,
    ScriptedModel,
    ScriptedReply,
    World,
    asks,
    check_log,
    look,
    tool,
)

LONG = "x" * 6_000
TIGHT = replace(QUICK, context_tokens=3_000, retry_seconds=0.0)


@tool(effect="pure")
def long_look() -> str:
    """Look at a lot."""
    return LONG


@pytest.fixture
async def tight(tmp_path: Path) -> Any:
    """A world in which conversations may have 3,000 tokens."""
    world = World(f"sqlite:///{tmp_path / 'log.db'}", settings=TIGHT)
    yield world
    await world.close()


async def say(session: SessionHandle, *texts: str) -> None:
    for text in texts:
        await session.append_turn(text)


async def prompts_agree(world: World, session: SessionHandle) -> int:
    """Check the prompt of every request on record; how many there are."""
    records = await world.log.read(session.id)
    asked = [r.version for r in records if isinstance(r.event, ModelRequested | CompactionStarted)]
    for version in asked:
        prompt = await session.prompt(at=version)
        assert prompt.agrees, f"at {version}"
        assert conversation_problems(prompt.request.messages) == []
    return len(asked)


async def test_a_conversation_near_its_window_is_compacted_before_the_next_request(tight: World) -> None:
    model = ScriptedModel([LONG, LONG, "Three.", "Four."], summaries=["They said x."])
    session = await tight.session(model)
    await say(session, "One", "Two", "Three", "Four")
    (started,) = await tight.all_of(session.id, CompactionStarted)
    assert (started.trigger, started.replaces.first.version) == ("threshold", 3)
    last = model.requests[-1]
    assert str(last.messages[0].blocks[0].text).startswith(HEADING)  # type: ignore[union-attr]
    assert last.messages[0].blocks[1].text == "They said x."  # type: ignore[union-attr]
    assert await prompts_agree(tight, session) == 5
    await check_log(tight, session.id)


async def test_the_summary_is_asked_for_without_tools_and_with_what_it_replaces(tight: World) -> None:
    model = ScriptedModel([LONG, LONG, "Three."])
    session = await tight.session(model, look)
    await say(session, "One", "Two", "Three")
    (asked,) = [request for request in model.requests if request.system == SUMMARISER]
    assert asked.tools == ()
    assert "USER: One" in str(asked.messages[0].blocks[0].text)  # type: ignore[union-attr]


async def test_what_the_summary_cost_counts_for_the_turn_it_is_made_in(tight: World) -> None:
    model = ScriptedModel([LONG, LONG, "Three."], summaries=[ScriptedReply(text="Short.", cost=Decimal("0.5"))])
    session = await tight.session(model)
    await say(session, "One", "Two", "Three")
    turn = (await session.state()).turn
    assert turn is not None
    assert (turn.spent.cost, turn.spent.requests, turn.spent.rounds) == (Decimal("0.5"), 2, 1)


async def test_a_request_refused_as_too_long_is_compacted_and_sent_once_more(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    too_long = ScriptedFailure(failure="context_window", message="too long")
    session = await world.session(["One.", "Two.", ScriptedReply(text="Three.", failures=(too_long,))])
    await say(session, "1", "2")
    assert (await session.append_turn("3")).text == "Three."
    (started,) = await world.all_of(session.id, CompactionStarted)
    (failed,) = await world.all_of(session.id, ModelFailed)
    assert (started.trigger, failed.retry_delay) == ("overflow", 0.0)
    await prompts_agree(world, session)
    await world.close()


async def test_a_request_that_stays_too_long_ends_the_turn(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    too_long = ScriptedFailure(failure="context_window", message="too long")
    session = await world.session(["One.", "Two.", ScriptedReply(failure=too_long)])
    await say(session, "1", "2")
    with pytest.raises(TurnFailure, match="context_window"):
        await session.append_turn("3")
    assert len(await world.all_of(session.id, CompactionStarted)) == 1
    await world.close()


async def test_a_failed_compaction_leaves_the_conversation_and_says_so(tight: World) -> None:
    refused = ScriptedReply(failure=ScriptedFailure(failure="rejected", message="no summaries here"))
    model = ScriptedModel([LONG, LONG, "Three."], summaries=[refused])
    session = await tight.session(model)
    await say(session, "One", "Two", "Three")
    (failed,) = await tight.all_of(session.id, CompactionFailed)
    assert (failed.failure, failed.retry_delay) == ("rejected", None)
    assert len(model.requests[-1].messages) == 5
    assert any("not compacted" in getattr(item, "message", "") for item in await session.replay())


async def test_a_passing_failure_is_tried_again(tight: World) -> None:
    busy = ScriptedFailure(failure="overloaded", message="busy", retryable=True)
    model = ScriptedModel([LONG, LONG, "Three."], summaries=[ScriptedReply(text="Short.", failures=(busy,))])
    session = await tight.session(model)
    await say(session, "One", "Two", "Three")
    started = await tight.all_of(session.id, CompactionStarted)
    assert [event.attempt for event in started] == [1, 2]
    assert len(await tight.all_of(session.id, CompactionCompleted)) == 1


async def test_an_empty_summary_is_a_failure(tight: World) -> None:
    session = await tight.session(ScriptedModel([LONG, LONG, "Three."], summaries=["  "]))
    await say(session, "One", "Two", "Three")
    assert [event.failure for event in await tight.all_of(session.id, CompactionFailed)] == ["malformed"]


async def test_old_results_are_elided_before_anything_is_compacted(tight: World) -> None:
    model = ScriptedModel([asks("long_look"), "One.", asks("long_look"), "Two.", "Three."])
    session = await tight.session(model, long_look)
    await say(session, "1", "2", "3")
    (elided,) = await tight.all_of(session.id, ToolResultsElided)
    assert await tight.all_of(session.id, CompactionStarted) == []
    results = [b for m in model.requests[-1].messages for b in m.blocks if b.type == "tool_result"]
    assert elided.call_ids[0] in str(results[0].content[0].text)  # type: ignore[union-attr]
    assert "read_tool_result" in str(results[0].content[0].text)  # type: ignore[union-attr]
    await prompts_agree(tight, session)


async def test_undoing_a_compaction_restores_the_conversation(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    session = await world.session(["One.", "Two.", "Three."])
    await say(session, "1", "2", "3")
    before = await session.history()
    done = await session.compact("keep the numbers")
    assert (done.outcome, done.summary) == ("compacted", "A summary.")
    assert len(await session.history()) < len(before)
    await session.undo_compaction("it lost the numbers")
    assert await session.history() == before
    with pytest.raises(CommandRefused, match="no compaction to undo"):
        await session.undo_compaction()
    await world.close()


async def test_compacting_between_turns_is_recorded_with_who_asked(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    session = await world.session(["One.", "Two.", "Three."])
    await say(session, "1", "2")
    await session.compact("keep the numbers")
    (asked,) = await world.all_of(session.id, CompactionRequested)
    assert (asked.actor.id, asked.instructions) == ("ada", "keep the numbers")
    assert (await world.kinds(session.id))[-5:] == [
        "CompactionRequested",
        "LeaseTaken",
        "CompactionStarted",
        "CompactionCompleted",
        "LeaseReleased",
    ]
    assert (await session.append_turn("3")).text == "Three."
    assert "keep the numbers" in str((await session.prompt(at=(await session.state()).version - 6)).request)
    await prompts_agree(world, session)
    await world.close()


async def test_a_session_with_nothing_old_has_nothing_to_compact(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    session = await world.session(["One."])
    with pytest.raises(CommandRefused, match="no turn yet"):
        await session.compact()
    await world.close()


async def test_compacting_that_fails_between_turns_says_why(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    down = ScriptedReply(failure=ScriptedFailure(failure="authentication", message="no key"))
    session = await world.session(ScriptedModel(["One.", "Two."], summaries=[down]))
    await say(session, "1", "2")
    with pytest.raises(CompactionError, match="no key"):
        await session.compact()
    assert (await session.metadata()).status == "idle"
    await world.close()


async def test_a_limit_of_the_session_holds_for_summaries(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    session = await world.session(["One.", "Two."], limits=Limits(requests=2))
    await say(session, "1", "2")
    with pytest.raises(LimitReached):
        await session.compact()
    assert await world.all_of(session.id, CompactionStarted) == []
    assert (await session.state()).lease is None
    await world.close()


async def test_the_limits_of_a_turn_that_is_over_do_not_hold_for_summaries_after_it(memory: World) -> None:
    session = await memory.session(["One.", "Two."])
    await say(session, "1")
    await session.append_turn("2", limits=Limits(rounds=1, seconds=60))
    memory.clock.advance(3_600)
    assert (await session.compact()).outcome == "compacted"


def talkative(*names: str) -> ModelOf:
    """A parent that hands out work, and children that say much before each of two calls, and then answer."""

    def answer(request: ModelRequest, number: int) -> list[ModelReply]:
        answers = [message for message in request.messages if message.role == "assistant"]
        if request.system == SUMMARISER:
            return [ModelReply((TextBlock(text="They said x."),), USAGE)]
        if first_word(request) == "Go.":
            return [ModelReply((TextBlock(text="Done."),) if answers else tuple(task(n, n) for n in names), USAGE)]
        if len(answers) < 2:
            call = ToolCallBlock(call_id=f"c{len(answers)}", name="look", arguments="{}")
            return [ModelReply((TextBlock(text=LONG), call), Usage(input_tokens=1_500 * (1 + len(answers))))]
        return [ModelReply((TextBlock(text="Done."),), USAGE)]

    return ModelOf(answer)


async def test_summaries_of_subagents_keep_within_what_their_parent_may_use(tight: World) -> None:
    session = await tight.session(talkative("one"), look, "task")
    with pytest.raises(LimitReached):
        await session.append_turn("Go.", limits=Limits(requests=3))
    (child,) = await children(tight, session.id)
    assert len(await tight.all_of(child, ModelRequested)) == 2
    assert await tight.all_of(child, CompactionStarted) == []


async def test_of_subagents_side_by_side_no_more_make_summaries_than_their_parent_may_have(tight: World) -> None:
    session = await tight.session(talkative(*NAMES), look, "task")
    with pytest.raises(LimitReached):
        await session.append_turn("Go.", limits=Limits(requests=8))
    assert (await session.state()).spent.requests == 8
    begun = [len(await tight.all_of(child, CompactionStarted)) for child in await children(tight, session.id)]
    assert sorted(begun) == [0, 0, 1]


async def test_a_deadline_that_passes_during_a_summary_between_turns_ends_that(memory: World) -> None:
    slow = SlowToSumUp(memory)
    session = await memory.session(slow, limits=Limits(seconds=1_000))
    await say(session, "1", "2")
    with pytest.raises(LimitReached, match="was not compacted") as caught:
        await session.compact()
    assert caught.value.limit == "deadline"
    assert (await memory.kinds(session.id))[-3:] == ["CompactionStarted", "CompactionFailed", "LeaseReleased"]


class SlowToSumUp:
    """A model that answers at once, and whose summaries take for ever."""

    name = "scripted:slow"

    def __init__(self, world: World) -> None:
        self._world = world
        self._answers = ScriptedModel(["One.", "Two."])

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        if request.system == SUMMARISER:
            self._world.clock.advance(1_001)
            await asyncio.Event().wait()
        async for item in self._answers.respond(request):
            yield item


async def test_a_summary_the_database_did_not_take_is_made_anew_and_no_worker_counts_as_lost(memory: World) -> None:
    session = await memory.session(["One.", "Two."])
    await say(session, "1", "2")

    def away(changes: tuple[Change, ...]) -> None:
        if gone or any(isinstance(event, CompactionCompleted) for change in changes for event in change.events):
            gone.append(True)
            raise StoreError("the database is away")

    gone: list[bool] = []
    memory.log.before = away
    with pytest.raises(StoreError, match="is away"):
        await session.compact()
    memory.log.before = lambda changes: None
    assert (await session.compact()).outcome == "compacted"
    ends = ("CompactionStarted", "CompactionFailed", "LeaseReleased", "LeaseTaken", "CompactionStarted")
    assert tuple(kind for kind in await memory.kinds(session.id) if kind in ends)[-6:-1] == ends


async def test_a_model_may_ask_for_a_compaction_itself(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    model = ScriptedModel(["One.", asks(("compact", {"instructions": "the plan"})), "Two."])
    session = await world.turnlog.create_session("A session", model=model, tools=["compact"])
    await say(session, "1", "2")
    (started,) = await world.all_of(session.id, CompactionStarted)
    assert (started.trigger, started.instructions) == ("request", "the plan")
    assert conversation_problems(model.requests[-1].messages) == []
    await prompts_agree(world, session)
    await world.close()


@pytest.mark.parametrize("killed", ["CompactionStarted", "CompactionCompleted"])
async def test_a_worker_killed_while_it_compacts_leaves_nothing_half_done(tmp_path: Path, killed: str) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}", settings=TIGHT)
    script = [LONG, LONG, "Three."]
    session = await world.session(script)
    await say(session, "One", "Two")
    before = await session.history()

    def crash(changes: tuple[Change, ...]) -> None:
        if any(type(event).__name__ == killed for change in changes for event in change.events):
            raise Crash

    if killed == "CompactionStarted":
        world.log.after = crash
    else:
        world.log.before = crash
    with pytest.raises(Crash):
        await session.append_turn("Three")
    world.log.after = world.log.before = lambda changes: None
    assert (await session.metadata()).status == "compacting"
    assert (await session.history())[: len(before)] == before
    again = await world.again(session.id, script)
    assert (await again.resume_turn()).text == "Three."
    assert [event.failure for event in await world.all_of(session.id, CompactionFailed)] == ["interrupted"]
    assert len(await world.all_of(session.id, CompactionCompleted)) == 1
    await prompts_agree(world, again)
    await check_log(world, session.id)
    await world.close()


async def test_a_fork_from_amid_a_compaction_is_the_conversation_before_it(tight: World) -> None:
    script = [LONG, LONG, "Three.", "Four."]
    session = await tight.session(script)
    await say(session, "One", "Two", "Three")
    records = await tight.log.read(session.id)
    (at,) = [r.version for r in records if isinstance(r.event, CompactionStarted)]
    fork = await session.fork(at=at)
    assert HEADING not in str(await fork.history())
    later = await session.fork(at=at + 1)
    assert HEADING in str(await later.history())


async def test_asking_while_a_worker_runs_the_session_leaves_it_to_that_worker(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    outcomes, versions = list[str](), list[int]()

    @tool(effect="pure")
    async def meanwhile() -> str:
        """Somebody asks for a compaction."""
        done, _ = await asyncio.gather(session.compact("the plan"), session.rename("Another title"))
        versions.append(done.version)
        outcomes.append(done.outcome)
        again = await session.compact("the plan")  # it is on record already
        assert again.version == (await session.state()).version
        outcomes.append(again.outcome)
        return "done"

    session = await world.session(["One.", asks("meanwhile"), "Two."], meanwhile)
    await say(session, "1", "2")
    assert outcomes == ["requested", "requested"]
    records = await world.log.read(session.id)
    assert versions == [record.version for record in records if isinstance(record.event, CompactionRequested)]
    (started,) = await world.all_of(session.id, CompactionStarted)
    assert (started.trigger, started.instructions) == ("request", "the plan")
    await prompts_agree(world, session)
    await world.close()


async def test_a_session_that_is_being_compacted_says_so_everywhere(tight: World) -> None:
    session = await tight.session([LONG, LONG, "Three."])
    await say(session, "One", "Two", "Three")
    records = await tight.log.read(session.id)
    (at,) = [r.version for r in records if isinstance(r.event, CompactionStarted)]
    assert (await session.state(at=at)).status == "compacting"
    assert (await session.state(at=at + 1)).status == "active"
