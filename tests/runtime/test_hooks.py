"""Gates judge proposed calls before anything else does; observers are told of what is appended."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import JsonValue

from turnlog.domain import (
    Change,
    Event,
    InvalidInput,
    LimitReached,
    Limits,
    ModelRequested,
    NoticeRaised,
    PermissionRequested,
    Recorded,
    StoreError,
    ToolCallAmended,
    ToolCallDenied,
    ToolCallStarted,
    TurnCompleted,
    TurnInterrupted,
    every_call,
)
from turnlog.projections import ToolUsed
from turnlog.runtime import Allow, Deny, Hook, Modify, ProposedCall, RuleDraft, allow

from .conftest import MakeWorld
from .test_bad_arguments import NONSENSE
from .world import QUICK, Crash, Script, ScriptedModel, World, asks, check_log, last_results, raw, tool, until

IMPATIENT = replace(QUICK, hook_seconds=0.05, grace_seconds=0.05)

WRITTEN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_written() -> None:
    WRITTEN.clear()


@tool
async def write(text: str) -> str:
    """Write it."""
    WRITTEN.append(text)
    return f"wrote {text}"


@tool(effect="pure")
async def look(at: str = "") -> str:
    """Look at it."""
    return f"saw {at}"


Verdict = Allow | Deny | Modify


class GateOf:
    """A gate that does what a function says, and remembers what it was asked."""

    def __init__(self, name: str, judged: Callable[[ProposedCall], Any] = lambda call: Allow()) -> None:
        self.name = name
        self.asked: list[dict[str, JsonValue]] = []
        self._judged = judged

    async def judge(self, call: ProposedCall) -> Verdict:
        self.asked.append(dict(call.arguments))
        verdict: Verdict = self._judged(call)
        return verdict


def adds(name: str, more: str) -> GateOf:
    """A gate that adds something to the text."""
    return GateOf(name, lambda call: Modify({**call.arguments, "text": f"{call.arguments['text']}{more}"}, "as agreed"))


def raises(error: BaseException) -> Callable[[ProposedCall], Verdict]:
    def judged(call: ProposedCall) -> Verdict:
        raise error

    return judged


class HangingGate:
    """A gate that never answers."""

    name = "slow"

    async def judge(self, call: ProposedCall) -> Verdict:
        await asyncio.get_running_loop().create_future()
        return Allow()


class StubbornGate:
    """A gate that never answers and does not even let itself be cancelled at once."""

    name = "stubborn"

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def judge(self, call: ProposedCall) -> Verdict:
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                continue
        return Allow()


class Notes:
    """An observer that notes what it is told, or does what a function says."""

    def __init__(self, name: str = "notes", then: Callable[[Recorded], Any] = lambda recorded: None) -> None:
        self.name = name
        self.told: list[Recorded] = []
        self._then = then

    async def observe(self, recorded: Recorded) -> None:
        self.told.append(recorded)
        self._then(recorded)


async def turn_with(world: World, *hooks: Hook, text: str = "hello") -> tuple[str, ScriptedModel]:
    """A finished turn with one call of `write`, which everybody may."""
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    script = ScriptedModel([asks(("write", {"text": text})), "Done."])
    session = await world.session(script, write, hooks=hooks)
    assert (await session.append_turn("Write.")).text == "Done."
    await check_log(world, session.id)
    return session.id, script


# What a gate may say


async def test_a_gate_is_asked_about_the_exact_call(memory: World) -> None:
    seen: list[ProposedCall] = []

    def note(call: ProposedCall) -> Verdict:
        seen.append(call)
        return Allow()

    session_id, _ = await turn_with(memory, GateOf("g", note))
    (call,) = seen
    assert (call.session_id, call.tool, call.arguments) == (session_id, write.spec, {"text": "hello"})


async def test_what_a_gate_allows_runs_as_the_model_wrote_it(world: World) -> None:
    session_id, _ = await turn_with(world, GateOf("g"))
    assert WRITTEN == ["hello"]
    assert "ToolCallAmended" not in await world.kinds(session_id)


async def test_a_gate_that_allows_leaves_the_question_to_the_person(memory: World) -> None:
    session = await memory.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[GateOf("g")])
    assert (await session.append_turn("Write.")).reason == "permission"


async def test_what_a_gate_denies_does_not_run_and_the_model_is_told_why(world: World) -> None:
    session_id, script = await turn_with(world, GateOf("no-writing", lambda call: Deny("not on Mondays")))
    (denied,) = await world.all_of(session_id, ToolCallDenied)
    assert (denied.by, denied.source, denied.reason) == ("hook", "no-writing", "not on Mondays")
    assert str(denied.actor) == "policy:no-writing"
    assert (WRITTEN, last_results(script)) == ([], ["not on Mondays"])


async def test_what_a_gate_changes_is_recorded_and_run(world: World) -> None:
    session_id, _ = await turn_with(world, adds("suffix", "!"))
    (amended,) = await world.all_of(session_id, ToolCallAmended)
    assert (amended.source, amended.reason, amended.arguments) == ("suffix", "as agreed", '{"text": "hello!"}')
    assert WRITTEN == ["hello!"]


async def test_the_model_sees_what_it_wrote_and_the_result_of_what_ran(memory: World) -> None:
    _, script = await turn_with(memory, adds("suffix", "!"))
    (call,) = [block for block in script.requests[-1].messages[1].blocks if block.type == "tool_call"]
    assert call.arguments == '{"text": "hello"}'
    assert last_results(script) == ["wrote hello!"]


async def test_the_person_is_shown_and_approves_what_a_gate_left(world: World) -> None:
    session = await world.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[adds("suffix", "!")])
    reply = await session.append_turn("Write.")
    (asked,) = await world.all_of(session.id, PermissionRequested)
    assert "a!" in str(asked.display)
    await session.resolve_permission(reply.waiting_for[0], allow())
    assert (await session.resume_turn()).text == "Done."
    assert WRITTEN == ["a!"]


async def test_an_approval_of_one_call_does_not_allow_what_a_gate_makes_of_it(memory: World) -> None:
    calls: Script = [asks(("write", {"text": "a"})), asks(("write", {"text": "a"})), "Done."]
    plain = await memory.session(calls, write)
    reply = await plain.append_turn("Write.")
    await plain.resolve_permission(reply.waiting_for[0], allow(remember="session"))
    changed = await memory.turnlog.open_session(
        plain.id, model=ScriptedModel(calls), tools=[write], hooks=[adds("suffix", "!")]
    )
    assert (await changed.resume_turn()).reason == "permission"
    assert WRITTEN == ["a"]


async def test_arguments_given_back_as_they_were_are_no_change(memory: World) -> None:
    session_id, _ = await turn_with(memory, GateOf("same", lambda call: Modify(dict(call.arguments))))
    assert "ToolCallAmended" not in await memory.kinds(session_id)


async def test_long_arguments_of_a_gate_are_kept_out_of_the_event(world: World) -> None:
    session_id, _ = await turn_with(world, adds("suffix", "é" * 10_000))
    (amended,) = await world.all_of(session_id, ToolCallAmended)
    assert not isinstance(amended.arguments, str)
    assert WRITTEN == ["hello" + "é" * 10_000]


# Several gates


async def test_changes_compose_in_the_order_of_the_gates(memory: World) -> None:
    first, second = adds("first", "1"), adds("second", "2")
    session_id, _ = await turn_with(memory, first, second)
    assert (WRITTEN, second.asked) == (["hello12"], [{"text": "hello1"}])
    assert [event.source for event in await memory.all_of(session_id, ToolCallAmended)] == ["first", "second"]


async def test_a_later_gate_may_deny_what_an_earlier_one_changed(memory: World) -> None:
    last = GateOf("last")
    session_id, _ = await turn_with(memory, adds("first", "1"), GateOf("no", lambda call: Deny("no")), last)
    assert (WRITTEN, last.asked) == ([], [])
    assert [event.source for event in await memory.all_of(session_id, ToolCallDenied)] == ["no"]


async def test_the_hooks_of_the_log_come_before_those_of_the_session(open_world: MakeWorld) -> None:
    world = open_world("memory:")
    object.__setattr__(world.env, "hooks", (adds("log", "1"),))
    await turn_with(world, adds("session", "2"))
    assert WRITTEN == ["hello12"]


async def test_a_gate_that_changes_its_copy_of_the_arguments_changes_nothing(memory: World) -> None:
    def scribble(call: ProposedCall) -> Verdict:
        assert isinstance(call.arguments, dict)
        call.arguments["text"] = "scribbled"
        return Allow()

    await turn_with(memory, GateOf("g", scribble))
    assert WRITTEN == ["hello"]


async def test_a_fork_keeps_the_hooks_of_its_session(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    script = ScriptedModel(["Hello.", asks(("write", {"text": "a"})), "Done."])
    session = await memory.session(script, write, hooks=[adds("suffix", "!")])
    await session.append_turn("Hi.")
    await (await session.fork()).append_turn("Write.")
    assert WRITTEN == ["a!"]


# Which calls


async def test_gates_are_asked_about_calls_that_only_read(memory: World) -> None:
    gate = GateOf("g", lambda call: Deny("nothing to see"))
    script = ScriptedModel([asks("look"), "Done."])
    session = await memory.session(script, look, hooks=[gate])
    await session.append_turn("Look.")
    assert last_results(script) == ["nothing to see"]


@pytest.mark.parametrize("text", ["{number: 1}", "[1]", NONSENSE["half a surrogate pair"]])
async def test_gates_never_see_what_is_no_json_object(memory: World, text: str) -> None:
    gate = GateOf("g")
    session = await memory.session([asks(raw("write", text), "nobody"), "Done."], write, hooks=[gate])
    await session.append_turn("Write.")
    assert gate.asked == []
    assert [event.by for event in await memory.all_of(session.id, ToolCallDenied)] == ["invalid", "invalid"]


async def test_a_gate_may_mend_what_does_not_fit_the_schema(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    gate = GateOf("mender", lambda call: Modify({"text": str(call.arguments["txt"])}))
    session = await memory.session([asks(("write", {"txt": "a"})), "Done."], write, hooks=[gate])
    await session.append_turn("Write.")
    assert WRITTEN == ["a"]


# What a gate gives that is no call


@pytest.mark.parametrize(
    "arguments",
    [
        {"text": 1},
        {"other": "a"},
        {"text": {1, 2}},
        {"text": float("nan")},
        {"text": "\ud800"},
        {("text",): "a"},
        ["text"],
        None,
    ],
    ids=repr,
)
async def test_a_call_that_a_gate_made_senseless_is_denied_and_names_the_gate(memory: World, arguments: Any) -> None:
    session_id, _ = await turn_with(memory, GateOf("muddler", lambda call: Modify(arguments)))
    (denied,) = await memory.all_of(session_id, ToolCallDenied)
    assert (denied.by, denied.source, "muddler" in denied.reason) == ("invalid", "muddler", True)
    assert WRITTEN == []


# Gates that fail


@pytest.mark.parametrize("error", [ValueError("no idea"), SystemExit(3), asyncio.CancelledError()], ids=repr)
async def test_a_gate_that_raises_denies_the_call(memory: World, error: BaseException) -> None:
    session_id, script = await turn_with(memory, GateOf("broken", raises(error)))
    (denied,) = await memory.all_of(session_id, ToolCallDenied)
    assert (denied.by, denied.source, WRITTEN) == ("hook", "broken", [])
    assert last_results(script) == ["the hook broken failed, and nothing runs without it"]


async def test_people_are_told_what_a_gate_raised(memory: World) -> None:
    session_id, _ = await turn_with(memory, GateOf("broken", raises(ValueError("no idea"))))
    (notice,) = await memory.all_of(session_id, NoticeRaised)
    assert notice.severity == "warning"
    assert notice.message.startswith("the hook broken raised ValueError: no idea; so call ")


@pytest.mark.parametrize("answer", [None, True, "yes", Deny, [Allow()]], ids=repr)
async def test_an_answer_that_is_no_verdict_denies_the_call(memory: World, answer: object) -> None:
    await turn_with(memory, GateOf("vague", lambda call: answer))
    assert WRITTEN == []


async def test_a_gate_that_takes_too_long_denies_the_call(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=IMPATIENT)
    session_id, _ = await turn_with(world, HangingGate())
    (notice,) = await world.all_of(session_id, NoticeRaised)
    assert "the hook slow took longer than 0.05 s" in notice.message
    assert WRITTEN == []


async def test_a_gate_that_will_not_end_is_left_behind(open_world: MakeWorld) -> None:
    world, gate = open_world("memory:", settings=IMPATIENT), StubbornGate()
    await turn_with(world, gate)
    gate.released.set()
    assert WRITTEN == []


async def test_cancelling_the_turn_ends_the_gate_that_is_asked(memory: World) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    class Waiting:
        name = "waiting"

        async def judge(self, call: ProposedCall) -> Verdict:
            begun.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()
            return Allow()

    session = await memory.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[Waiting()])
    turn = asyncio.create_task(session.append_turn("Write."))
    await begun.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert ended.is_set()
    assert (await memory.kinds(session.id))[-2:] == ["TurnCancelled", "LeaseReleased"]


async def test_a_deadline_does_not_wait_for_a_gate(memory: World) -> None:
    session = await memory.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[HangingGate()])
    with pytest.raises(LimitReached):
        await session.append_turn("Write.", limits=Limits(seconds=0.05))


async def test_a_turn_cancelled_by_others_does_not_wait_for_a_gate(world: World) -> None:
    class Cancels:
        name = "cancels"

        async def judge(self, call: ProposedCall) -> Verdict:
            await session.cancel()
            await asyncio.get_running_loop().create_future()
            return Allow()

    session = await world.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[Cancels()])
    with pytest.raises(TurnInterrupted):
        await session.append_turn("Write.")
    await check_log(world, session.id)


async def test_the_answer_of_the_model_is_safe_before_a_gate_is_asked(memory: World) -> None:
    class Looking:
        name = "looking"

        async def judge(self, call: ProposedCall) -> Verdict:
            return Allow() if "ModelResponded" in await memory.kinds(call.session_id) else Deny("not yet")

    await turn_with(memory, Looking())
    assert WRITTEN == ["hello"]


# Resumed turns


async def test_a_gate_is_not_asked_again_once_a_person_was(world: World) -> None:
    gate = adds("suffix", "!")
    session = await world.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[gate])
    reply = await session.append_turn("Write.")
    await session.resolve_permission(reply.waiting_for[0], allow())
    await session.resume_turn()
    assert (gate.asked, WRITTEN) == ([{"text": "a"}], ["a!"])


@pytest.mark.parametrize("verdict", [Allow(), Modify({"text": "b"})], ids=["allow", "modify"])
async def test_a_gate_is_not_asked_again_where_the_question_grew_too_old(memory: World, verdict: Verdict) -> None:
    gate = GateOf("g", lambda call: verdict)
    session = await memory.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[gate])
    reply = await session.append_turn("Write.")
    await session.resolve_permission(reply.waiting_for[0], allow())
    memory.clock.advance(memory.settings.approval_lifetime.total_seconds() + 1)
    assert (await session.resume_turn()).reason == "permission"
    assert gate.asked == [{"text": "a"}]


async def test_a_gate_is_not_asked_about_its_own_words_where_a_call_was_changed_and_not_yet_judged(
    memory: World,
) -> None:
    script: Script = [asks(("write", {"text": "a"})), "Done."]
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    session = await memory.session(script, write, hooks=[GateOf("suffix", raises(Crash()))])
    with pytest.raises(Crash):
        await session.append_turn("Write.")
    state = await session.state()
    assert state.turn is not None
    (call,) = state.turn.calls
    changed = ToolCallAmended(
        **memory.env.stamp(),
        turn_id=state.turn.turn_id,
        call_id=call.call_id,
        arguments='{"text": "a!"}',
        source="suffix",
    )
    await memory.log.append(Change(session.id, state.version, (changed,)))
    gate = adds("suffix", "!")
    again = await memory.turnlog.open_session(session.id, model=ScriptedModel(script), tools=[write], hooks=[gate])
    await again.resume_turn()
    assert (gate.asked, WRITTEN) == ([], ["a!"])


async def test_after_a_crash_between_two_gates_both_are_asked_about_the_models_own_words(shared_url: str) -> None:
    dying = World(shared_url, worker="first")
    first = adds("first", "1")
    await dying.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    script: Script = [asks(("write", {"text": "a"})), "Done."]
    session = await dying.session(script, write, hooks=[first, GateOf("second", raises(Crash()))])
    with pytest.raises(Crash):
        await session.append_turn("Write.")
    await dying.close()
    world = World(shared_url, worker="second")
    second = GateOf("second")
    again = await world.turnlog.open_session(
        session.id, model=ScriptedModel(script), tools=[write], hooks=[first, second]
    )
    await again.resume_turn()
    assert (first.asked, second.asked, WRITTEN) == ([{"text": "a"}] * 2, [{"text": "a1"}], ["a1"])
    await check_log(world, session.id)
    await world.close()


async def test_a_call_judged_before_a_crash_is_not_judged_again_for_its_siblings_sake(shared_url: str) -> None:
    dying = World(shared_url, worker="first")
    await dying.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    script: Script = [asks(("write", {"text": "a"}), ("write", {"text": "b"})), "Done."]
    died = GateOf("g", lambda call: raises(Crash())(call) if call.arguments["text"] == "b" else Modify({"text": "A"}))
    session = await dying.session(script, write, hooks=[died])
    with pytest.raises(Crash):
        await session.append_turn("Write.")
    await dying.close()
    world, gate = World(shared_url, worker="second"), GateOf("g")
    again = await world.turnlog.open_session(session.id, model=ScriptedModel(script), tools=[write], hooks=[gate])
    await again.resume_turn()
    assert (gate.asked, WRITTEN) == ([{"text": "b"}], ["A", "b"])
    await world.close()


async def test_the_transcript_shows_who_changed_a_call(memory: World) -> None:
    session_id, _ = await turn_with(memory, adds("suffix", "!"))
    items = (await memory.turnlog.show(session_id)).items
    (used,) = [item for item in items if isinstance(item, ToolUsed)]
    assert (used.arguments, used.amended_by) == ('{"text": "hello!"}', "suffix")


# Observers


async def test_an_observer_is_told_of_every_event_of_the_turn_in_order(world: World) -> None:
    notes = Notes()
    session_id, _ = await turn_with(world, notes)
    recorded = await world.log.read(session_id)
    assert [(told.version, told.event) for told in notes.told] == [(r.version, r.event) for r in recorded[1:]]


async def test_an_observer_is_told_once_where_others_write_meanwhile(world: World) -> None:
    notes = Notes()

    @tool(effect="pure")
    async def rename() -> str:
        """Somebody renames the session while this runs."""
        await session.rename("Another title")
        return "renamed"

    session = await world.session([asks("rename", "rename"), "Done."], rename, hooks=[notes])
    await session.append_turn("Go.")
    versions = [told.version for told in notes.told]
    others = [place for place, kind in enumerate(await world.kinds(session.id), 1) if kind == "SessionRenamed"]
    length = len(await world.events(session.id))
    assert versions == [version for version in range(2, length + 1) if version not in others]


async def test_an_observer_is_told_of_a_cancelled_turn(memory: World) -> None:
    notes = Notes()
    begun = asyncio.Event()

    @tool(effect="pure")
    async def wait() -> str:
        """Wait."""
        begun.set()
        await asyncio.get_running_loop().create_future()
        return ""

    session = await memory.session([asks("wait"), "Done."], wait, hooks=[notes])
    turn = asyncio.create_task(session.append_turn("Wait."))
    await begun.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert [type(told.event).__name__ for told in notes.told][-2:] == ["TurnCancelled", "LeaseReleased"]


def fails_at(kind: type[Event]) -> Callable[[Recorded], None]:
    def then(recorded: Recorded) -> None:
        if isinstance(recorded.event, kind):
            raise RuntimeError("the pager is off")

    return then


async def test_an_observer_that_raises_is_told_of_the_events_after_it(memory: World) -> None:
    notes = Notes(then=fails_at(ModelRequested))
    await turn_with(memory, notes)
    assert TurnCompleted in [type(told.event) for told in notes.told]


async def test_an_observer_that_always_raises_leaves_one_notice(world: World) -> None:
    session_id, _ = await turn_with(world, Notes("pager", fails_at(Event)), Notes("log"))
    (notice,) = await world.all_of(session_id, NoticeRaised)
    expected = "the hook pager raised RuntimeError: the pager is off when it was told of LeaseTaken at version 2"
    assert notice.message == f"{expected}; the turn went on"


async def test_no_observer_is_told_of_the_notice_about_an_observer(memory: World) -> None:
    notes = Notes("notes")
    await turn_with(memory, Notes("pager", fails_at(Event)), notes)
    assert NoticeRaised not in [type(told.event) for told in notes.told]


async def test_an_observer_is_told_of_an_append_whose_caller_was_cancelled(memory: World) -> None:
    notes = Notes()
    left = [asyncio.CancelledError()]

    def cancelled(changes: tuple[Change, ...]) -> None:
        if left and any(isinstance(event, ModelRequested) for change in changes for event in change.events):
            raise left.pop()

    session = await memory.session(["Done."], hooks=[notes])
    memory.log.after = cancelled
    with pytest.raises(asyncio.CancelledError):
        await session.append_turn("Go.")
    assert [told.event for told in notes.told] == (await memory.events(session.id))[1:]


async def test_a_notice_that_cannot_be_recorded_changes_nothing(memory: World) -> None:
    def refuse(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, NoticeRaised) for change in changes for event in change.events):
            raise StoreError("the disk is full")

    memory.log.before = refuse
    await turn_with(memory, Notes(then=fails_at(Event)))


async def test_an_observer_that_is_too_slow_for_the_turn_misses_the_rest(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=replace(QUICK, hook_seconds=0.25))

    class Slow:
        name = "slow"

        async def observe(self, recorded: Recorded) -> None:
            await asyncio.sleep(0.2)

    session_id, _ = await turn_with(world, Slow())
    (notice,) = await world.all_of(session_id, NoticeRaised)
    assert notice.message.startswith("the hook slow was too slow to be told of the last ")


async def test_an_observer_that_hangs_keeps_nobody_waiting(open_world: MakeWorld) -> None:
    world, notes = open_world("memory:", settings=IMPATIENT), Notes()

    class Hanging:
        name = "slow"

        async def observe(self, recorded: Recorded) -> None:
            await asyncio.get_running_loop().create_future()

    session_id, _ = await turn_with(world, Hanging(), notes)
    (notice,) = await world.all_of(session_id, NoticeRaised)
    assert notice.message.startswith("the hook slow ")
    assert TurnCompleted in [type(told.event) for told in notes.told]


async def test_the_turn_goes_on_while_an_observer_is_busy(memory: World) -> None:
    free = asyncio.Event()

    class Busy:
        name = "busy"

        async def observe(self, recorded: Recorded) -> None:
            await free.wait()

    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    session = await memory.session([asks(("write", {"text": "a"})), "Done."], write, hooks=[Busy()])
    turn = asyncio.create_task(session.append_turn("Write."))
    await until(lambda: WRITTEN)
    free.set()
    assert (await turn).text == "Done."


# Which hooks there may be


class Typo:
    """No gate: its method has another name."""

    name = "typo"

    async def jugde(self, call: ProposedCall) -> Verdict:
        return Deny("never said")


@pytest.mark.parametrize(
    "hooks",
    [[Typo()], [GateOf("")], [GateOf(" ")], [GateOf("\ud800")], [GateOf("a"), Notes("a")], [object()]],
    ids=["typo", "no name", "blank name", "no text", "same name", "no hook"],
)
async def test_what_can_be_no_hook_is_refused_before_the_session_begins(memory: World, hooks: list[Any]) -> None:
    with pytest.raises(InvalidInput, match="hook"):
        await memory.session(["Done."], hooks=hooks)
    assert await memory.turnlog.list_sessions() == []


async def test_one_object_may_be_gate_and_observer(memory: World) -> None:
    class Both(GateOf):
        def __init__(self) -> None:
            super().__init__("both", lambda call: Modify({"text": "changed"}))
            self.told: list[Event] = []

        async def observe(self, recorded: Recorded) -> None:
            self.told.append(recorded.event)

    both = Both()
    await turn_with(memory, both)
    assert WRITTEN == ["changed"]
    assert ToolCallStarted in [type(event) for event in both.told]
