"""A tool may say that it cannot tell how its call ended, and so may a crash: then a person says, or the policy does."""

from collections.abc import Mapping
from itertools import product

import pytest
from pydantic import JsonValue

from turnlog import RuleDraft, every_call
from turnlog.domain import (
    Change,
    CommandRefused,
    Effect,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Policy,
    Tool,
    ToolCallFinished,
    ToolCallStarted,
    ToolContext,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    ToolOutput,
    ToolSpec,
    UnknownOutcomes,
)
from turnlog.runtime import SessionHandle
from turnlog.runtime.workers.pool import PoolSettings
from turnlog.runtime.workers.work_reports import WorkReport

from .conftest import MakeWorld
from .world import Crash, ScriptedModel, World, asks, check_log, last_results, look, tool

NOON = "2026-01-05 09:00:00 UTC"
SOON = PoolSettings(sweep_seconds=0.1, breath_seconds=0.005, retry_seconds=0.05)


class Post:
    """A tool that sends something away, and gets no receipt the first times."""

    def __init__(self, effect: Effect = "external", silent: int = 1) -> None:
        self.spec = ToolSpec(name="post", description="Post.", parameters={"type": "object"}, effect=effect)
        self.sent = 0
        self.silent = silent

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        return "post"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        self.sent += 1
        if self.sent <= self.silent:
            raise OutcomeUnknown("it was sent,\nand no receipt came\ud800")
        return ToolOutput(("receipt",))


async def test_the_call_waits_for_a_person_who_is_told_why(world: World) -> None:
    post = Post()
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await world.session([asks("post"), "Done."], post)
    await session.append_turn("Post it.")
    (unknown,) = await world.all_of(session.id, ToolOutcomeUnknown)
    assert unknown.reason == "it was sent, and no receipt came\ufffd"
    assert (await session.metadata()).status == "suspended"
    assert (post.sent, await world.all_of(session.id, ToolCallFinished)) == (1, [])
    await check_log(world, session.id)


