"""A recorded session runs again to the same events, with nothing done; what is otherwise shows where it is."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from turnlog.domain import (
    BackgroundTaskFinished,
    BlobMissing,
    Event,
    Limits,
    ModelFailed,
    ModelRequest,
    ModelRequested,
    NotFound,
    Recorded,
    SessionForked,
    SessionLost,
    TextBlock,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolImage,
    ToolOutcomeUnknown,
    ToolOutput,
    TurnFailed,
    TurnlogError,
    every_call,
)
from turnlog.front import Turnlog
from turnlog.runtime import Allow, Deny, Modify, ProposedCall, RuleDraft, SessionHandle, allow, deny
from turnlog.runtime.replay.replaying import Divergence, Replayed
from turnlog.runtime.turns import prompts
from turnlog.testing import VirtualClock

from .conftest import MakeWorld
from .paced import Paced, PacedModel, under_way
from .programs import Stage, begins, end_of, on_stage
from .world import Crash, Script, ScriptedFailure, ScriptedModel, ScriptedReply, TickingClock, World, asks, raw, tool

RAN: list[str] = []
LINES = "".join(f"line {n}\n" for n in range(1, 3_001))
PNG = b"\x89PNG\r\n\x1a\n rest"


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@pytest.fixture
def ticking(open_world: MakeWorld) -> World:
    """A turnlog in memory whose time goes on."""
    return open_world("memory:", clock=TickingClock())


@tool(effect="pure")
def look() -> str:
    """Look."""
    RAN.append("look")
    return LINES


@tool(effect="pure")
def see() -> ToolOutput:
    """See."""
    RAN.append("see")
    return ToolOutput(("a picture", ToolImage(PNG, "image/png")), details={"seen": 1})


@tool
def act(what: str = "it") -> str:
    """Act."""
    RAN.append("act")
    if what == "nothing":
        raise RuntimeError("there is nothing")
    return f"did {what}"


@tool
async def die() -> str:
    """Die."""
    RAN.append("die")
    raise Crash


TOOLS = (look, see, act, die)


async def replayed(world: World, session: SessionHandle, at: str = "", **more: Any) -> Replayed:
    """The replay of a session, of which nothing is left but what it tells."""
    written, log, ran = len(world.log.written), await world.log.read_all(limit=10_000), list(RAN)
    found = await world.turnlog.replay_session(f"{session.id}{at}", **more)
    assert await world.log.read_all(limit=10_000) == log
    assert (len(world.log.written), ran) == (written, RAN)
    return found


async def part(world: World, session: SessionHandle, **more: Any) -> Divergence:
    """Where the replay of a session is otherwise first."""
    found = (await replayed(world, session, **more)).divergence
    assert found is not None
    return found


async def answer(world: World, yes: bool = True, **more: Any) -> None:
    for question in await world.turnlog.approvals():
        await world.turnlog.resolve_permission(question.request_id, (allow if yes else deny)(**more))


# Stories, each of which is the same again


async def answered(world: World) -> SessionHandle:
    script: Script = [asks("look", "see", "look"), asks(("read_tool_result", {"call_id": "x"})), "Done."]
    session = await world.session(script, *TOOLS)
    await session.append_turn("Look.")
    return session


async def suspended_and_resumed(world: World) -> SessionHandle:
    script: Script = [asks("act", "look", "act"), asks(("act", {"what": "nothing"})), "Done."]
    session = await world.session(script, *TOOLS)
    await session.append_turn("Go.")
    await answer(world)
    await session.resume_turn()
    await answer(world, remember="session")
    await session.resume_turn()
    return session


async def denied(world: World) -> SessionHandle:
    session = await world.session([asks("act"), asks("act"), "Fine.", asks("act"), "Then not."], *TOOLS)
    await session.append_turn("Go.")
    await answer(world, False, reason="not now")
    await session.resume_turn()
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "act", "never")))
    await session.append_turn("Again.")
    return session


async def edited(world: World) -> SessionHandle:
    session = await world.session([asks(("act", {"what": "much"})), "Done."], *TOOLS)
    await session.append_turn("Go.")
    await answer(world, arguments={"what": "little"})
    await session.resume_turn()
    return session


async def expired(world: World) -> SessionHandle:
    session = await world.session([asks("act"), "Too late."], *TOOLS)
    await session.append_turn("Go.")
    world.clock.advance(30 * 3600)
    await session.resume_turn()
    return session


async def asked_at_hand(world: World) -> SessionHandle:
    async def yes(question: object) -> Any:
        return allow()

    session = await world.session([asks("act", ("act", {"what": "more"})), "Done."], *TOOLS)
    await session.append_turn("Go.", approvals=yes)
    return session


async def used_up(world: World) -> SessionHandle:
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act"), uses=2))
    session = await world.session([asks("act"), asks("act", "act"), "Done."], *TOOLS)
    await session.append_turn("Go.")
    await answer(world)
    await session.resume_turn()
    return session


async def failing(world: World) -> SessionHandle:
    busy = ScriptedFailure(failure="overloaded", message="busy", retryable=True)
    there = ScriptedReply(text="There.", failures=(busy, busy))
    no = ScriptedReply(text="Never.", failures=(ScriptedFailure(message="no"),))
    session = await world.session([there, no], *TOOLS)
    await session.append_turn("Go.")
    with suppress(TurnlogError):
        await session.append_turn("Again.")
    assert len(await world.all_of(session.id, ModelFailed)) == 3
    return session


async def senseless(world: World) -> SessionHandle:
    session = await world.session([asks(raw("act", "{"), "nobody"), "Sorry."], *TOOLS)
    await session.append_turn("Go.")
    return session


async def crashed(world: World) -> SessionHandle:
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "die")))
    session = await world.session([asks("die"), "Gone."], *TOOLS)
    with suppress(Crash, BaseExceptionGroup):
        await session.append_turn("Go.")
    await session.resume_turn()
    await session.resume_turn(unknown="did_not", reason="I looked")
    return session


async def crashed_while_asking(world: World) -> SessionHandle:
    session = await world.session(["There."], *TOOLS)

    def crash(changes: object) -> None:
        world.log.after = lambda changes: None
        raise Crash

    world.log.after = crash
    with suppress(Crash):
        await session.append_turn("Go.")
    await session.resume_turn()
    return session


async def cancelled_in_a_tool(world: World) -> SessionHandle:
    wait = Paced()
    session = await world.session([asks("wait", "look"), "Done."], wait.tool, *TOOLS)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await session.cancel("enough")
    with suppress(TurnlogError):
        await turn
    return session


async def stopped_by_the_caller(world: World) -> SessionHandle:
    wait = Paced()
    session = await world.session([asks("wait"), "Done."], wait.tool, *TOOLS)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn
    wait.go.set()
    await session.resume_turn()
    return session


async def steered_and_stopped(world: World) -> SessionHandle:
    model = PacedModel([asks("look"), "One.", "Two.", "Three."], held=(0, 1))
    session, turn = await under_way(world, model, *TOOLS)
    await session.steer("Mind the gap.")
    await session.rename("Another title")
    await session.follow_up("And then?")
    model.go.set()
    await turn
    model.asked.clear()
    model.go.clear()
    await session.append_turn("More.")
    return session


async def stopped_after_a_step(world: World) -> SessionHandle:
    model = PacedModel([asks("look"), "Done."])
    session, turn = await under_way(world, model, *TOOLS)
    await session.stop("later")
    model.go.set()
    await turn
    await session.resume_turn()
    return session


async def with_background_tasks(world: World) -> SessionHandle:
    stage = Stage()
    session = await on_stage(world, stage, ScriptedModel(begins("Begun.", "Heard.")))
    stage.plays[0].write("hello\n")
    stage.plays[0].end()
    await end_of(world, session.id)
    await session.append_turn("And?")
    assert await world.all_of(session.id, BackgroundTaskFinished)
    return session


STORIES: Sequence[Callable[[World], Awaitable[SessionHandle]]] = (
    answered,
    suspended_and_resumed,
    denied,
    edited,
    expired,
    asked_at_hand,
    used_up,
    failing,
    senseless,
    crashed,
    crashed_while_asking,
    cancelled_in_a_tool,
    stopped_by_the_caller,
    steered_and_stopped,
    stopped_after_a_step,
    with_background_tasks,
)


@pytest.mark.parametrize("story", STORIES)
async def test_a_story_is_the_same_again(ticking: World, story: Callable[[World], Awaitable[SessionHandle]]) -> None:
    session = await story(ticking)
    found = await replayed(ticking, session)
    assert found.divergence is None
    assert found.events == found.version == len(await ticking.events(session.id))
    assert found.reproduced > 2


@pytest.mark.parametrize("story", STORIES)
async def test_so_is_every_beginning_of_it(ticking: World, story: Callable[[World], Awaitable[SessionHandle]]) -> None:
    session = await story(ticking)
    for version in range(1, len(await ticking.events(session.id)) + 1):
        found = await replayed(ticking, session, f"@{version}")
        assert found.divergence is None, version
        assert found.events == found.version == version


async def test_what_code_decided_on_and_is_put_in_all_the_same_is_counted(ticking: World) -> None:
    told = (await replayed(ticking, await with_background_tasks(ticking))).unchecked
    assert told == {"BackgroundTaskFinished": 1, "BackgroundTaskStarted": 1}


async def test_where_people_alone_did_the_rest_nothing_is_unchecked(ticking: World) -> None:
    assert (await replayed(ticking, await suspended_and_resumed(ticking))).unchecked == {}


async def test_it_is_the_same_on_every_backend(url: str, open_world: MakeWorld) -> None:
    world = open_world(url, clock=TickingClock())
    session = await suspended_and_resumed(world)
    assert (await replayed(world, session)).identical


async def test_a_fork_is_replayed_from_where_it_was_forked(ticking: World) -> None:
    parent = await suspended_and_resumed(ticking)
    model = ScriptedModel([asks("act", "look"), "Done."])
    fork = await ticking.turnlog.fork(parent.id, 1, model=model, tools=TOOLS)
    await fork.append_turn("Otherwise.")
    await answer(ticking)
    await fork.resume_turn()
    assert isinstance((await ticking.events(fork.id))[0], SessionForked)
    assert (await replayed(ticking, fork)).identical


class WallClock(VirtualClock):
    """The time of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.mark.parametrize("held", [True, False])
