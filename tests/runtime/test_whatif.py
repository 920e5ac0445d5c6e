"""What other rules would have said of the calls on record."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import (
    AnyCall,
    BlobRef,
    Change,
    ExactArgv,
    ExactCall,
    InvalidInput,
    Matcher,
    PermissionRule,
    Policy,
    RuleRemembered,
    RuleRevoked,
    SessionConfigured,
    TurnCompleted,
    parse_rule,
)
from turnlog.infrastructure import tools
from turnlog.runtime import RuleDraft
from turnlog.runtime.explaining.whatif import Difference, Outcome, Trial, blast_radius, whatif, with_books

from .tapes import TURN, Tape
from .world import PROGRAMS, World, act, asks, look

CAT_HERE = {"argv_prefix": ["cat"], "positionals": "workspace"}


@dataclass
class Tried:
    """What came of a trial."""

    outcome: Outcome
    differences: list[Difference]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        return [(each.call_id, each.recorded, each.now) for each in self.differences]


def rule(effect: str, tool: str, **matcher: Any) -> PermissionRule:
    return parse_rule({"tool": tool, "effect": effect, "matcher": matcher or {"kind": "any"}, "id": f"{effect} {tool}"})


async def tried(world: World, *rules: PermissionRule) -> Tried:
    return await tried_by(world, Trial(rules))


async def tried_by(world: World, trial: Trial) -> Tried:
    found: list[Difference] = []
    return Tried(await whatif(world.env, trial, found.append), found)


@pytest.fixture
async def tape(memory: World, tmp_path: Path) -> Tape:
    """A session with a workspace, in a turn."""
    return await Tape(memory).begin(workspace=str(tmp_path), project="p")


async def test_a_call_that_would_be_denied_now_is_told_with_its_place_and_reason(memory: World, tape: Tape) -> None:
    call = await tape.allowed("act", "rule", "old", path="notes.md")
    (found,) = (await tried(memory, rule("deny", "act"))).differences
    assert (found.session_id, found.call_id, found.version) == (tape.session, call, tape.version)
    assert (found.tool, found.call) == ("act", "notes.md")
    assert (found.recorded, found.by, found.source) == ("allow", "rule", "old")
    assert (found.now, found.rules) == ("deny", ("deny act",))
    assert "deny act" in found.why


async def test_a_call_a_person_was_asked_about_may_be_newly_allowed(memory: World, tape: Tape) -> None:
    call = await tape.asked("act")
    assert (await tried(memory, rule("allow", "act"))).changes == [(call, "prompt", "allow")]


async def test_a_call_that_no_rule_decides_any_more_is_newly_asked_about(memory: World, tape: Tape) -> None:
    allowed, denied = await tape.allowed("act"), await tape.denied("act")
    assert (await tried(memory)).changes == [(allowed, "allow", "prompt"), (denied, "deny", "prompt")]


async def test_what_would_be_decided_alike_is_counted_and_no_difference(memory: World, tape: Tape) -> None:
    await tape.allowed("act")
    await tape.denied("shell", argv=["ls"])
    found = await tried(memory, rule("allow", "act"), rule("deny", "shell"))
    assert found.differences == []
    assert found.outcome == Outcome(judged=2, denied=0, allowed=0, prompted=0, skipped=0, unreadable=0)


async def test_differences_are_counted_by_what_they_would_be_now(memory: World, tape: Tape) -> None:
    await tape.asked("act")
    await tape.allowed("shell", argv=["ls"])
    await tape.allowed("read_file", "read_only", path="a")
    found = await tried(memory, rule("allow", "act"), rule("deny", "read_file", op="read"))
    assert found.outcome == Outcome(judged=3, denied=1, allowed=1, prompted=1, skipped=0, unreadable=0)


# What is judged, and by what


async def test_a_tool_that_only_reads_needs_no_rule(memory: World, tape: Tape) -> None:
    await tape.allowed("look", "read_only")
    assert (await tried(memory)).differences == []


async def test_a_tool_that_only_reads_is_asked_about_where_a_rule_says_so(memory: World, tape: Tape) -> None:
    call = await tape.allowed("look", "read_only")
    assert (await tried(memory, rule("prompt", "look"))).changes == [(call, "allow", "prompt")]


async def test_the_policy_of_the_session_still_holds(memory: World) -> None:
    tape = await Tape(memory).begin(Policy.permissive())
    await tape.allowed("act", "policy")
    assert (await tried(memory)).differences == []


async def test_a_policy_counts_from_where_the_session_was_given_it(memory: World, tape: Tape) -> None:
    await tape.asked("act")
    await tape.add(SessionConfigured(**tape.by, policy=Policy.permissive().model_dump_json()))
    await tape.allowed("act", "policy")
    assert (await tried(memory)).differences == []


async def test_tools_that_need_two_persons_are_asked_about_whatever_allows_them(memory: World) -> None:
    tape = await Tape(memory).begin(Policy(two_persons=("act",)))
    await tape.asked("act")
    assert (await tried(memory, rule("allow", "act"))).differences == []


async def test_the_word_of_an_authorizer_counts_as_it_was_given(memory: World, tape: Tape) -> None:
    await tape.allowed("act", "authorizer")
    await tape.denied("act", "authorizer")
    assert (await tried(memory)).differences == []


async def test_a_rule_still_comes_before_the_word_of_an_authorizer(memory: World, tape: Tape) -> None:
    allowed = await tape.allowed("act", "authorizer")
    denied = await tape.denied("act", "authorizer")
    assert (await tried(memory, rule("prompt", "act"))).changes == [(allowed, "allow", "prompt")]
    assert denied not in [change[0] for change in (await tried(memory, rule("deny", "act"))).changes]


async def test_commands_are_judged_in_the_workspace_of_their_session(memory: World, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    inside = await Tape(memory, "inside").begin(workspace=str(tmp_path))
    outside = await Tape(memory, "outside").begin(workspace=str(tmp_path / "other"))
    path = str(tmp_path / "a.txt")
    call = await inside.asked("shell", argv=["cat", path])
    await outside.asked("shell", argv=["cat", path])
    assert (await tried(memory, rule("allow", "shell", **CAT_HERE))).changes == [(call, "prompt", "allow")]


async def test_a_fork_goes_on_in_the_workspace_and_by_the_policy_of_its_parent(memory: World, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    tape = await Tape(memory).begin(Policy(two_persons=("act",)), workspace=str(tmp_path))
    before = tape.version
    await tape.add(SessionConfigured(**tape.by, policy=Policy.permissive().model_dump_json()))
    child = await (await tape.fork(before, "child")).fork(1, "grandchild")
    call = await child.asked("shell", argv=["cat", "a.txt"])
    await child.asked("act")
    found = await tried(memory, rule("allow", "shell", **CAT_HERE), rule("allow", "act"))
    assert found.changes == [(call, "prompt", "allow")]


async def test_amended_arguments_are_the_ones_that_are_judged(memory: World, tape: Tape) -> None:
    call = await tape.ask_for("shell", argv=["ls"])
    await tape.amend(call, argv=["rm", "x"])
    await tape.authorize(call, "rule")
    found = await tried(memory, rule("allow", "shell", exact=["ls"]), rule("deny", "shell", program="rm"))
    assert found.changes == [(call, "allow", "deny")]


async def test_arguments_that_are_kept_apart_are_read(memory: World, tape: Tape) -> None:
    body = await memory.env.bodies.keep(f'{{"argv": ["rm", "{"x" * 9_000}"]}}')
    assert isinstance(body, BlobRef)
    call = await tape.ask_for("shell", body)
    await tape.authorize(call, "rule")
    assert (await tried(memory, rule("deny", "shell", program="rm"))).changes == [(call, "allow", "deny")]


async def test_only_the_first_decision_on_a_call_counts(memory: World, tape: Tape) -> None:
    call = await tape.asked("act")
    await tape.authorize(call, "person")
    found = await tried(memory)
    assert (found.outcome.judged, found.changes) == (1, [])


async def test_a_call_that_waited_for_the_answer_to_another_was_asked_about_too(memory: World, tape: Tape) -> None:
    first = await tape.asked("act", exact="same")
    second = await tape.joined(first, "act")
    same = PermissionRule(tool="act", effect="allow", matcher=ExactCall(digest="same", shown="act"))
    assert (await tried(memory, same)).changes == [(first, "prompt", "allow"), (second, "prompt", "allow")]


async def test_an_exact_rule_that_allowed_a_call_still_does(memory: World, tape: Tape) -> None:
    await tape.allowed("act", "rule", "mine")
    other = await tape.allowed("act", "rule", "another")
    mine = PermissionRule(tool="act", effect="allow", matcher=ExactCall(digest="d1", shown="act"), id="mine")
    assert (await tried(memory, mine)).changes == [(other, "allow", "prompt")]


# What is not judged


@pytest.mark.parametrize("by", ["hook", "invalid", "turn_ended", "expiry"])
async def test_a_call_that_nobody_judged_is_skipped_and_counted(memory: World, tape: Tape, by: Any) -> None:
    await tape.denied("act", by)
    found = await tried(memory, rule("allow", "act"))
    assert (found.differences, found.outcome.skipped, found.outcome.judged) == ([], 1, 0)


async def test_a_denial_of_what_was_too_long_to_show_says_nothing_of_rules(memory: World, tape: Tape) -> None:
    await tape.denied("act", "policy", "too_long")
    assert (await tried(memory)).outcome.skipped == 1


async def test_calls_whose_turn_ended_or_goes_on_are_skipped_and_counted(memory: World, tape: Tape) -> None:
    await tape.ask_for("act")
    await tape.add(TurnCompleted(**tape.by, turn_id=TURN))
    await tape.turn()
    await tape.ask_for("act")
    assert (await tried(memory)).outcome == Outcome(0, 0, 0, 0, skipped=2, unreadable=0)


async def test_a_call_whose_arguments_are_lost_is_counted_and_the_rest_is_judged(memory: World, tape: Tape) -> None:
    lost = await tape.ask_for("act", BlobRef(sha256="0" * 64, size=9_000, media_type="text/plain"))
    await tape.authorize(lost, "rule")
    call = await tape.allowed("act")
    found = await tried(memory, rule("deny", "act"))
    assert (found.changes, found.outcome.unreadable) == ([(call, "allow", "deny")], 1)


async def test_a_call_of_a_session_whose_policy_makes_no_sense_is_unreadable(memory: World) -> None:
    tape = Tape(memory)
    await tape.begin()
    await tape.add(SessionConfigured(**tape.by, policy="{"))
    await tape.allowed("act")
    assert (await tried(memory)).outcome == Outcome(0, 0, 0, 0, skipped=0, unreadable=1)


async def test_only_calls_made_since_a_moment_are_counted(memory: World, tape: Tape) -> None:
    await tape.allowed("act")
    await tape.ask_for("act")
    memory.clock.advance(60)
    moment = memory.clock.now()
    late = await tape.allowed("act")
    found = await tried_by(memory, Trial((rule("deny", "act"),), since=moment))
    assert (found.changes, found.outcome.skipped) == ([(late, "allow", "deny")], 0)


async def test_a_log_longer_than_a_page_is_read_to_its_end(memory: World, tape: Tape) -> None:
    for _ in range(510):
        await tape.allowed("act")
    seen: list[tuple[int, int]] = []

    def told(position: int, end: int) -> None:
        seen.append((position, end))

    outcome = await whatif(memory.env, Trial((rule("deny", "act"),)), lambda difference: None, told)
    assert outcome.denied == 510
    assert len(seen) == 2
    assert seen[-1] == (1_023, 1_023)


# Rules in books


async def remember(world: World, stream: str, effect: Any, tool: str, **more: Any) -> None:
    tape = Tape(world, stream)
    scope: Any = "global" if stream == "rules.global" else "project"
    told = RuleRemembered(
        **tape.by, rule_id=f"rule of {stream}", scope=scope, effect=effect, tool=tool, matcher=AnyCall(), **more
    )
    await world.log.append(Change(stream, 0, (told,)))


async def test_rules_of_books_hold_where_they_are_wanted(memory: World, tape: Tape) -> None:
    await remember(memory, "rules.global", "allow", "act")
    call = await tape.asked("act")
    assert (await tried(memory)).differences == []
    kept = await with_books(memory.env, Trial(()))
    assert (await tried_by(memory, kept)).changes == [(call, "prompt", "allow")]


async def test_rules_of_a_project_hold_for_its_sessions_alone(memory: World, tape: Tape) -> None:
    await remember(memory, "rules.project.p", "deny", "act")
    elsewhere = await Tape(memory, "elsewhere").begin(project="q")
    call = await tape.asked("act")
    await elsewhere.asked("act")
    assert (await tried_by(memory, await with_books(memory.env, Trial(())))).changes == [(call, "prompt", "deny")]


async def test_rules_that_have_ended_are_not_tried(memory: World, tape: Tape) -> None:
    await remember(memory, "rules.global", "allow", "act", expires_at=memory.clock.now() + timedelta(seconds=1))
    memory.clock.advance(1)
    assert (await with_books(memory.env, Trial(()))).rules == ()


def of_session(tape: Tape, rule_id: str, effect: Any, tool: str) -> RuleRemembered:
    return RuleRemembered(
        **tape.by,
        rule_id=rule_id,
        scope="session",
        effect=effect,
        tool=tool,
        matcher=AnyCall(),
        session_id=tape.session,
    )


async def test_rules_of_a_session_hold_for_what_was_decided_there_meanwhile(memory: World, tape: Tape) -> None:
    await tape.asked("act")
    await tape.add(of_session(tape, "mine", "allow", "act"))
    await tape.allowed("act", "rule", "mine")
    await tape.add(RuleRevoked(**tape.by, rule_id="mine", scope="session"))
    await tape.asked("act")
    elsewhere = await Tape(memory, "elsewhere").begin()
    await elsewhere.asked("act")
    assert (await tried_by(memory, await with_books(memory.env, Trial(())))).differences == []
    assert len((await tried(memory)).differences) == 1


async def test_a_fork_has_the_denials_of_its_parent_and_not_what_it_was_allowed(memory: World, tape: Tape) -> None:
    at = await tape.add(of_session(tape, "yes", "allow", "act"), of_session(tape, "no", "deny", "shell"))
    await tape.add(RuleRevoked(**tape.by, rule_id="no", scope="session"))
    child = await tape.fork(at, "child")
    await child.asked("act")
    await child.denied("shell", argv=["ls"])
    assert (await tried_by(memory, await with_books(memory.env, Trial(())))).differences == []


# The same rules once more


async def test_the_rules_that_were_in_force_change_nothing(memory: World, tmp_path: Path) -> None:
    await memory.turnlog.add_rule(RuleDraft(rule("allow", "act")))
    await memory.turnlog.add_rule(RuleDraft(rule("deny", "shell", program="rm"), project="p"))
    calls = asks("look", "act", ("shell", {"argv": ["rm", "x"]}), ("shell", {"argv": ["ls"]}), "missing")
    shell = tools.BUILTIN_TOOLS["shell"]
    session = await memory.session([calls, "done"], look, act, shell, project="p", workspace=tmp_path, policy=PROGRAMS)
    reply = await session.append_turn("Go.", approvals="suspend")
    assert reply.outcome == "suspended"
    found = await tried_by(memory, await with_books(memory.env, Trial(())))
    assert (found.differences, found.outcome.judged, found.outcome.skipped) == ([], 4, 1)


# Next to proposals


async def covered(world: World, *matchers: Matcher, most: int = 10_000) -> tuple[int, tuple[int, ...], bool]:
    found = await blast_radius(world.env, "shell", matchers, most)
    return found.calls, found.covered, found.complete


async def test_the_calls_that_a_rule_would_have_allowed_are_counted(memory: World, tape: Tape) -> None:
    await tape.allowed("shell", argv=["ls"])
    await tape.denied("shell", argv=["rm", "x"])
    await tape.asked("shell", argv=["ls"])
    await tape.ask_for("shell", argv=["pwd"])
    await tape.allowed("act")
    ls, rm = ExactArgv(exact=("ls",)), ExactArgv(exact=("rm", "x"))
    assert await covered(memory, ls, rm, AnyCall()) == (4, (2, 1, 4), True)


@pytest.mark.parametrize("most", [1, 2, 7, 16, 20, 33, 64, 81, 82])
async def test_no_more_than_the_latest_events_are_looked_at(memory: World, tape: Tape, most: int) -> None:
    for _ in range(40):
        await tape.allowed("shell", argv=["ls"])
    assert tape.version == 83
    calls, found, complete = await covered(memory, AnyCall(), most=most)
    assert not complete
    assert found == (calls,)
    assert most * 0.9 - 4 <= 2 * calls <= most


async def test_a_session_that_began_before_the_latest_events_keeps_its_workspace(memory: World, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    tape = await Tape(memory).begin(workspace=str(tmp_path))
    child = await (await tape.fork(1, "child")).fork(1, "grandchild")
    for _ in range(40):
        await child.allowed("shell", argv=["cat", "a.txt"])
    calls, found, _ = await covered(memory, rule("allow", "shell", **CAT_HERE).matcher, most=20)
    assert found == (calls,)


async def test_an_empty_log_covers_nothing(memory: World) -> None:
    assert await covered(memory, AnyCall()) == (0, (0,), True)


async def test_a_matcher_that_can_allow_nothing_is_refused(memory: World) -> None:
    program = rule("deny", "shell", program="ls").matcher
    with pytest.raises(InvalidInput, match="too wide to allow"):
        await blast_radius(memory.env, "shell", [program])