async def test_a_person_may_have_it_done_again(memory: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await memory.session(model, post)
    await session.append_turn("Post it.")
    await session.resume_turn(unknown="retry")
    assert (post.sent, last_results(model)) == (2, ["receipt"])


async def test_a_person_may_say_that_it_was_done(memory: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await memory.session(model, post)
    await session.append_turn("Post it.")
    reply = await session.resume_turn(unknown="did", reason="it arrived")
    assert (post.sent, reply.text) == (1, "Done.")


async def posting(world: World, *more: Tool, said: str = "Post it.", **options: object) -> tuple[SessionHandle, str]:
    """A session that waits for somebody to say what became of its call; and the call's id."""
    post = options.pop("post", None) or Post()
    assert isinstance(post, Post)
    model = options.pop("model", None) or ScriptedModel([asks("post"), "Done."])
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await world.session(model, post, *more, **options)  # type: ignore[arg-type]
    reply = await session.append_turn(said)
    assert reply.reason == "unknown_outcome"
    return session, reply.waiting_for[0]


# What the policy makes of it


async def test_a_policy_may_go_on_and_the_model_is_told_that_nobody_knows(world: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await world.session(model, post, policy=Policy(name="brisk", unknown_outcomes="treat_as_failed"))
    assert (await session.append_turn("Post it.")).text == "Done."
    (told,) = last_results(model)
    assert "its outcome is unknown, it may have taken effect" in told
    assert f"(policy:brisk, {NOON}: " in told
    (made,) = await world.all_of(session.id, ToolOutcomeResolved)
    assert (str(made.actor), made.resolution, bool(made.policy), post.sent) == ("policy:brisk", "failed", True, 1)
    await check_log(world, session.id)


async def test_a_policy_may_run_again_what_may_run_twice(world: World) -> None:
    post, model = Post("idempotent"), ScriptedModel([asks("post"), "Done."])
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await world.session(model, post, policy=Policy(unknown_outcomes="retry_if_idempotent"))
    assert (await session.append_turn("Post it.")).text == "Done."
    assert (post.sent, last_results(model)) == (2, ["receipt"])
    assert len({event.idempotency_key for event in await world.all_of(session.id, ToolCallStarted)}) == 1
    await check_log(world, session.id)


async def test_it_does_so_for_so_many_attempts_and_then_asks(memory: World) -> None:
    post = Post("idempotent", silent=9)
    policy = Policy(unknown_outcomes="retry_if_idempotent", unknown_attempts=4)
    await posting(memory, post=post, policy=policy)
    assert post.sent == 4


async def test_a_policy_never_runs_an_external_call_again(memory: World) -> None:
    post = Post()
    await posting(memory, post=post, policy=Policy(unknown_outcomes="retry_if_idempotent"))
    assert post.sent == 1


async def test_the_policy_may_be_chosen_between_turns(memory: World) -> None:
    post = Post(silent=2)
    model = ScriptedModel([asks("post"), "Done.", asks("post"), "Done."])
    session, _ = await posting(memory, post=post, model=model)
    await session.resume_turn(unknown="did")
    await session.configure(policy=Policy(unknown_outcomes="treat_as_failed"))
    assert (await session.append_turn("Again.")).text == "Done."


# Where the worker died, by effect class and policy


def dying(place: str, effect: Effect, world: World, done: list[str]) -> Tool:
    """A tool that notes that it ran, in a world where the first worker to come to a place dies there."""
    alive = [True]

    def die() -> None:
        if alive:
            alive.clear()
            raise Crash

    @tool(name="act", effect=effect)
    async def act() -> str:
        """Act."""
        done.append("ran")
        if place == "in the call":
            die()
        return "acted"

    kinds = {"before the call": ToolCallStarted, "after the call": ToolCallFinished}
    kind = kinds.get(place)

    def on_append(changes: tuple[Change, ...]) -> None:
        if kind and any(isinstance(event, kind) for change in changes for event in change.events):
            die()

    if place == "after the call":
        world.log.before = on_append
    else:
        world.log.after = on_append
    return act


@pytest.mark.parametrize(
    ("effect", "policy", "place"),
    list(
        product(
            ("pure", "idempotent", "external"),
            ("ask", "treat_as_failed", "retry_if_idempotent"),
            ("before the call", "in the call", "after the call"),
        )
    ),
)
async def test_wherever_a_worker_dies_an_external_call_is_made_once(
    memory: World, effect: Effect, policy: UnknownOutcomes, place: str
) -> None:
    done: list[str] = []
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    act = dying(place, effect, memory, done)
    script = ScriptedModel([asks("act"), "Done."])
    session = await memory.session(script, act, policy=Policy(unknown_outcomes=policy))
    with pytest.raises((Crash, BaseExceptionGroup)):
        await session.append_turn("Act.")
    reply = await session.resume_turn()
    if effect == "external":
        assert len(done) == (place != "before the call")
    asked = effect == "external" and policy != "treat_as_failed"
    assert reply.outcome == ("suspended" if asked else "answered")
    if effect == "external" and policy == "treat_as_failed":
        assert "Nobody looked" in last_results(script)[0]
    await check_log(memory, session.id)


@pytest.mark.parametrize("kind", [ToolOutcomeUnknown, ToolOutcomeResolved])
@pytest.mark.parametrize("policy", ["treat_as_failed", "retry_if_idempotent"])
async def test_a_worker_that_dies_when_the_policy_has_decided_changes_nothing(
    world: World, policy: UnknownOutcomes, kind: type[ToolOutcomeUnknown | ToolOutcomeResolved]
) -> None:
    post, alive = Post("idempotent"), [True]
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    script = ScriptedModel([asks("post"), "Done."])
    session = await world.session(script, post, policy=Policy(unknown_outcomes=policy))

    def die(changes: tuple[Change, ...]) -> None:
        if alive and any(isinstance(event, kind) for change in changes for event in change.events):
            alive.clear()
            raise Crash

    world.log.after = die
    with pytest.raises((Crash, BaseExceptionGroup)):
        await session.append_turn("Post it.")
    assert (await session.resume_turn()).text == "Done."
    assert post.sent == (2 if policy == "retry_if_idempotent" else 1)
    assert len(await world.all_of(session.id, ToolOutcomeResolved)) == 1
    await check_log(world, session.id)


# What people say from outside


async def test_calls_in_doubt_are_listed_over_all_sessions(world: World) -> None:
    first, one = await posting(world)
    second, other = await posting(world)
    listed = await world.turnlog.unknown_calls()
    assert {(call.session_id, call.call_id, call.tool, call.attempt) for call in listed} == {
        (first.id, one, "post", 1),
        (second.id, other, "post", 1),
    }
    assert listed[0].reason == "it was sent, and no receipt came\ufffd"
    assert {each.status for each in await world.turnlog.list_sessions()} == {"suspended"}
    await first.resolve_unknown(one, "did")
    assert [call.session_id for call in await world.turnlog.unknown_calls()] == [second.id]


async def test_a_call_in_doubt_of_a_turn_that_is_over_is_listed_until_the_next_turn(memory: World) -> None:
    session, _ = await posting(memory, model=ScriptedModel([asks("post"), "Hello."]))
    await session.cancel()
    (call,) = await memory.turnlog.unknown_calls()
    assert call.is_over
    await session.append_turn("Never mind.")
    assert await memory.turnlog.unknown_calls() == []


async def test_a_call_is_resolved_from_a_process_that_has_no_agent(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, user="bob", worker="there")
    model, post = ScriptedModel([asks("post"), "Done."]), Post()
    session, call_id = await posting(here, post=post, model=model)
    row = await there.turnlog.resolve_unknown(session.id[:30], call_id[:12], "did", "it arrived", result="No. 7")
    assert (row.call_id, row.resolution) == (call_id, "did")
    assert (await session.resume_turn()).text == "Done."
    (told,) = last_results(model)
    assert told.startswith("A person confirmed that this call took effect; what it returned is what they say (user:bob")
    assert told.endswith(f"{NOON}: it arrived).No. 7")
    await check_log(here, session.id)


async def test_of_two_people_the_first_counts_and_the_second_is_told_who(
    shared_url: str, open_world: MakeWorld
) -> None:
    here, there = open_world(shared_url), open_world(shared_url, user="bob", worker="there")
    session, call_id = await posting(here)
    await session.resolve_unknown(call_id, "did")
    with pytest.raises(CommandRefused, match=f"user:ada said that it took effect, at {NOON}; nothing was changed"):
        await there.turnlog.resolve_unknown(session.id, call_id, "retry")


async def test_a_word_that_comes_too_late_changes_nothing_and_says_so(memory: World) -> None:
    session, call_id = await posting(memory)
    await session.resume_turn(unknown="did")
    before = await memory.kinds(session.id)
    with pytest.raises(CommandRefused, match="user:ada said that it took effect"):
        await session.resolve_unknown(call_id, "did_not")
    assert await memory.kinds(session.id) == before


async def test_a_word_about_a_turn_that_is_long_over_changes_nothing_and_says_so(memory: World) -> None:
    model = ScriptedModel([asks("post"), "Hello."])
    session, call_id = await posting(memory, model=model)
    await session.cancel()
    await session.append_turn("Never mind.")
    with pytest.raises(CommandRefused, match=r"too late .* the model was told that nobody knows; nothing was changed"):
        await memory.turnlog.resolve_unknown(session.id, call_id, "did")
    assert await memory.all_of(session.id, ToolOutcomeResolved) == []


async def test_a_call_nobody_knows_is_not_found(memory: World) -> None:
    session, _ = await posting(memory)
    with pytest.raises(NotFound, match="turnlog unknown"):
        await memory.turnlog.resolve_unknown(session.id, "call_nowhere", "did")


async def test_secrets_are_taken_out_of_what_a_person_says(open_world: MakeWorld) -> None:
    world = open_world("memory:", secrets={"TOKEN": "hunter2-hunter2"})
    session, call_id = await posting(world)
    await session.resolve_unknown(call_id, "did", "I used hunter2-hunter2", result="hunter2-hunter2")
    (made,) = await world.all_of(session.id, ToolOutcomeResolved)
    assert "hunter2" not in made.model_dump_json()


async def test_only_a_call_that_did_has_a_result(memory: World) -> None:
    session, call_id = await posting(memory)
    with pytest.raises(InvalidInput, match="result"):
        await session.resolve_unknown(call_id, "did_not", result="No. 7")


async def test_siblings_that_are_finished_are_not_run_again(world: World) -> None:
    seen: list[str] = []

    @tool(name="note")
    async def note(word: str) -> str:
        """Note."""
        seen.append(word)
        return f"noted {word}"

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "note")))
    model = ScriptedModel([asks(("note", {"word": "a"}), "look", "post", ("note", {"word": "b"})), "Done."])
    post = Post()
    session, call_id = await posting(world, note, look, post=post, model=model)
    await world.turnlog.resolve_unknown(session.id, call_id, "retry")
    assert (await session.resume_turn()).text == "Done."
    assert (seen, post.sent) == (["a", "b"], 2)
    assert last_results(model) == ["noted a", "seen", "receipt", "noted b"]
    await check_log(world, session.id)