async def test_a_turn_that_ran_out_of_time_does_so_again_without_waiting(open_world: MakeWorld, held: bool) -> None:
    world = open_world("memory:", clock=WallClock())
    wait = Paced()
    model = PacedModel([asks("wait", "look"), "Never."], held=(0,) if held else ())
    session = await world.session(model, wait.tool, *TOOLS)
    with suppress(TurnlogError):
        await session.append_turn("Go.", limits=Limits(seconds=0.2))
    (failed,) = await world.all_of(session.id, TurnFailed)
    assert failed.code == "deadline"
    assert (await replayed(world, session)).identical


class Gatekeeper:
    name = "the gate"

    async def judge(self, call: ProposedCall) -> Allow | Deny | Modify:
        if call.tool.name == "look":
            return Deny("do not look")
        return Modify({"what": "less"}, "too much") if call.arguments.get("what") == "much" else Allow()


class Company:
    name = "the company"

    async def authorize(self, call: ProposedCall) -> Allow | Deny:
        return Deny("not that") if call.arguments.get("what") == "harm" else Allow()


async def test_what_hooks_and_authorizers_said_they_say_again_without_being_there(open_world: MakeWorld) -> None:
    world = open_world("memory:", clock=TickingClock(), authorizer=Company())
    calls = asks(("act", {"what": "much"}), "look", ("act", {"what": "harm"}), "act")
    session = await world.session([calls, "Done."], *TOOLS, hooks=[Gatekeeper()])
    await session.append_turn("Go.")
    assert len(await world.all_of(session.id, ToolCallDenied)) == 2
    blind = Turnlog(replace(world.env, authorizer=None), world.store.close)
    assert (await blind.replay_session(session.id)).identical


