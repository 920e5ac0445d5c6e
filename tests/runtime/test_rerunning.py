"""A rerun is live, in a fork; calls on record have their results, which the log says, and no tool runs for them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from turnlog.domain import (
    Cost,
    InvalidInput,
    Message,
    ModelResponded,
    NotFound,
    NothingToResume,
    Policy,
    SessionForked,
    SessionStarted,
    TextBlock,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutput,
    ToolResultBlock,
    TurnFailure,
    TurnStarted,
    Usage,
    every_call,
)
from turnlog.front import Turnlog
from turnlog.runtime import RuleDraft, SessionHandle, allow
from turnlog.runtime.rerun.rerunning import Reran

from .conftest import MakeWorld
from .exported import exported, taken_in
from .world import Crash, Script, World, asks, model_of, tool

RAN: list[str] = []
LINES = "".join(f"line {n}\n" for n in range(1, 3_001))
FREE = Policy(rules=(every_call("allow", "act"), every_call("allow", "die")))
ONCE = asks(("act", {"what": "this"}))


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@tool(effect="pure")
def look(at: str = "it") -> str:
    """Look."""
    RAN.append(f"look {at}")
    return f"{at}: look {len(RAN)}"


@tool
def act(what: str = "it") -> str:
    """Act."""
    RAN.append(f"act {what}")
    if what == "nothing":
        raise RuntimeError("there is nothing")
    return LINES if what == "long" else f"{what}: act {len(RAN)}"


@tool
async def die() -> ToolOutput:
    """Die."""
    RAN.append("die")
    raise Crash


OWN = (look, act, die)


async def recorded(world: World, script: Script, *prompts: str, policy: Policy = FREE) -> SessionHandle:
    """A session in which that was said, and all of it was done."""
    session = await world.session(script, *OWN, policy=policy)
    for prompt in prompts or ("go",):
        await session.append_turn(prompt)
    RAN.clear()
    return session


async def rerun(world: World, address: str, script: Script, **more: Any) -> Reran:
    return await world.turnlog.rerun(address, model=model_of(script), tools=OWN, **more)


async def said(session: SessionHandle) -> list[Any]:
    """The conversation, without the ids of calls."""
    return [plain(message) for message in await session.history()]


def plain(message: Message) -> Any:
    return message.role, [_plain(block) for block in message.blocks]


def _plain(block: Any) -> Any:
    if isinstance(block, ToolCallBlock | ToolResultBlock):
        return block.model_copy(update={"call_id": "", "provider_id": None})
    return block


def texts(result: ToolCallFinished) -> str:
    return "".join(str(part.text) for part in result.content if isinstance(part, TextBlock))


async def test_the_same_calls_have_the_recorded_results(world: World) -> None:
    script: Script = [asks(("act", {"what": "this"}), ("look", {})), ONCE, "done"]
    session = await recorded(world, script)
    before = await world.events(session.id)
    found = await rerun(world, session.id, script)
    assert RAN == []
    assert (found.reused, found.ran, found.unused) == (3, 0, 0)
    assert found.replies[-1].text == "done"
    assert await said(found.session) == await said(session)
    assert await world.events(session.id) == before


async def test_each_reused_result_names_the_one_on_record(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    found = await rerun(world, session.id, [ONCE, "done"])
    (started,) = await world.all_of(found.session.id, ToolCallStarted)
    (finished,) = await world.all_of(found.session.id, ToolCallFinished)
    place = (await world.kinds(session.id)).index("ToolCallFinished") + 1
    assert started.reused == finished.reused == f"{session.id}@{place}"
    assert (started.effect, started.sandbox) == ("pure", "none")
    (original,) = await world.all_of(session.id, ToolCallFinished)
    assert (finished.content, original.reused) == (original.content, None)


async def test_it_begins_where_the_last_turn_began_and_names_what_it_does_again(world: World) -> None:
    session = await recorded(world, ["one", "two"], "first", "second")
    found = await rerun(world, session.id, ["one", "other"])
    (forked,) = await world.all_of(found.session.id, SessionForked)
    kinds = await world.kinds(session.id)
    begun = len(kinds) - kinds[::-1].index("TurnStarted")
    assert (forked.parent, forked.parent_version) == (session.id, begun)
    assert forked.rerun is not None
    assert (forked.rerun.of, forked.rerun.until) == (session.id, len(kinds))
    assert [reply.text for reply in found.replies] == ["other"]


async def test_all_prompts_after_the_point_are_said_again(world: World) -> None:
    session = await recorded(world, [ONCE, "one", asks(("act", {"what": "that"})), "two", "three"], "a", "b", "c")
    found = await rerun(world, f"{session.id}@{{turn:1}}", [ONCE, "one", asks(("act", {"what": "that"})), "2", "3"])
    assert [reply.text for reply in found.replies] == ["2", "3"]
    assert (RAN, found.reused) == ([], 1)
    starts = await world.all_of(found.session.id, TurnStarted)
    kinds = await world.kinds(session.id)
    places = [f"{session.id}@{at}" for at, kind in enumerate(kinds, 1) if kind == "TurnStarted"]
    assert [start.reruns for start in starts] == places[1:]


async def test_other_calls_run(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    found = await rerun(world, session.id, [asks(("act", {"what": "other"})), "done"])
    assert RAN == ["act other"]
    assert (found.reused, found.ran, found.unused) == (0, 1, 1)


async def test_one_result_is_for_one_call_in_the_order_of_the_record(world: World) -> None:
    twice = asks(("act", {"what": "x"}), ("act", {"what": "x"}))
    session = await recorded(world, [twice, "done"])
    first, second = [texts(event) for event in await world.all_of(session.id, ToolCallFinished)]
    three = asks(*[("act", {"what": "x"})] * 3)
    found = await rerun(world, session.id, [three, "done"])
    given = await world.all_of(found.session.id, ToolCallFinished)
    assert [texts(event) for event in given] == [first, second, "x: act 1"]
    assert [event.reused is None for event in given] == [False, False, True]


async def test_arguments_are_the_same_in_any_order_and_spelling(world: World) -> None:
    session = await recorded(world, [asks("look"), "done"])
    found = await rerun(world, session.id, [asks(("look", {})), "done"])
    assert (RAN, found.reused) == ([], 1)


async def test_an_error_on_record_is_an_error_again(world: World) -> None:
    failing = asks(("act", {"what": "nothing"}))
    session = await recorded(world, [failing, "done"])
    found = await rerun(world, session.id, [failing, "done"])
    (finished,) = await world.all_of(found.session.id, ToolCallFinished)
    assert finished.is_error
    assert "there is nothing" in texts(finished)
    assert RAN == []


async def test_a_long_result_can_be_read_on_under_the_new_call(world: World) -> None:
    long = asks(("act", {"what": "long"}))
    session = await recorded(world, [long, "done"])
    found = await rerun(world, session.id, [long, "done"])
    (was,) = await world.all_of(session.id, ToolCallFinished)
    (now,) = await world.all_of(found.session.id, ToolCallFinished)
    assert now.full == was.full is not None
    (shown,) = [await world.turnlog.text(part.text) for part in now.content if isinstance(part, TextBlock)]
    assert now.call_id in shown
    assert was.call_id not in shown


async def test_with_recorded_results_only_other_calls_are_denied(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    script: Script = [asks(("act", {"what": "this"}), ("act", {"what": "this"}), ("look", {})), "done"]
    found = await rerun(world, session.id, script, recorded_only=True)
    assert (RAN, found.reused, found.ran) == ([], 1, 0)
    denials = await world.all_of(found.session.id, ToolCallDenied)
    assert [(denial.by, denial.source) for denial in denials] == [("policy", "recorded_only")] * 2


async def test_what_is_denied_now_has_no_result(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "act", "not any more")))
    found = await rerun(world, session.id, [ONCE, "done"])
    (denial,) = await world.all_of(found.session.id, ToolCallDenied)
    assert "not any more" in denial.reason
    assert (RAN, found.reused) == ([], 0)


async def test_a_question_binds_also_where_the_result_is_on_record(world: World) -> None:
    session = await world.session([ONCE, "done", "next"], *OWN)
    await session.append_turn("go")
    await answer(world.turnlog)
    await session.resume_turn()
    await session.append_turn("on")
    RAN.clear()
    found = await rerun(world, f"{session.id}@2", [ONCE, "done", "next"])
    assert [reply.outcome for reply in found.replies] == ["suspended"]
    await answer(world.turnlog)
    handle = await world.turnlog.open_rerun(found.session.id, model=model_of([ONCE, "done", "next"]), tools=OWN)
    rest = await handle.run()
    assert [reply.text for reply in rest.replies] == ["done", "next"]
    assert await handle.is_done()
    assert (RAN, rest.reused) == ([], 1)
    assert await said(found.session) == await said(session)


async def answer(log: Turnlog) -> None:
    for question in await log.approvals():
        await log.resolve_permission(question.request_id, allow())


async def test_what_nobody_knows_is_not_reused(world: World) -> None:
    session = await world.session([asks("die"), "done"], *OWN, policy=FREE)
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("go")
    await session.resume_turn(unknown="did")
    assert (await world.turnlog.plan_rerun(session.id)).results == 0


async def test_after_a_crash_what_was_used_is_not_used_twice(shared_url: str, open_world: MakeWorld) -> None:
    script: Script = [ONCE, ONCE, asks("look"), "done"]
    first = open_world(shared_url, worker="first")
    session = await recorded(first, script)
    results = [texts(event) for event in await first.all_of(session.id, ToolCallFinished)]
    handle = await first.turnlog.begin_rerun(session.id, model=model_of(script), tools=OWN)

    starts: list[ToolCallStarted] = []

    def crash(changes: Any) -> None:
        starts.extend(one for change in changes for one in change.events if isinstance(one, ToolCallStarted))
        if len(starts) == 2:
            raise Crash

    first.log.after = crash
    with pytest.raises(Crash):
        await handle.run()
    assert "ToolCallFinished" not in (await first.kinds(handle.session.id))[-1:]
    second = open_world(shared_url, worker="second")
    again = await second.turnlog.open_rerun(handle.session.id, model=model_of(script), tools=OWN)
    found = await again.run()
    assert RAN == []
    assert found.reused == 3
    given = await second.all_of(handle.session.id, ToolCallFinished)
    assert [texts(event) for event in given] == results
    assert len({event.reused for event in given}) == 3


async def test_a_rerun_can_be_run_again(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    first = await rerun(world, session.id, [ONCE, "done"])
    second = await rerun(world, first.session.id, [ONCE, "done"])
    (forked,) = await world.all_of(second.session.id, SessionForked)
    assert forked.parent == session.id  # its last turn began there
    assert (RAN, second.reused) == ([], 1)
    (finished,) = await world.all_of(second.session.id, ToolCallFinished)
    assert str(finished.reused).startswith(first.session.id)


async def test_later_turns_of_the_fork_and_forks_of_it_use_nothing(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    found = await rerun(world, session.id, ["done at once", ONCE, "really"])
    assert found.unused == 1
    await found.session.append_turn("do it")
    assert RAN == ["act this"]
    child = await found.session.fork(2)
    assert (await child.state()).rerun is None


async def test_follow_ups_are_said_again_and_steering_is_told_of(world: World) -> None:
    session = await world.session(["one", "two"], *OWN)
    await session.begin_turn("go")
    await session.follow_up("and then?")
    await session.steer("be quick")
    await session.resume_turn()
    plan = await world.turnlog.plan_rerun(session.id)
    kinds = await world.events(session.id)
    place = next(at for at, event in enumerate(kinds, 1) if getattr(event, "kind", "") == "steer")
    assert plan.left_out == (f"{session.id}@{place}",)
    found = await rerun(world, session.id, ["one", "two"])
    users = [message for message in await said(found.session) if message[0] == "user"]
    assert len(users) == 2


async def test_a_rerun_replays(memory: World) -> None:
    session = await recorded(memory, [ONCE, asks("look"), "done"])
    found = await rerun(memory, session.id, [ONCE, asks(("look", {"at": "there"})), "done"])
    replayed = await memory.turnlog.replay_session(found.session.id, tools=OWN)
    assert replayed.divergence is None


async def test_a_turn_that_fails_can_be_gone_on_with(memory: World) -> None:
    session = await recorded(memory, [ONCE, "done"])
    handle = await memory.turnlog.begin_rerun(session.id, model=model_of([ONCE]), tools=OWN)
    with pytest.raises(TurnFailure):
        await handle.run()
    again = await memory.turnlog.open_rerun(handle.session.id, model=model_of([ONCE, "done"]), tools=OWN)
    assert (await again.run()).replies[-1].text == "done"
    assert RAN == []


async def test_what_cannot_be_run_again_is_refused(memory: World) -> None:
    empty = await memory.session(["x"], *OWN)
    with pytest.raises(NotFound, match="no turn has begun"):
        await memory.turnlog.plan_rerun(empty.id)
    session = await recorded(memory, ["done"])
    end = len(await memory.events(session.id))
    with pytest.raises(InvalidInput, match="nothing was said"):
        await memory.turnlog.plan_rerun(f"{session.id}@{end}")
    with pytest.raises(NothingToResume, match="does nothing again"):
        await memory.turnlog.open_rerun(session.id, tools=OWN)
    streams = [record for record in await memory.log.read_all(limit=1_000) if isinstance(record.event, SessionStarted)]
    assert len(streams) == 2


async def test_the_cost_is_estimated_answer_by_answer_at_the_prices_of_the_model(memory: World) -> None:
    async def price(model: str, usage: Usage) -> Cost | None:
        return Cost(amount=Decimal(usage.input_tokens), source="a list") if model == "scripted:dear" else None

    session = await recorded(memory, [ONCE, "done"])
    answers = await memory.all_of(session.id, ModelResponded)
    log = Turnlog(replace(memory.env, price=price), memory.store.close)
    found = (await log.plan_rerun(session.id, "scripted:dear")).estimate
    assert found.requests == len(answers) == 2
    assert found.cost == sum(answer.usage.input_tokens for answer in answers)
    assert found.source == "a list"
    assert (await log.plan_rerun(session.id)).estimate.cost is None


async def test_a_rerun_whose_record_is_in_another_log_goes_on_without_it(world: World) -> None:
    session = await recorded(world, [ONCE, "done"])
    found = await rerun(world, session.id, [ONCE, "done"])
    async with Turnlog.open("memory:") as other:
        await taken_in(other, await exported(world.turnlog, found.session.id))
        taken = await other.open_session(found.session.id, model=model_of([ONCE, "done", "and more"]), tools=OWN)
        assert (await taken.append_turn("Go on.")).text == "and more"
