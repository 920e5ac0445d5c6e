"""What holds before anybody is asked: the policy a session keeps, and the authorizer of the program that runs it."""

import asyncio
from collections.abc import Callable

import pytest

from turnlog.domain import (
    AnyCall,
    InvalidInput,
    PermissionRequested,
    PermissionRule,
    Policy,
    SessionStarted,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallStarted,
    TurnFailed,
    TurnRefused,
    every_call,
)
from turnlog.runtime import Allow, Ask, Deny, ProposedCall, RuleDraft, Settings, allow, deny

from .conftest import MakeWorld
from .world import QUICK, ScriptedModel, World, act, asks, last_results, look

ASK_ABOUT_ACT = PermissionRule(tool="act", effect="prompt", matcher=AnyCall(), id="careful")


async def test_a_session_keeps_the_policy_it_began_with(shared_url: str, open_world: MakeWorld) -> None:
    ours, theirs = open_world(shared_url), open_world(shared_url, worker="there")
    session = await ours.session(["Hello."], act, policy=Policy.permissive())
    again = await theirs.again(session.id, [asks("act"), "Done."], act)
    assert (await again.append_turn("Act.")).text == "Done."


async def test_sessions_that_name_no_policy_have_that_of_the_log(open_world: MakeWorld) -> None:
    world = open_world("memory:", policy=Policy.permissive())
    session = await world.session([asks("act"), "Done."], act)
    assert (await session.append_turn("Act.")).text == "Done."


async def test_the_standard_policy_takes_no_room_in_the_log(memory: World) -> None:
    session = await memory.session(["Hello."], act)
    (started,) = await memory.all_of(session.id, SessionStarted)
    assert started.policy is None


async def test_the_rules_of_a_pack_are_written_out(memory: World) -> None:
    session = await memory.session(["Hello."], act, policy=Policy.developer())
    (started,) = await memory.all_of(session.id, SessionStarted)
    assert started.policy is not None
    kept = Policy.model_validate_json(await memory.env.bodies.text(started.policy))
    assert kept.packs == ()
    assert "developer/git-status" in {rule.id for rule in kept.rules}


async def test_a_pack_nobody_knows_is_refused(memory: World) -> None:
    with pytest.raises(InvalidInput, match="developer"):
        await memory.session(["Hello."], act, policy=Policy(name="mine", packs=("nonsense",)))


async def test_a_strict_policy_asks_about_reading(world: World) -> None:
    session = await world.session([asks("look"), "Done."], look, policy=Policy.strict())
    assert (await session.append_turn("Look.")).outcome == "suspended"


async def test_a_strict_policy_lets_turnlogs_own_tools_read(memory: World) -> None:
    session = await memory.session(
        [asks(("read_tool_result", {"call_id": "none"})), "Done."], look, policy=Policy.strict()
    )
    assert (await session.append_turn("Look.")).text == "Done."


async def test_a_permissive_policy_still_denies_what_a_rule_denies(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("deny", "act")))
    session = await memory.session([asks("act"), "Done."], act, policy=Policy.permissive())
    await session.append_turn("Act.")
    assert await memory.all_of(session.id, ToolCallStarted) == []


async def test_a_policy_may_deny_what_no_rule_allows(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act, policy=Policy(name="closed", otherwise="deny"))
    await session.append_turn("Act.")
    (denied,) = await memory.all_of(session.id, ToolCallDenied)
    assert (denied.by, denied.source) == ("policy", "closed")


async def test_a_rule_of_the_policy_that_asks_beats_a_remembered_yes(world: World) -> None:
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    session = await world.session([asks("act"), "Done."], act, policy=Policy(name="mine", rules=(ASK_ABOUT_ACT,)))
    assert (await session.append_turn("Act.")).outcome == "suspended"
    (asked,) = await world.all_of(session.id, PermissionRequested)
    assert asked.evaluation is not None
    assert asked.evaluation.rules == ("mine/careful",)


async def test_a_call_allowed_by_the_policy_names_its_rule(memory: World) -> None:
    rule = every_call("allow", "act").model_copy(update={"id": "acts"})
    session = await memory.session([asks("act"), "Done."], act, policy=Policy(name="mine", rules=(rule,)))
    await session.append_turn("Act.")
    (authorized,) = await memory.all_of(session.id, ToolCallAuthorized)
    assert (authorized.by, authorized.source) == ("policy", "mine/acts")


