"""Subagents: sessions of their own that work for another one, within its limits, over restarts, each run once."""

import pytest

from turnlog.domain import (
    Change,
    InvalidInput,
    LimitReached,
    Limits,
    ModelResponded,
    PermissionRequested,
    SubagentFinished,
    SubagentSpawned,
    SubagentSuspended,
    TurnCancelled,
    TurnSuspended,
)
from turnlog.projections import TRANSCRIPT, conversation_problems, messages, project
from turnlog.runtime import SessionHandle, history
from turnlog.runtime.explaining.trials import Trial
from turnlog.runtime.explaining.whatif import Difference
from turnlog.runtime.permissions.decisions import allow

from .agents import NAMES, THREE, agents, children, results, task
from .world import Crash, World, act, look, tool, until


async def check(world: World, session_id: str) -> None:
    """Every prefix is a conversation, and each subagent was finished at most once."""
    records = await history(world.log, session_id)
    for length in range(1, len(records) + 1):
        assert not conversation_problems(messages(project(TRANSCRIPT, records[:length])))
    over = [event.child for event in await world.all_of(session_id, SubagentFinished)]
    assert len(over) == len(set(over))


async def test_the_last_words_of_subagents_are_the_results_of_the_calls(world: World) -> None:
    session = await world.session(agents(*THREE), look, act, "task")
    reply = await session.append_turn("Go.")
    assert reply.text == "All done."
    assert await results(world, session.id) == [f"Done: Do {name}." for name in NAMES]
    await check(world, session.id)


async def test_a_subagent_is_linked_both_ways_from_its_first_event_on(world: World) -> None:
    session = await world.session(agents(task("one", "Do one.")), look, "task")
    await session.append_turn("Go.")
    (spawned,) = await world.all_of(session.id, SubagentSpawned)
    state = await (await world.turnlog.open_session(spawned.child)).state()
    assert state.spawned_by is not None
    assert (state.spawned_by.session, state.spawned_by.call_id) == (session.id, spawned.call_id)
    assert (spawned.path, state.path) == ("main/one", "main/one")
    together = [changes for changes in world.log.written if any(change.stream == spawned.child for change in changes)]
    assert [change.stream for change in together[0]] == [session.id, spawned.child]


async def test_what_a_tree_used_is_the_sum_of_its_parts(world: World) -> None:
    session = await world.session(agents(*THREE), look, "task")
    await session.append_turn("Go.")
    state = await session.state()
    assert state.spent.tokens == 100 * (2 + 2 * 3)
    finished = await world.all_of(session.id, SubagentFinished)
    assert [event.spent.tokens for event in finished] == [200, 200, 200]


@pytest.mark.parametrize("limits", [Limits(requests=6), Limits(tokens=500)])
async def test_the_limits_of_a_turn_hold_for_all_that_work_for_it(memory: World, limits: Limits) -> None:
    world = memory
    session = await world.session(agents(*(task(name, f"Do {name}.") for name in NAMES)), look, "task")
    with pytest.raises(LimitReached):
        await session.append_turn("Go.", limits=limits)
    spent = (await session.state()).spent
    assert limits.requests is None or spent.requests <= limits.requests
    assert not (await session.state()).subagents.active


async def test_no_more_calls_are_made_by_all_together_than_the_turn_allows(memory: World) -> None:
    world = memory
    session = await world.session(agents(*THREE), look, "task")
    await session.append_turn("Go.", limits=Limits(tool_calls=4))
    assert (await session.state()).spent.tool_calls == 4
    over = await world.all_of(session.id, SubagentFinished)
    assert sorted(str(event.code) for event in over) == ["None", "tool_call_limit", "tool_call_limit"]


async def test_more_tools_than_the_parent_has_are_refused(memory: World) -> None:
    world = memory
    session = await world.session(agents(), look, "task")
    with pytest.raises(InvalidInput, match="no tools that its parent does not have, such as act"):
        await session.spawn_subagent("one", "Do one.", tools=["look", "act"])
    assert await children(world, session.id) == []


async def test_a_subagent_that_waits_for_a_person_suspends_its_parent_naming_the_question(world: World) -> None:
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    reply = await session.append_turn("Go.")
    (child,) = await children(world, session.id)
    (asked,) = await world.all_of(child, PermissionRequested)
    assert (reply.outcome, reply.reason, reply.waiting_for) == ("suspended", "permission", (asked.request_id,))
    assert (reply.subagents, asked.agent) == ((child,), "main/one")
    (suspended,) = await world.all_of(session.id, TurnSuspended)
    assert suspended.subagents == (child,)


async def test_nothing_is_changed_while_the_same_question_stands(memory: World) -> None:
    world = memory
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    await session.append_turn("Go.")
    before = await world.events(session.id)
    assert (await session.resume_turn()).outcome == "suspended"
    assert await world.events(session.id) == before


async def test_once_a_person_answered_the_parent_goes_on_with_the_same_subagent(world: World) -> None:
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    reply = await session.append_turn("Go.")
    await world.turnlog.resolve_permission(reply.waiting_for[0], allow())
    assert (await session.resume_turn()).text == "All done."
    assert len(await children(world, session.id)) == 1
    assert (await results(world, session.id)) == ["Done: Do one."]
    assert len(await world.all_of(session.id, SubagentSuspended)) == 1


