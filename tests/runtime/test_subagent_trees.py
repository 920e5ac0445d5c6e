"""Trees of agents as a whole: what fails in one, what ends all, what is seen and what is used of all."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    Event,
    LeaseTaken,
    LimitReached,
    Limits,
    Model,
    ModelDelta,
    ModelReply,
    ModelRequest,
    ModelResponded,
    PermissionRequested,
    Recorded,
    Session,
    SessionClosed,
    Stamp,
    StoreError,
    SubagentFinished,
    SubagentSpawned,
    Tool,
    ToolCallBlock,
    ToolCallFinished,
    ToolContext,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnInterrupted,
    TurnlogError,
    TurnStopRequested,
    VersionConflict,
    commands,
)
from turnlog.front import Turnlog
from turnlog.projections import summed
from turnlog.runtime.delegation.closing import end_agents
from turnlog.runtime.delegation.delegating import see_through
from turnlog.runtime.delegation.reporting import end
from turnlog.runtime.delegation.spawning import NewSubagent, spawn
from turnlog.runtime.environment import RunTool
from turnlog.runtime.means import Means
from turnlog.runtime.permissions.decisions import PermissionDecision, PermissionRequest, allow
from turnlog.runtime.turns.ending import GivenBack
from turnlog.runtime.turns.engine import Conduct, Oversight
from turnlog.runtime.workers.pool import PoolSettings
from turnlog.runtime.workers.work_reports import WorkReport
from turnlog.runtime.writing import command

from .agents import NAMES, THREE, agents, children, results, task
from .exported import exported, taken_in
from .paced import Paced
from .world import QUICK, Crash, World, act, look, tool, until

SOON = PoolSettings(sweep_seconds=0.1, breath_seconds=0.005, retry_seconds=0.05)


async def test_a_database_that_fails_a_subagent_leaves_the_turn_of_its_parent_open(memory: World) -> None:
    world = memory
    session = await world.session(agents(*THREE), look, "task")

    def away(changes: tuple[Change, ...]) -> None:
        """Nothing more gets in once a subagent was answered."""
        if any(change.stream != session.id and _has(change, ModelResponded) for change in changes):
            world.log.before = _never

    world.log.before = away
    with pytest.raises(StoreError, match="the database is away"):
        await session.append_turn("Go.")
    world.log.before = lambda changes: None
    assert await world.all_of(session.id, ToolCallFinished) == []
    assert await world.all_of(session.id, TurnFailed) == []
    assert (await session.resume_turn()).text == "All done."
    assert sorted(await results(world, session.id)) == sorted(f"Done: Do {name}." for name in NAMES)
    assert len(await children(world, session.id)) == 3


async def test_what_other_subagents_came_to_is_kept_where_the_database_failed_one(memory: World) -> None:
    world = memory
    session = await world.session(agents(*THREE), look, "task")

    def away(changes: tuple[Change, ...]) -> None:
        taken = [change.stream for change in changes if _has(change, LeaseTaken) and change.stream != session.id]
        if taken and not refused:
            refused.extend(taken)
            raise StoreError("the database is away")

    refused: list[str] = []
    world.log.before = away
    with pytest.raises(StoreError):
        await session.append_turn("Go.")
    assert len(await results(world, session.id)) == 2
    assert (await session.resume_turn()).text == "All done."
    for child in await children(world, session.id):
        assert len(await world.all_of(child, ModelResponded)) == 2


def _has(change: Change, kind: type[object]) -> bool:
    return any(isinstance(event, kind) for event in change.events)


def _never(changes: tuple[Change, ...]) -> None:
    raise StoreError("the database is away")


async def test_a_subagent_that_is_taken_up_again_as_its_parent_is_stopped_is_stopped_too(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    @tool
    async def act() -> None:
        """Act."""
        await go_on.wait()

    session = await memory.session(agents(task("one", "Do one."), tool="act"), act, "task")
    reply = await session.append_turn("Go.")
    (child,) = await children(memory, session.id)
    await memory.turnlog.resolve_permission(reply.waiting_for[0], allow())
    append, stop, asked, taken_up = memory.log.append, commands.turns.stop, list[str](), asyncio.Event()

    def noted(it: Session, by: Stamp, reason: str = "") -> tuple[Event, ...]:
        asked.append(it.id)
        return stop(it, by, reason)

    async def slowly(*changes: Change) -> Sequence[Recorded]:
        if any(change.stream == child and _has(change, LeaseTaken) for change in changes):
            taken_up.set()
            await until(lambda: child in asked)
        return await append(*changes)

    monkeypatch.setattr(commands.turns, "stop", noted)
    monkeypatch.setattr(memory.log, "append", slowly)
    going_on = asyncio.create_task(session.resume_turn())
    await taken_up.wait()
    await session.stop()
    await until(lambda: memory.all_of(child, TurnStopRequested))
    go_on.set()
    assert (await going_on).outcome == "suspended"
    assert not await memory.all_of(child, TurnCompleted)


async def test_who_waits_for_a_subagent_that_is_run_here_no_more_is_told_how_it_ended(memory: World) -> None:
    lingers = asyncio.Event()

    @tool(effect="pure")
    async def linger() -> None:
        """Linger."""
        lingers.set()
        await asyncio.Event().wait()

    session = await memory.session(agents(tool="linger"), linger)
    agent = await session.spawn_subagent("one", "Do one.")
    waiting = asyncio.create_task(agent.wait())
    await lingers.wait()
    await end_agents(memory.env)
    await until(waiting.done)
    assert not waiting.cancelled()  # nobody cancelled who waits
    assert waiting.result().outcome == "cancelled"


async def test_cancelling_a_turn_that_ends_meanwhile_ends_all_that_work_for_the_session_all_the_same(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on, lingers = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @tool(effect="pure")
    async def wait() -> None:
        """Wait."""
        entered.set()
        await go_on.wait()

    @tool(effect="pure")
    async def linger() -> None:
        """Linger."""
        lingers.set()
        await asyncio.Event().wait()

    model = agents(ToolCallBlock(call_id="c", name="wait", arguments="{}"), tool="linger")
    session = await memory.session(model, wait, linger)
    agent = await session.spawn_subagent("one", "Do one.")
    running = asyncio.create_task(session.append_turn("Go."))
    await asyncio.gather(entered.wait(), lingers.wait())
    real = memory.log.fold

    async def fold(stream: str, *more: Any) -> Any:
        state = await real(stream, *more)
        go_on.set()
        monkeypatch.setattr(memory.log, "fold", real)
        await running
        return state

    monkeypatch.setattr(memory.log, "fold", fold)
    await session.cancel("enough")
    assert (await agent.result()).outcome == "cancelled"
    assert await session.active_subagents() == ()


async def test_cancelling_a_turn_that_runs_ends_all_that_work_for_it(world: World) -> None:
    begun, over = asyncio.Semaphore(0), asyncio.Event()

    @tool(effect="pure")
    async def linger(context: ToolContext) -> str:
        """Linger."""
        begun.release()
        await over.wait()
        return "never"

    session = await world.session(agents(*THREE, tool="linger"), linger, "task")
    running = asyncio.create_task(session.append_turn("Go."))
    for _ in NAMES:
        await begun.acquire()
    await session.cancel("enough")
    with pytest.raises(TurnInterrupted):
        await running
    for child in await children(world, session.id):
        assert len(await world.all_of(child, TurnCancelled)) == 1
    finished = await world.all_of(session.id, SubagentFinished)
    assert [event.outcome for event in finished] == ["cancelled"] * 3
    assert await session.active_subagents() == ()


@pytest.mark.parametrize("refusal", [StoreError("the database is away"), VersionConflict("a stream", 1)])
async def test_a_request_to_stop_reaches_subagents_though_it_is_refused_at_first(
    memory: World, refusal: TurnlogError
) -> None:
    world, wait = memory, Paced()
    session = await world.session(agents(task("one", "Do one."), tool="wait"), wait.tool, "task")
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    (child,) = await children(world, session.id)
    refused: list[Change] = []

    def away(changes: tuple[Change, ...]) -> None:
        stops = [change for change in changes if change.stream == child and _has(change, TurnStopRequested)]
        if stops and len(refused) < world.settings.command_attempts:
            refused.extend(stops)
            raise refusal

    world.log.before = away
    await session.stop("lunch")
    await until(lambda: world.all_of(child, TurnStopRequested))
    wait.go.set()
    assert (await turn).reason == "stopped"
    assert await world.all_of(child, TurnCompleted) == []


async def agreeing(request: PermissionRequest) -> PermissionDecision:
    return allow()


async def test_two_errands_alike_are_two_subagents_though_one_is_in_the_log_before_it_is_begun(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @tool(effect="idempotent")
    async def twice(context: ToolContext) -> str:
        """Hand out the same errand twice."""
        assert context.delegate is not None
        first = asyncio.create_task(context.delegate.spawn("one", "Do one.", tools=["look"]))
        await in_log.wait()
        second = await context.delegate.spawn("one", "Do one.", tools=["look"])
        return f"{(await first).session_id} {second.session_id}"

    append, in_log = memory.log.append, asyncio.Event()

    async def slowly(*changes: Change) -> Sequence[Recorded]:
        recorded = await append(*changes)
        if any(_has(change, SubagentSpawned) for change in changes):
            in_log.set()
            await asyncio.sleep(5 * memory.settings.poll_seconds)
        return recorded

    monkeypatch.setattr(memory.log, "append", slowly)
    call = ToolCallBlock(call_id="c", name="twice", arguments="{}")
    session = await memory.session(agents(call), twice, look)
    reply = await session.append_turn("Go.", approvals=agreeing)
    assert reply.text == "All done."
    (told,) = await results(memory, session.id)
    assert sorted(told.split()) == sorted(await children(memory, session.id))
    assert len(set(told.split())) == 2


async def test_a_turn_that_fails_ends_the_subagents_that_a_dead_worker_left(world: World) -> None:
    @tool(effect="pure")
    async def fall() -> str:
        """Take the worker along."""
        raise Crash

    session = await world.session(agents(task("one", "Do one."), tool="fall"), fall, "task")
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Go.", limits=Limits(seconds=60))
    world.clock.advance(61)
    with pytest.raises(LimitReached):
        await session.resume_turn()
    assert await session.active_subagents() == ()
    (child,) = await children(world, session.id)
    assert (await world.kinds(child))[-2:] == ["TurnCancelled", "SessionClosed"]


async def test_rewinding_a_session_ends_its_subagents(memory: World) -> None:
    world = memory
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    await session.append_turn("Go.")
    (child,) = await children(world, session.id)
    await world.turnlog.rewind(session.id, 1)
    assert len(await world.all_of(child, TurnCancelled)) == 1
    assert [event.child for event in await world.all_of(session.id, SubagentFinished)] == [child]
    assert (await (await world.turnlog.open_session(child)).state()).closed


async def test_the_session_takes_answers_to_what_its_subagents_ask(memory: World) -> None:
    world = memory
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    reply = await session.append_turn("Go.")
    await session.resolve_permission(reply.waiting_for[0], allow())
    assert (await session.resume_turn()).text == "All done."


async def test_a_follower_of_the_tree_sees_all_of_it_under_paths(world: World) -> None:
    session = await world.session(agents(*THREE), look, "task")
    await session.append_turn("Go.")
    everything = {each: len(await world.events(each)) for each in (session.id, *await children(world, session.id))}
    seen: dict[str, list[int]] = {}
    order: list[tuple[str, str]] = []
    async with aclosing(session.subscribe_tree()) as following:
        async for placed in following:
            assert isinstance(placed.item, Recorded)
            record = placed.item
            seen.setdefault(record.stream, []).append(record.version)
            order.append((placed.path, type(record.event).__name__))
            if sum(map(len, seen.values())) == sum(everything.values()):
                break
    assert seen == {each: list(range(1, last + 1)) for each, last in everything.items()}
    assert {path for path, _ in order} == {"main", *(f"main/{name}" for name in NAMES)}
    finished = [place for place, (_, kind) in enumerate(order) if kind == SubagentFinished.__name__]
    closed = [place for place, (_, kind) in enumerate(order) if kind == SessionClosed.__name__]
    assert all(one < other for one, other in zip(sorted(closed), finished, strict=True))


async def test_a_follower_from_a_version_sees_the_subagents_at_work_by_then(memory: World) -> None:
    world = memory
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    await session.append_turn("Go.")
    version, asked = (await session.state()).version, list[str]()
    async with aclosing(session.subscribe_tree(after=version)) as following:
        async for placed in following:
            if isinstance(placed.item, Recorded) and isinstance(placed.item.event, PermissionRequested):
                asked.append(placed.path)
                break
    assert asked == ["main/one"]


async def test_the_usage_of_a_tree_is_the_sum_of_its_parts(world: World) -> None:
    session = await world.session(agents(*THREE), look, "task")
    await session.append_turn("Go.")
    whole = summed(await world.turnlog.usage(session.id, tree=True))[0]
    parts = [session.id, *await children(world, session.id)]
    each = [summed(await world.turnlog.usage(part))[0] for part in parts]
    assert whole.responses == sum(part.responses for part in each) == 8
    assert whole.usage.input_tokens == sum(part.usage.input_tokens for part in each)
    spent = (await session.state()).spent
    assert spent.tokens == whole.usage.input_tokens + whole.usage.output_tokens


async def test_a_subagent_that_a_dead_program_spawned_is_gone_on_with_by_whoever_waits(world: World) -> None:
    session = await world.session(agents(), look, "task")
    await spawn(world.env, session.id, NewSubagent("one", "Do one."))
    (agent,) = await session.active_subagents()
    assert (await agent.wait()).text == "Done: Do one."


async def test_a_subagent_that_a_dead_program_spawned_is_run_by_a_pool(memory: World) -> None:
    world, model = memory, agents()
    session = await world.session(model, look, "task")
    await spawn(world.env, session.id, NewSubagent("one", "Do one."))
    await world.turnlog.work(tools=[look], models=[model], until_idle=True)
    assert [event.outcome for event in await world.all_of(session.id, SubagentFinished)] == ["answered"]


async def test_in_a_pool_nothing_is_put_around_a_model_twice(memory: World) -> None:
    world, model = memory, agents(task("one", "Do one."))
    wrapped: list[Model] = []

    class Noting:
        """Notes what it is put around."""

        def model(self, model: Model) -> Model:
            wrapped.append(model)
            return Around(model)

        def run(self, tool: Tool) -> RunTool:
            return tool.run

    session = await world.session(model, look, "task")
    await session.begin_turn("Go.")
    other = Turnlog(replace(world.env, wrapping=Noting()), lambda: None)
    await other.work(tools=[look], models=[model], until_idle=True)
    assert (await session.metadata()).status == "idle"
    assert wrapped == [model, model]


async def test_draining_a_pool_gives_back_a_subagent_and_its_parent_once_each(world: World) -> None:
    begun_it, go_on = asyncio.Event(), asyncio.Event()

    @tool(effect="pure")
    async def linger() -> str:
        """Linger."""
        begun_it.set()
        await go_on.wait()
        return "lingered"

    model = agents(task("one", "Do one."), tool="linger")
    session = await world.session(model, linger, "task")
    await session.begin_turn("Go.")
    told: list[WorkReport] = []
    work = asyncio.create_task(world.turnlog.work(tools=[linger], models=[model], settings=SOON, tell=told.append))
    await begun_it.wait()
    work.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await until(work.done)
    (child,) = await children(world, session.id)
    reports = Counter((report.session, report.event) for report in told if report.session)
    assert set(reports.values()) == {1}  # the pool may be the first to find the subagent, and run it for its parent
    assert [len(await world.all_of(each, LeaseTaken)) for each in (session.id, child)] == [1, 1]
    assert [(await world.kinds(each))[-1] for each in (session.id, child)] == ["LeaseReleased"] * 2
    await world.turnlog.work(tools=[linger], models=[model], settings=SOON, until_idle=True)
    assert await results(world, session.id) == ["Done: Do one."]
    assert await children(world, session.id) == [child]


async def test_draining_a_pool_waits_for_no_subagent_that_another_worker_runs(memory: World) -> None:
    memory.neighbours.answer = True
    model, draining = agents(), asyncio.Event()
    session = await memory.session(model, look)
    child = await spawn(memory.env, session.id, NewSubagent("one", "Do one."))
    by = memory.env.stamp()
    await command(memory.env, child, lambda it: commands.leases.take(it, by, "elsewhere/1", holder_gone=False))
    conduct = Conduct(oversight=Oversight(lambda: None, draining.is_set))
    means = Means(model, {"look": look}, ())
    waiting = asyncio.create_task(see_through(memory.env, session.id, child, means, conduct))
    await asyncio.sleep(2 * QUICK.poll_seconds)
    assert not waiting.done()
    draining.set()
    await until(waiting.done)
    assert isinstance(waiting.exception(), GivenBack)
    assert len(await memory.all_of(child, LeaseTaken)) == 1


class Around:
    """A model around another one."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        return self._model.respond(request)