async def test_every_decision_names_the_policy_by_its_digest(memory: World) -> None:
    ours = await memory.session([asks("look"), "Done."], look)
    theirs = await memory.session([asks("look"), "Done."], look, policy=Policy(name="mine"))
    for session in (ours, theirs):
        await session.append_turn("Look.")
    (one,), (other,) = [await memory.all_of(session.id, ToolCallAuthorized) for session in (ours, theirs)]
    assert one.policy is not None
    assert one.policy != other.policy


async def test_a_policy_can_be_changed_between_turns(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    await session.configure(policy=Policy.permissive())
    assert (await session.append_turn("Act.")).text == "Done."


# Denials in a row


async def test_three_denials_in_a_row_end_the_turn(world: World) -> None:
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "act")))
    session = await world.session([asks("act"), asks("act"), asks("act"), "Done."], act)
    with pytest.raises(TurnRefused, match="3 calls in a row were denied"):
        await session.append_turn("Act.")
    (failed,) = await world.all_of(session.id, TurnFailed)
    assert failed.code == "denied"


async def test_denials_of_a_person_count_as_well(memory: World) -> None:
    session = await memory.session([asks("act", "act", "act"), "Done."], act)

    async def refuse(request: object) -> object:
        return deny("no")

    with pytest.raises(TurnRefused):
        await session.append_turn("Act.", approvals=refuse)  # type: ignore[arg-type]


async def test_a_call_that_runs_ends_the_row(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("deny", "act")))
    session = await memory.session([asks("act"), asks("act"), asks("look"), asks("act"), "Done."], act, look)
    assert (await session.append_turn("Act.")).text == "Done."


async def test_calls_that_make_no_sense_are_no_denials(memory: World) -> None:
    session = await memory.session([asks("none"), asks("none"), asks("none"), asks("none"), "Done."], act)
    assert (await session.append_turn("Act.")).text == "Done."


async def test_a_turn_that_was_denied_too_often_can_be_resumed(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("deny", "act")))
    session = await memory.session([asks("act", "act", "act"), "Something else, then."], act)
    with pytest.raises(TurnRefused):
        await session.append_turn("Act.")
    assert (await session.resume_turn()).text == "Something else, then."


# Authorizers


class Judge:
    """An authorizer that says what it is told to."""

    name = "the company"

    def __init__(self, verdict: Callable[[ProposedCall], object]) -> None:
        self.verdict = verdict
        self.asked: list[ProposedCall] = []

    async def authorize(self, call: ProposedCall) -> Allow | Deny | Ask:
        self.asked.append(call)
        found = self.verdict(call)
        if found is None:
            await asyncio.sleep(3600)
        return found  # type: ignore[return-value]


def refuse_to_work(call: ProposedCall) -> object:
    raise RuntimeError("the directory is down")


def answer_oddly(call: ProposedCall) -> object:
    return "yes"


def never_answer(call: ProposedCall) -> object:
    return None


async def test_an_authorizer_allows_in_a_persons_place(shared_url: str, open_world: MakeWorld) -> None:
    world = open_world(shared_url, authorizer=Judge(lambda call: Allow()))
    session = await world.session([asks("act"), "Done."], act)
    assert (await session.append_turn("Act.")).text == "Done."
    (authorized,) = await world.all_of(session.id, ToolCallAuthorized)
    assert (authorized.by, authorized.source) == ("authorizer", "the company")


async def test_an_authorizer_denies_even_reading(open_world: MakeWorld) -> None:
    script = ScriptedModel([asks("look"), "Done."])
    world = open_world("memory:", authorizer=Judge(lambda call: Deny("not on a Sunday")))
    session = await world.session(script, look)
    await session.append_turn("Look.")
    assert last_results(script) == ["not on a Sunday"]


async def test_an_authorizer_that_leaves_it_leaves_it_to_rules_and_persons(open_world: MakeWorld) -> None:
    world = open_world("memory:", authorizer=Judge(lambda call: Ask()))
    session = await world.session([asks("act"), "Done."], act)
    assert (await session.append_turn("Act.")).outcome == "suspended"


@pytest.mark.parametrize("verdict", [refuse_to_work, answer_oddly, never_answer], ids=["raises", "odd", "late"])
async def test_an_authorizer_that_fails_denies(
    open_world: MakeWorld, verdict: Callable[[ProposedCall], object]
) -> None:
    settings = Settings(poll_seconds=QUICK.poll_seconds, authorizer_seconds=0.05)
    world = open_world("memory:", authorizer=Judge(verdict), settings=settings)
    session = await world.session([asks("act"), "Done."], act)
    assert (await session.append_turn("Act.")).text == "Done."
    (denied,) = await world.all_of(session.id, ToolCallDenied)
    assert denied.by == "authorizer"