async def test_tools_of_the_program_need_not_be_at_hand(shared_url: str, open_world: MakeWorld) -> None:
    session = await suspended_and_resumed(open_world(shared_url, clock=TickingClock()))
    elsewhere = open_world(shared_url, worker="elsewhere", user="bob")
    assert (await elsewhere.turnlog.replay_session(session.id)).identical


# What is otherwise, shows where it is


async def first(world: World, session: SessionHandle, kind: type[Event], number: int = 0) -> int:
    """The version of an event of a kind."""
    found = [place for place, event in enumerate(await world.events(session.id), 1) if isinstance(event, kind)]
    return found[number]


async def test_another_result_shows_in_the_next_request(ticking: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await suspended_and_resumed(ticking)
    read, at = ticking.log.read, await first(ticking, session, ToolCallFinished)

    async def forged(stream: str, after: int = 0, until: int | None = None) -> Sequence[Recorded]:
        return [
            record._replace(event=record.event.model_copy(update={"content": (TextBlock(text="forged"),)}))
            if (record.stream, record.version) == (session.id, at)
            else record
            for record in await read(stream, after, until)
        ]

    monkeypatch.setattr(ticking.log, "read", forged)
    found = (await ticking.turnlog.replay_session(session.id)).divergence
    assert found is not None
    assert found.version == await first(ticking, session, ModelRequested, 1)
    assert [difference.path for difference in found.differences] == ["/digest"]


async def test_another_way_of_building_prompts_shows_in_the_first_request(
    ticking: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await answered(ticking)
    build = prompts.build_request

    async def shouting(*arguments: Any) -> ModelRequest:
        return (await build(*arguments)).model_copy(update={"system": "SHOUT."})

    monkeypatch.setattr(prompts, "build_request", shouting)
    monkeypatch.setattr("turnlog.runtime.turns.asking.build_request", shouting)
    found = await part(ticking, session)
    assert found.version == await first(ticking, session, ModelRequested)
    assert "builds another request" in found.why


async def test_a_tool_that_says_something_else_of_itself_shows_in_words(ticking: World) -> None:
    session = await answered(ticking)

    @tool(name="look", effect="pure")
    def gaze() -> str:
        """Gaze."""
        return ""

    found = await part(ticking, session, tools=(gaze,))
    assert found.version == await first(ticking, session, ModelRequested)
    assert found.why == 'tool look, description was "Look." and is "Gaze."'
    assert {difference.path for difference in found.differences} >= {"/digest"}


async def test_a_rule_that_denies_shows_at_the_first_call_it_would_have_denied(ticking: World) -> None:
    session = await suspended_and_resumed(ticking)
    found = await part(ticking, session, rules=(every_call("deny", "look", "no looking"),))
    events = await ticking.events(session.id)
    assert isinstance(events[found.version - 1], ToolCallAuthorized)
    assert isinstance(found.now, ToolCallDenied)
    assert "no looking" in found.now.reason
    assert found.address == f"{session.id}@{found.version}"


async def test_a_rule_that_allows_shows_where_nobody_would_be_asked(ticking: World) -> None:
    session = await suspended_and_resumed(ticking)
    found = await part(ticking, session, rules=(every_call("allow", "act"),))
    assert type(found.recorded).__name__ == "PermissionRequested"
    assert isinstance(found.now, ToolCallAuthorized)


async def test_a_rule_that_changes_nothing_shows_nowhere(ticking: World) -> None:
    session = await suspended_and_resumed(ticking)
    assert (await replayed(ticking, session, rules=(every_call("deny", "die"),))).identical


async def test_rules_made_later_do_not_count(ticking: World) -> None:
    session = await suspended_and_resumed(ticking)
    await ticking.turnlog.add_rule(RuleDraft(every_call("deny", "act")))
    assert (await replayed(ticking, session)).identical


async def test_a_code_that_ends_earlier_shows_as_nothing_written(
    ticking: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await answered(ticking)

    async def gives_up(*_: object) -> None:
        raise SessionLost("this code gives up")

    monkeypatch.setattr("turnlog.runtime.turns.engine.run_calls", gives_up)
    found = await part(ticking, session)
    assert found.now is None
    assert found.recorded is not None


async def test_an_unknown_outcome_stays_unknown(ticking: World) -> None:
    session = await crashed(ticking)
    assert await ticking.all_of(session.id, ToolOutcomeUnknown)
    found = await replayed(ticking, session)
    assert found.identical
    assert RAN == ["die"]


async def test_a_body_that_is_gone_is_an_error_and_not_a_difference(
    ticking: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await answered(ticking)
    get = ticking.env.blobs.get

    async def lost(sha256: str) -> bytes:
        body = await get(sha256)
        if body == LINES.encode():
            raise BlobMissing(sha256)
        return body

    monkeypatch.setattr(ticking.env.blobs, "get", lost)
    with pytest.raises(BlobMissing):
        await ticking.turnlog.replay_session(session.id)


async def test_there_is_no_replay_of_what_is_not_there(ticking: World) -> None:
    session = await answered(ticking)
    for address in ("nobody", f"{session.id}@999"):
        with pytest.raises(NotFound):
            await ticking.turnlog.replay_session(address)