async def test_a_session_whose_subagents_are_in_another_log_is_followed_to_its_end(world: World) -> None:
    session = await world.session(agents(*THREE), look, "task")
    await session.append_turn("Go.")
    last = (await session.state()).version
    async with Turnlog.open("memory:") as other:
        await taken_in(other, await exported(world.turnlog, session.id))
        taken = await other.open_session(session.id)
        seen: list[int] = []
        async with aclosing(taken.subscribe_tree()) as following:
            async for placed in following:
                assert isinstance(placed.item, Recorded)
                seen.append(placed.item.version)
                if placed.item.version == last:
                    break
    assert seen == list(range(1, last + 1))


async def test_whatever_ends_a_reader_is_raised_where_the_tree_is_followed(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await memory.session(["Done."])

    async def broken(*_: object) -> AsyncGenerator[Recorded]:
        for record in list[Recorded]():
            yield record
        raise RuntimeError("no reader today")

    monkeypatch.setattr("turnlog.runtime.delegation.tree_following.follow", broken)
    with pytest.raises(RuntimeError, match="no reader today"):
        async with aclosing(session.subscribe_tree()) as following:
            await anext(following)


async def test_ending_a_subagent_in_whose_way_others_always_are_is_told_as_a_conflict(memory: World) -> None:
    session = await memory.session(agents(task("one", "Do one."), tool="act"), act, "task")
    await session.append_turn("Go.")
    (child,) = await children(memory, session.id)

    def taken(changes: tuple[Change, ...]) -> None:
        if any(_has(change, TurnCancelled) for change in changes):
            raise VersionConflict(child, 0)

    memory.log.before = taken
    with pytest.raises(VersionConflict):
        await end(memory.env, child, "enough")
