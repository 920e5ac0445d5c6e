"""What a verdict rests on: rules, policies and uses, each with the event that says so."""

import pytest

from turnlog.domain import (
    AnyCall,
    Evaluation,
    PermissionRule,
    Policy,
    RuleRemembered,
    Scope,
    SessionConfigured,
    ToolCallBlock,
    commands,
)
from turnlog.runtime.digests import digest

from ..projections.story import ANN, BOB, PROCESS, Story, digest_of
from .explained import event_at, explained, granted, proposed
from .world import World


def by_rule(rule_id: str, call: ToolCallBlock) -> commands.tools.Grant:
    said = Evaluation(verdict="allow", why=f"{rule_id} allows pytest -q", rules=(rule_id,))
    return commands.tools.Grant(digest_of(call.call_id), "rule", rule_id, said)


@pytest.mark.parametrize("scope", ["session", "project", "global", "process"])
async def test_a_rule_is_told_with_who_made_it_and_where(memory: World, scope: Scope) -> None:
    story = Story()
    story.says("Go")
    first, second = story.call(), story.call()
    story.answers(first, second)
    request_id = story.asks(first.call_id)
    story.answered(request_id, allow=True, remember=scope, reason="always")
    made = next(record for record in story.log if isinstance(record.event, RuleRemembered))
    assert isinstance(made.event, RuleRemembered)
    granted(story, second, by_rule(made.event.rule_id, second))
    answer = await explained(memory, story, second)
    (rule,) = answer.rules
    assert (rule.scope, rule.effect, rule.covers, rule.reason) == (scope, "allow", "pytest", "always")
    assert (rule.made_by, rule.request_id, rule.revoked) == (ANN, request_id, None)
    assert (rule.place.stream, rule.place.version) == (made.stream, made.version)


async def test_a_rule_that_was_revoked_since_is_told_with_who_did(memory: World) -> None:
    story, call = proposed()
    new = commands.rules.NewRule("rule1", "session", PermissionRule(tool="shell", effect="allow", matcher=AnyCall()))
    story.do(lambda session: commands.rules.add(session.rules, story.by, new))
    granted(story, call, by_rule("rule1", call))
    by = story.by_(BOB)
    story.do(lambda session: commands.rules.revoke(session.rules, by, "rule1", "too wide"))
    (rule,) = (await explained(memory, story, call)).rules
    assert rule.revoked is not None
    assert (rule.revoked.by, rule.revoked.reason) == (BOB, "too wide")
    assert rule.revoked.place.event == "RuleRevoked"


async def test_a_rule_of_the_parent_is_found_from_a_fork(memory: World) -> None:
    story, call = proposed()
    new = commands.rules.NewRule("rule1", "session", PermissionRule(tool="shell", effect="allow", matcher=AnyCall()))
    story.do(lambda session: commands.rules.add(session.rules, story.by, new))
    granted(story, call, by_rule("rule1", call))
    story.started(call.call_id)
    story.finished(call.call_id)
    story.fork()
    answer = await explained(memory, story, call)
    assert (answer.session_id, answer.verdict, answer.cited_by.stream) == ("s2", "allowed", "s1")
    assert [(rule.rule_id, rule.place.stream) for rule in answer.rules] == [("rule1", "s1")]


async def test_a_rule_that_is_nowhere_to_be_found_is_said_to_be(memory: World) -> None:
    story, call = proposed()
    granted(story, call, commands.tools.Grant("d", "rule", "rule9"))
    answer = await explained(memory, story, call)
    assert (answer.rules, answer.lost) == ((), ("rule9",))


async def test_a_use_of_a_rule_is_a_step_of_the_call_it_allowed(memory: World) -> None:
    story, call = proposed()
    story.taken(f"{PROCESS}/1")
    written = PermissionRule(tool="shell", effect="allow", matcher=AnyCall())
    grant = commands.tools.Grant("d", "rule", "rule1", uses=(("rule1", "process"),), process=PROCESS)
    story.do(
        lambda session: commands.rules.add(
            (), story.by, commands.rules.NewRule("rule1", "process", written, uses=2, process=PROCESS)
        )
    )
    granted(story, call, grant)
    answer = await explained(memory, story, call)
    assert [step.kind for step in answer.steps] == ["ModelResponded", "ToolCallAuthorized", "RuleUsed"]


async def test_a_rule_of_the_policy_is_told_with_the_event_that_set_the_policy(memory: World) -> None:
    story = Story()
    written = PermissionRule(tool="shell", effect="allow", matcher=AnyCall(), id="mine/1", reason="a sandbox")
    policy = Policy(name="mine", rules=(written,))
    configured = commands.sessions.Configuration(policy=policy.model_dump_json())
    story.do(lambda session: commands.sessions.configure(session, story.by, configured))
    story.says("Go")
    call = story.call()
    story.answers(call)
    said = Evaluation(verdict="allow", why="mine/1 allows it", rules=("mine/1",))
    granted(story, call, commands.tools.Grant("d", "policy", "mine/1", said, digest(policy.model_dump(mode="json"))))
    answer = await explained(memory, story, call)
    (rule,) = answer.rules
    assert answer.policy is not None
    assert (answer.policy.name, answer.policy.place) == ("mine", rule.place)
    assert (rule.scope, rule.policy, rule.reason) == ("policy", "mine", "a sandbox")
    assert isinstance(event_at(story.history, rule.place.stream, rule.place.version), SessionConfigured)


async def test_the_standard_policy_needs_no_event(memory: World) -> None:
    story, call = proposed()
    standard = digest(Policy().model_dump(mode="json"))
    granted(story, call, commands.tools.Grant("d", "read_only", policy=standard))
    answer = await explained(memory, story, call)
    assert answer.policy is not None
    assert (answer.policy.name, answer.policy.place, answer.policy.problem) == ("standard", None, "")


async def test_a_policy_that_the_log_does_not_have_is_said_to_be_missing(memory: World) -> None:
    story, call = proposed()
    granted(story, call, commands.tools.Grant("d", "policy", "gone", policy="no such digest"))
    answer = await explained(memory, story, call)
    assert answer.policy is not None
    assert (answer.policy.name, answer.policy.problem) == (None, "no policy of the session has this digest")


async def test_every_event_about_the_call_is_told_in_order(memory: World) -> None:
    story, call = proposed()
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True)
    story.authorized(call.call_id, "person", request_id)
    story.started(call.call_id)
    story.finished(call.call_id)
    answer = await explained(memory, story, call)
    assert [step.kind for step in answer.steps] == [
        "ModelResponded",
        "PermissionRequested",
        "PermissionResolved",
        "ToolCallAuthorized",
        "ToolCallStarted",
        "ToolCallFinished",
    ]
