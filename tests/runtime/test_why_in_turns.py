"""Why calls of real turns ran or did not: each way to a verdict, as the runtime records it."""

import runpy
from collections.abc import Sequence
from pathlib import Path

import pytest

from turnlog.domain import AnyCall, PermissionRule, Policy, ToolCallAuthorized, ToolCallDenied, ToolCallStarted
from turnlog.domain import RuleEffect as Effect
from turnlog.front import Turnlog
from turnlog.opening import Opening
from turnlog.runtime import Deny, ProposedCall, RuleDraft, SessionHandle, allow, deny
from turnlog.runtime.explaining.why import Why, why
from turnlog.runtime.hooks import Hook

from .conftest import MakeWorld
from .world import World, act, asks, look

EVERYTHING = AnyCall()
EXAMPLES = Path(__file__).parents[2] / "examples"


async def answers(world: World, session: SessionHandle) -> list[Why]:
    """The answers for all calls of a session that anything was decided on, each checked against its event."""
    found: list[Why] = []
    for record in await world.log.read(session.id):
        event = record.event
        if isinstance(event, ToolCallAuthorized | ToolCallDenied):
            answer = await why(world.env, session.id, event.call_id)
            assert (answer.by, answer.source, answer.cited_by.version) == (event.by, event.source, record.version)
            found.append(answer)
    for begun in await world.all_of(session.id, ToolCallStarted):
        (answer,) = [answer for answer in found if answer.call_id == begun.call_id]
        assert (answer.verdict, answer.cited_by.event) == ("allowed", "ToolCallAuthorized")
    return found


def rule(effect: Effect, reason: str = "") -> RuleDraft:
    return RuleDraft(PermissionRule(tool="act", effect=effect, matcher=EVERYTHING, reason=reason))


class Careful:
    """A gate that is against everything."""

    name = "careful"

    async def judge(self, call: ProposedCall) -> Deny:
        return Deny("not now")


async def test_reading_is_explained(memory: World) -> None:
    session = await memory.session([asks("look"), "Done."], look)
    await session.append_turn("Look.")
    (answer,) = await answers(memory, session)
    assert (answer.verdict, answer.by, answer.lost) == ("allowed", "read_only", ())
    assert answer.policy is not None
    assert answer.policy.name == "standard"


async def test_the_word_of_a_person_and_the_rule_they_made_of_it_are_explained(memory: World) -> None:
    session = await memory.session([asks("act"), asks("act"), "Done."], act)
    (request_id,) = (await session.append_turn("Act.")).waiting_for
    await session.resolve_permission(request_id, allow("it is harmless", remember="session"))
    await session.resume_turn()
    first, second = await answers(memory, session)
    assert (first.by, first.because) == ("person", "user:ada allowed it: it is harmless")
    assert [(word.request_id, word.remembered) for word in first.words] == [(request_id, second.source)]
    assert second.by == "rule"
    assert [(cited.rule_id, str(cited.made_by), cited.request_id) for cited in second.rules] == [
        (second.source, "user:ada", request_id)
    ]


async def test_a_refusal_is_explained(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    (request_id,) = (await session.append_turn("Act.")).waiting_for
    await session.resolve_permission(request_id, deny("not here"))
    await session.resume_turn()
    (answer,) = await answers(memory, session)
    assert (answer.verdict, answer.by, answer.because) == ("denied", "person", "user:ada denied it: not here")


async def test_a_rule_made_by_hand_and_revoked_since_is_explained(memory: World) -> None:
    rule_id = await memory.turnlog.add_rule(rule("deny", "never"))
    session = await memory.session([asks("act"), "Done."], act)
    await session.append_turn("Act.")
    await memory.turnlog.revoke_rule(rule_id, "too strict")
    (answer,) = await answers(memory, session)
    assert (answer.verdict, answer.by, answer.source) == ("denied", "rule", rule_id)
    (cited,) = answer.rules
    assert (cited.scope, cited.reason, cited.place.stream) == ("global", "never", "rules.global")
    assert cited.revoked is not None
    assert cited.revoked.reason == "too strict"


async def test_a_gate_is_explained(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act, hooks=[Careful()])
    await session.append_turn("Act.")
    (answer,) = await answers(memory, session)
    assert (answer.by, answer.because) == ("hook", "the hook careful denied it: not now")


async def test_a_policy_that_allows_what_nothing_decides_is_explained(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act, policy=Policy.permissive())
    await session.append_turn("Act.")
    (answer,) = await answers(memory, session)
    assert (answer.by, answer.source) == ("policy", "permissive")
    assert answer.policy is not None
    assert (answer.policy.name, answer.policy.place is not None) == ("permissive", True)


async def test_a_rule_of_a_policy_is_explained(memory: World) -> None:
    written = PermissionRule(tool="act", effect="deny", matcher=EVERYTHING, id="no-acts", reason="a demo")
    session = await memory.session([asks("act"), "Done."], act, policy=Policy(name="quiet", rules=(written,)))
    await session.append_turn("Act.")
    (answer,) = await answers(memory, session)
    assert (answer.verdict, answer.by, answer.lost) == ("denied", "policy", ())
    (cited,) = answer.rules
    assert (cited.rule_id, cited.scope, cited.policy, cited.reason) == ("quiet/no-acts", "policy", "quiet", "a demo")
    assert (cited.place.event, cited.place.version) == ("SessionStarted", 1)


async def test_a_call_that_makes_no_sense_is_explained(memory: World) -> None:
    session = await memory.session([asks("nothing_like_it"), "Done."], act)
    await session.append_turn("Act.")
    (answer,) = await answers(memory, session)
    assert (answer.verdict, answer.by) == ("denied", "invalid")


async def test_a_fork_explains_the_calls_of_its_parent(memory: World) -> None:
    session = await memory.session([asks("look"), "Done."], look)
    await session.append_turn("Look.")
    fork = await session.fork()
    (answer,) = await answers(memory, session)
    inherited = await why(memory.env, fork.id, answer.call_id)
    assert (inherited.verdict, inherited.cited_by) == (answer.verdict, answer.cited_by)
    assert inherited.cited_by.stream == session.id


@pytest.mark.parametrize("example", ["hooks", "typed_output"])
async def test_every_call_that_an_example_runs_is_explained(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_world: MakeWorld
) -> None:
    url, opened = f"sqlite:///{tmp_path / 'log.db'}", Turnlog.open

    def kept(_: str, *, hooks: Sequence[Hook] = ()) -> Opening[Turnlog]:
        return opened(url, hooks=hooks)

    monkeypatch.setattr(Turnlog, "open", staticmethod(kept))
    await runpy.run_path(str(EXAMPLES / f"{example}.py"))["main"]()
    world = open_world(url)
    (session,) = await world.turnlog.list_sessions()
    ran = [
        answer
        for begun in await world.all_of(session.id, ToolCallStarted)
        for answer in [await why(world.env, session.id, begun.call_id)]
    ]
    assert {(answer.verdict, answer.cited_by.event) for answer in ran} == {("allowed", "ToolCallAuthorized")}
    assert None not in {answer.by for answer in ran}