async def test_an_authorizer_is_not_asked_about_what_a_rule_denies(open_world: MakeWorld) -> None:
    judge = Judge(lambda call: Allow())
    world = open_world("memory:", authorizer=judge)
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "act")))
    session = await world.session([asks("act"), "Done."], act)
    await session.append_turn("Act.")
    assert judge.asked == []
    assert await world.all_of(session.id, ToolCallStarted) == []


async def test_what_has_to_be_asked_is_asked_whatever_the_authorizer_says(open_world: MakeWorld) -> None:
    world = open_world("memory:", authorizer=Judge(lambda call: Allow()), policy=Policy(rules=(ASK_ABOUT_ACT,)))
    session = await world.session([asks("act"), "Done."], act)
    assert (await session.append_turn("Act.")).outcome == "suspended"


async def test_without_an_authorizer_remembered_denials_hold(memory: World) -> None:
    session = await memory.session([asks("act"), "Done.", asks("act"), "Done."], act)
    (request_id,) = (await session.append_turn("Act.")).waiting_for
    await session.resolve_permission(request_id, deny("never", remember="global"))
    await session.resume_turn()
    assert (await session.append_turn("Act.")).text == "Done."
    assert await memory.all_of(session.id, ToolCallStarted) == []


# Uses and processes


async def test_a_rule_with_two_uses_allows_two_calls(world: World) -> None:
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act"), uses=2))
    session = await world.session([asks("act"), asks("act"), asks("act"), "Done."], act)
    assert (await session.append_turn("Act.")).outcome == "suspended"
    assert len(await world.all_of(session.id, ToolCallStarted)) == 2


async def test_a_rule_of_the_session_with_one_use_allows_one_call(world: World) -> None:
    session = await world.session([asks("act"), asks("act"), asks("act"), "Done."], act)
    (request_id,) = (await session.append_turn("Act.")).waiting_for
    await session.resolve_permission(request_id, allow(remember="session", uses=1))
    assert (await session.resume_turn()).outcome == "suspended"
    assert len(await world.all_of(session.id, ToolCallStarted)) == 2


async def test_many_sessions_share_the_uses_of_a_rule(shared_url: str, open_world: MakeWorld) -> None:
    worlds = [open_world(shared_url, worker=f"w{n}") for n in range(6)]
    await worlds[0].turnlog.add_rule(RuleDraft(every_call("allow", "act"), uses=3))
    sessions = [await world.session([asks("act"), "Done."], act) for world in worlds]
    replies = await asyncio.gather(*(session.append_turn("Act.") for session in sessions))
    assert sorted(reply.outcome for reply in replies) == ["answered"] * 3 + ["suspended"] * 3


async def test_a_rule_of_a_process_holds_in_that_process_alone(shared_url: str, open_world: MakeWorld) -> None:
    ours, theirs = open_world(shared_url), open_world(shared_url, worker="there")
    await ours.turnlog.add_rule(RuleDraft(every_call("allow", "act"), process=ours.turnlog.process))
    outcomes = [
        (await (await world.session([asks("act"), "Done."], act)).append_turn("Act.")).outcome
        for world in (ours, theirs)
    ]
    assert outcomes == ["answered", "suspended"]


async def test_a_yes_for_the_process_counts_for_the_one_that_asked(shared_url: str, open_world: MakeWorld) -> None:
    ours, theirs = open_world(shared_url), open_world(shared_url, worker="there")
    session = await ours.session([asks("act"), "Done.", asks("act"), "Done."], act)
    (request_id,) = (await session.append_turn("Act.")).waiting_for
    await theirs.turnlog.resolve_permission(request_id, allow(remember="process"))
    await session.resume_turn()
    assert (await session.append_turn("Act.")).outcome == "answered"


async def test_rules_can_be_listed_as_they_were(world: World) -> None:
    session = await world.session(["Hello."], act)
    before = (await session.metadata()).updated_at
    world.clock.advance(60)
    rule = await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    world.clock.advance(60)
    after = world.clock.now()
    world.clock.advance(60)
    await world.turnlog.revoke_rule(rule)
    assert [found.rule_id for found in await world.turnlog.rules(at=after)] == [rule]
    assert await world.turnlog.rules(at=before) == []
    assert await world.turnlog.rules(session.id, at=1) == []


async def test_a_rule_whose_examples_are_wrong_is_not_added(memory: World) -> None:
    rule = every_call("allow", "act").model_copy(update={"not_match": ({"to": "bo"},)})
    with pytest.raises(InvalidInput, match="must not"):
        await memory.turnlog.add_rule(RuleDraft(rule))
    assert await memory.turnlog.rules() == []