async def test_workers_leave_it_alone_until_somebody_has_decided(world: World) -> None:
    model, post, told = ScriptedModel([asks("post"), "Done."]), Post(), list[WorkReport]()
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await world.session(model, post)
    await session.begin_turn("Post it.")

    async def work() -> list[str]:
        told.clear()
        await world.turnlog.work(tools=[post], models=[model], until_idle=True, settings=SOON, tell=told.append)
        return [each.event for each in told if each.session == session.id]

    assert await work() == ["claimed", "suspended"]
    assert await work() == []
    (call,) = await world.turnlog.unknown_calls()
    await world.turnlog.resolve_unknown(session.id, call.call_id, "did_not", "the post box is full")
    assert await work() == ["claimed", "finished"]
    assert "did not take effect" in last_results(model)[0]


async def test_why_tells_what_was_in_doubt_and_who_settled_it(world: World) -> None:
    session, call_id = await posting(world)
    (doubt,) = (await session.why(call_id)).doubts
    assert (doubt.attempt, doubt.resolution, doubt.lost.event) == (1, None, "ToolOutcomeUnknown")
    await session.resolve_unknown(call_id, "did_not", "nothing arrived")
    (doubt,) = (await session.why(call_id)).doubts
    assert (doubt.resolution, str(doubt.by), doubt.because) == ("did_not", "user:ada", "nothing arrived")
    assert doubt.settled is not None
    assert doubt.settled.event == "ToolOutcomeResolved"
