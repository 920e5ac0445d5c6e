"""What an answer is good for: one run of one call, as it was shown, by whom it has to come from."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import (
    Actor,
    ApproverFailed,
    BlobMissing,
    Body,
    Bounds,
    CommandRefused,
    InvalidInput,
    PermissionEndorsed,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    Policy,
    Surroundings,
    Tool,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallStarted,
    ToolContext,
    ToolOutput,
    ToolSpec,
    every_call,
)
from turnlog.runtime import PermissionDecision, PermissionRequest, RuleDraft, SessionHandle, allow, deny

from .conftest import MakeWorld
from .sending import SENT, send
from .world import ScriptedModel, World, asks, check_log, last_results, tool

pytestmark = pytest.mark.usefixtures("nothing_sent")
SURE = "yes"


class Program:
    """A tool whose effect depends on a file that is not among its arguments."""

    spec = ToolSpec(name="work", description="Work.", parameters={"type": "object", "properties": {}})

    def __init__(self) -> None:
        self.file = "as it was"
        self.runs: list[str] = []

    def surroundings(self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        return Surroundings(files={"job.py": self.file})

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        return "work"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        self.runs.append(self.file)
        return ToolOutput(("worked",))


async def suspended(world: World, script: ScriptedModel, *tools: Tool) -> tuple[SessionHandle, str]:
    """A session that waits for a person, and the first request."""
    session = await world.session(script, *(tools or (send,)))
    return session, (await session.append_turn("Send it.")).waiting_for[0]


# Identical calls


async def test_identical_calls_of_one_round_are_one_question(world: World) -> None:
    session, _ = await suspended(world, ScriptedModel([asks("send", "send"), "Done."]))
    assert len(await world.all_of(session.id, PermissionRequested)) == 1
    (joined,) = await world.all_of(session.id, PermissionJoined)
    (question,) = await world.turnlog.approvals()
    assert (question.call_id, joined.call_id) == question.calls


async def test_one_yes_lets_each_identical_call_of_the_round_run_once(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send", "send"), "Done."]))
    await session.resolve_permission(request_id, allow())
    await session.resume_turn()
    assert SENT == ["bo", "bo"]
    sources = [event.source for event in await world.all_of(session.id, ToolCallAuthorized)]
    assert sources == [request_id, request_id]
    await check_log(world, session.id)


async def test_one_no_refuses_each_identical_call_of_the_round(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send", "send"), "Done."]))
    await session.resolve_permission(request_id, deny("not today"))
    await session.resume_turn()
    assert len(await world.all_of(session.id, ToolCallDenied)) == 2
    assert SENT == []
    await check_log(world, session.id)


async def test_calls_that_differ_are_asked_about_each(world: World) -> None:
    session, _ = await suspended(world, ScriptedModel([asks("send", ("send", {"to": "cy"})), "Done."]))
    assert len(await world.all_of(session.id, PermissionRequested)) == 2


async def test_a_call_that_was_denied_is_denied_again_in_the_turn_without_asking(world: World) -> None:
    script = ScriptedModel([asks("send"), asks("send"), "Done."])
    session, request_id = await suspended(world, script)
    await session.resolve_permission(request_id, deny("bo is away"))
    assert (await session.resume_turn()).text == "Done."
    assert len(await world.all_of(session.id, PermissionRequested)) == 1
    assert "denied by the person asked: bo is away (the same call was denied before" in last_results(script)[0]


async def test_the_same_call_in_the_next_turn_is_a_new_question(memory: World) -> None:
    session, request_id = await suspended(memory, ScriptedModel([asks("send"), "Done.", asks("send"), "Done."]))
    await session.resolve_permission(request_id, deny())
    await session.resume_turn()
    assert (await session.append_turn("Again.")).outcome == "suspended"


async def test_a_call_that_was_allowed_once_is_asked_about_when_it_comes_again(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send"), asks("send"), "Done."]))
    await session.resolve_permission(request_id, allow())
    assert (await session.resume_turn()).outcome == "suspended"
    assert SENT == ["bo"]


async def test_cancelling_withdraws_a_question_of_several_calls_once(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send", "send"), "Done."]))
    await session.cancel()
    with pytest.raises(CommandRefused, match="withdrawn"):
        await session.resolve_permission(request_id, allow())
    await check_log(world, session.id)


async def test_a_question_of_several_calls_that_expires_closes_all_of_them(world: World) -> None:
    session, _ = await suspended(world, ScriptedModel([asks("send", "send"), "Done."]))
    world.clock.advance(timedelta(days=2).total_seconds())
    assert (await session.resume_turn()).text == "Done."
    assert [event.by for event in await world.all_of(session.id, ToolCallDenied)] == ["expiry", "expiry"]


# What changes between the answer and the effect


async def test_a_file_that_changed_since_the_answer_is_asked_about_anew(world: World) -> None:
    program = Program()
    session, request_id = await suspended(world, ScriptedModel([asks("work"), "Done."]), program)
    await session.resolve_permission(request_id, allow())
    program.file = "as somebody made it"
    assert (await session.resume_turn()).outcome == "suspended"
    (stale,) = await world.all_of(session.id, PermissionStale)
    assert (stale.request_id, stale.changed) == (request_id, ("files",))
    assert program.runs == []


async def test_the_new_question_is_about_what_is_there_now(world: World) -> None:
    program = Program()
    session, request_id = await suspended(world, ScriptedModel([asks("work"), "Done."]), program)
    await session.resolve_permission(request_id, allow())
    program.file = "as somebody made it"
    again = (await session.resume_turn()).waiting_for[0]
    await session.resolve_permission(again, allow())
    await session.resume_turn()
    assert program.runs == ["as somebody made it"]
    await check_log(world, session.id)


async def test_an_answer_that_was_outdated_is_of_no_more_use(world: World) -> None:
    program = Program()
    session, request_id = await suspended(world, ScriptedModel([asks("work"), "Done."]), program)
    await session.resolve_permission(request_id, allow())
    program.file = "as somebody made it"
    await session.resume_turn()
    program.file = "as it was"
    assert (await session.resume_turn()).outcome == "suspended"
    assert program.runs == []


async def test_a_remembered_exact_call_does_not_cover_other_contents(world: World) -> None:
    program = Program()
    session, request_id = await suspended(world, ScriptedModel([asks("work"), asks("work"), "Done."]), program)
    await session.resolve_permission(request_id, allow(remember="session"))
    program.file = "as somebody made it"
    await session.resume_turn()
    assert (await session.resume_turn()).outcome == "suspended"


async def test_a_rule_that_denies_by_now_is_stronger_than_a_yes(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    await session.resolve_permission(request_id, allow())
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "send", "stop that")))
    await session.resume_turn()
    (denied,) = await world.all_of(session.id, ToolCallDenied)
    assert (denied.by, SENT) == ("rule", [])


async def test_a_call_whose_rule_is_revoked_while_another_waits_is_asked_about(world: World) -> None:
    rule = await world.turnlog.add_rule(RuleDraft(every_call("allow", "send")))
    session, request_id = await suspended(world, ScriptedModel([asks("work", "send"), "Done."]), Program(), send)
    await world.turnlog.revoke_rule(rule)
    await session.resolve_permission(request_id, allow())
    assert (await session.resume_turn()).outcome == "suspended"
    assert SENT == []


async def test_a_program_that_never_stays_the_same_is_denied_in_the_end(memory: World) -> None:
    class Restless(Program):
        def surroundings(
            self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds
        ) -> Surroundings:
            self.file += "!"
            return Surroundings(files={"job.py": self.file})

    program, script = Restless(), ScriptedModel([asks("work"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "work")))
    session = await memory.session(script, program)
    assert (await session.append_turn("Work.")).text == "Done."
    assert last_results(script) == ["it kept changing between being allowed and being run (call)"]
    assert program.runs == []


async def test_a_tool_is_told_by_which_program_its_call_was_judged(memory: World) -> None:
    class Numbered(Program):
        def surroundings(
            self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds
        ) -> Surroundings:
            return Surroundings(program_id="inode 7")

        async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
            return ToolOutput((str(context.program_id),))

    script = ScriptedModel([asks("work"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "work")))
    await (await memory.session(script, Numbered())).append_turn("Work.")
    assert last_results(script) == ["inode 7"]


async def test_surroundings_that_cannot_be_looked_up_deny(memory: World) -> None:
    class Broken(Program):
        def surroundings(
            self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds
        ) -> Surroundings:
            raise OSError("no such device")

    program, script = Broken(), ScriptedModel([asks("work"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "work")))
    session = await memory.session(script, program)
    await session.append_turn("Work.")
    assert "could not be looked up (OSError: no such device)" in last_results(script)[0]
    assert program.runs == []


# Editing


async def test_an_answer_may_change_the_arguments(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    await session.resolve_permission(request_id, allow("cy is there", arguments={"to": "cy"}))
    await session.resume_turn()
    assert SENT == ["cy"]
    (amended,) = await world.all_of(session.id, ToolCallAmended)
    assert (amended.source, amended.reason) == ("user:ada", "cy is there")
    await check_log(world, session.id)


@pytest.mark.parametrize("arguments", [{"to": 7}, {"nobody": "knows"}])
async def test_arguments_that_the_tool_does_not_take_are_refused_and_change_nothing(
    world: World, arguments: Mapping[str, JsonValue]
) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    before = await world.events(session.id)
    with pytest.raises(InvalidInput, match="cannot be made with these arguments"):
        await session.resolve_permission(request_id, allow(arguments=arguments))
    assert await world.events(session.id) == before


async def test_an_edited_answer_is_bound_to_the_arguments_it_gave(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    await session.resolve_permission(request_id, allow(arguments={"to": "cy"}))

    @tool(name="send")
    def other(to: str = "bo", copy_to: str = "everybody") -> str:
        """Send it to everybody."""
        raise AssertionError("not approved")

    assert (await (await world.again(session.id, ["Done."], other)).resume_turn()).outcome == "suspended"


async def test_a_question_of_several_calls_cannot_be_edited(memory: World) -> None:
    session, request_id = await suspended(memory, ScriptedModel([asks("send", "send"), "Done."]))
    with pytest.raises(InvalidInput, match="other arguments"):
        await session.resolve_permission(request_id, allow(arguments={"to": "cy"}))


# Who may answer


FOUR_EYES = Policy(name="four eyes", two_persons=("send",))


async def test_two_persons_have_to_agree(shared_url: str, open_world: MakeWorld) -> None:
    ada, bo = open_world(shared_url, policy=FOUR_EYES), open_world(shared_url, user="bo", worker="there")
    session, request_id = await suspended(ada, ScriptedModel([asks("send"), "Done."]))
    assert await session.resolve_permission(request_id, allow()) == "endorsed"
    assert (await session.resume_turn()).outcome == "suspended"
    assert (await bo.turnlog.resolve_permission(request_id, allow())).outcome == "allowed"
    await session.resume_turn()
    assert SENT == ["bo"]
    assert len(await ada.all_of(session.id, PermissionEndorsed)) == 1
    await check_log(ada, session.id)


async def test_one_person_cannot_agree_twice(open_world: MakeWorld) -> None:
    world = open_world("memory:", policy=FOUR_EYES)
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    await session.resolve_permission(request_id, allow())
    with pytest.raises(CommandRefused, match="another person"):
        await session.resolve_permission(request_id, allow())


async def test_one_no_is_enough_where_two_have_to_agree(open_world: MakeWorld) -> None:
    world = open_world("memory:", policy=FOUR_EYES)
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    assert await session.resolve_permission(request_id, deny()) == "denied"


async def test_no_rule_answers_for_two_persons(open_world: MakeWorld) -> None:
    world = open_world("memory:", policy=FOUR_EYES)
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "send")))
    await suspended(world, ScriptedModel([asks("send"), "Done."]))
    assert SENT == []


async def test_a_yes_of_two_persons_is_not_remembered(open_world: MakeWorld) -> None:
    world = open_world("memory:", policy=FOUR_EYES)
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    with pytest.raises(InvalidInput, match="cannot be remembered"):
        await session.resolve_permission(request_id, allow(remember="global"))


async def test_whoever_began_the_turn_does_not_answer_where_the_policy_says_so(
    shared_url: str, open_world: MakeWorld
) -> None:
    separate = Policy(name="separate", self_approval=False)
    ada, bo = open_world(shared_url, policy=separate), open_world(shared_url, user="bo", worker="there")
    session, request_id = await suspended(ada, ScriptedModel([asks("send"), "Done."]))
    with pytest.raises(CommandRefused, match="user:ada began this turn"):
        await session.resolve_permission(request_id, allow())
    assert (await bo.turnlog.resolve_permission(request_id, allow())).outcome == "allowed"


async def test_an_approver_at_hand_who_may_not_answer_leaves_the_question_open(open_world: MakeWorld) -> None:
    world = open_world("memory:", policy=Policy(name="separate", self_approval=False))
    session = await world.session([asks("send"), "Done."], send)

    async def approve(request: PermissionRequest) -> PermissionDecision:
        return allow()

    with pytest.raises(ApproverFailed, match="began this turn"):
        await session.append_turn("Send it.", approvals=approve)
    assert len(await world.turnlog.approvals()) == 1


async def test_an_agent_cannot_answer(memory: World) -> None:
    session, request_id = await suspended(memory, ScriptedModel([asks("send"), "Done."]))
    object.__setattr__(memory.env, "user", Actor(kind="agent", id="helper"))
    with pytest.raises(CommandRefused, match="only a person"):
        await session.resolve_permission(request_id, allow())


# What is shown


async def test_what_nobody_can_read_whole_is_put_to_nobody(memory: World) -> None:
    script = ScriptedModel([asks(("send", {"to": "x" * 100_000})), "Done."])
    session = await memory.session(script, send)
    assert (await session.append_turn("Send it.")).text == "Done."
    assert "a person can be shown 65,536" in last_results(script)[0]
    assert await memory.all_of(session.id, PermissionRequested) == []


async def test_a_question_whose_text_is_lost_cannot_be_approved(memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session, request_id = await suspended(memory, ScriptedModel([asks(("send", {"to": "x" * 20_000})), "Done."]))
    monkeypatch.setattr(memory.env.bodies, "text", Lost().text)
    with pytest.raises(BlobMissing):
        await session.resolve_permission(request_id, allow())
    assert await memory.all_of(session.id, PermissionResolved) == []


class Lost:
    """Bodies of which nothing is left."""

    async def text(self, body: Body) -> str:
        raise BlobMissing("0" * 64)


async def test_every_run_names_what_it_was_allowed_by(world: World) -> None:
    session, request_id = await suspended(world, ScriptedModel([asks("send"), "Done."]))
    await session.resolve_permission(request_id, allow())
    await session.resume_turn()
    (authorized,) = await world.all_of(session.id, ToolCallAuthorized)
    (started,) = await world.all_of(session.id, ToolCallStarted)
    assert (authorized.call_id, authorized.source) == (started.call_id, request_id)
    assert authorized.policy is not None