@pytest.mark.parametrize("by_a_pool", [False, True])
async def test_a_parent_goes_on_where_somebody_else_ran_the_subagent_that_it_waited_for(
    memory: World, by_a_pool: bool
) -> None:
    world, model = memory, agents(task("one", "Do one."), tool="act")
    session = await world.session(model, act, "task")
    reply = await session.append_turn("Go.")
    await world.turnlog.resolve_permission(reply.waiting_for[0], allow())
    (child,) = await children(world, session.id)
    await (await world.again(child, model, act)).resume_turn()
    if by_a_pool:
        await world.turnlog.work(tools=[act], models=[model], until_idle=True)
    else:
        await session.resume_turn()
    assert (await session.metadata()).status == "idle"
    assert await results(world, session.id) == ["Done: Do one."]
    await check(world, session.id)


@pytest.mark.parametrize("how", ["answered", "cancelled"])
async def test_a_pool_tells_a_parent_of_a_subagent_whose_worker_died_before_it_could(memory: World, how: str) -> None:
    def dies(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, SubagentFinished) for change in changes for event in change.events):
            raise Crash

    world, model = memory, agents(task("one", "Do one."), tool="act")
    session = await world.session(model, act, "task")
    reply = await session.append_turn("Go.")
    await world.turnlog.resolve_permission(reply.waiting_for[0], allow())
    (child,) = await children(world, session.id)
    (agent,) = await session.active_subagents()
    subagent, world.log.before = await world.again(child, model, act), dies
    with pytest.raises(Crash):
        await (subagent.resume_turn() if how == "answered" else agent.cancel())
    world.log.before = lambda changes: None
    await world.turnlog.work(tools=[act], models=[model], until_idle=True)
    assert (await session.metadata()).status == "idle"
    assert [event.outcome for event in await world.all_of(session.id, SubagentFinished)] == [how]
    await check(world, session.id)


async def test_a_parent_goes_on_where_nothing_is_left_to_wait_for_once_its_calls_are_back(memory: World) -> None:
    """One subagent was put aside, and somebody else saw it to its end while the other one was at work."""
    world = memory

    @tool(effect="pure")
    async def stay() -> str:
        """Stay until the other one is done."""
        await until(lambda: world.all_of(session.id, SubagentSuspended))
        (asked,) = await world.turnlog.approvals()
        await world.turnlog.resolve_permission(asked.request_id, allow())
        await (await world.again(asked.session_id, model, act, stay)).resume_turn()
        return "stayed"

    model = agents(*THREE[:2], tool="act", tools={"Do two.": "stay"})
    session = await world.session(model, act, stay, "task")
    assert (await session.append_turn("Go.")).text == "All done."
    assert await results(world, session.id) == ["Done: Do two.", "Done: Do one."]
    await check(world, session.id)


async def test_cancelling_a_parent_that_waits_cancels_its_subagents(world: World) -> None:
    session = await world.session(agents(*THREE, tool="act"), act, "task")
    await session.append_turn("Go.")
    await session.cancel("enough")
    for child in await children(world, session.id):
        assert len(await world.all_of(child, TurnCancelled)) == 1
    assert [event.outcome for event in await world.all_of(session.id, SubagentFinished)] == ["cancelled"] * 3
    assert await session.active_subagents() == ()
    await check(world, session.id)


async def test_a_subagent_can_be_spawned_waited_for_and_read_by_the_program(world: World) -> None:
    session = await world.session(agents(), look, "task")
    agent = await session.spawn_subagent("one", "Do one.")
    result = await agent.wait()
    assert (result.outcome, result.text) == ("answered", "Done: Do one.")
    assert [each.path for each in await session.subagents()] == ["main/one"]
    assert await session.active_subagents() == ()


async def test_handing_out_work_needs_no_answer_whatever_rules_are_tried(memory: World) -> None:
    world = memory
    session = await world.session(agents(*THREE), look, "task")
    await session.append_turn("Go.")
    differences: list[Difference] = []
    tried = await world.turnlog.whatif(Trial(()), differences.append)
    assert (tried.judged, differences) == (6, [])


async def begin(world: World, die_at: int) -> SessionHandle:
    """A parent with three subagents side by side, in a process that dies after so many appends."""
    session = await world.session(agents(*THREE), look, "task")
    appends = 0

    def count(changes: tuple[Change, ...]) -> None:
        nonlocal appends
        appends += 1
        if appends >= die_at:
            raise Crash

    def dead(changes: tuple[Change, ...]) -> None:
        if appends >= die_at:
            raise Crash

    world.log.before, world.log.after = dead, count
    try:
        await session.append_turn("Go.")
    except Crash:
        pass
    except BaseExceptionGroup as group:
        if group.split(Crash)[1] is not None:
            raise
    finally:
        world.log.before = world.log.after = lambda changes: None
    return session


@pytest.mark.parametrize("die_at", range(1, 26))
async def test_killed_after_any_append_the_tree_ends_as_if_nothing_had_happened(memory: World, die_at: int) -> None:
    world = memory
    session = await begin(world, die_at)
    again = await world.again(session.id, agents(*THREE), look)
    if (await again.metadata()).status != "idle":
        assert (await again.resume_turn()).text == "All done."
    assert sorted(await results(world, session.id)) == sorted(f"Done: Do {name}." for name in NAMES)
    assert len(await children(world, session.id)) == 3
    assert not (await again.state()).subagents.active
    for child in await children(world, session.id):
        assert len(await world.all_of(child, ModelResponded)) == 2
    await check(world, session.id)
