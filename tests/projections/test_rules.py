"""Remembered rules, as of any point."""

from turnlog.domain import GLOBAL_BOOK, AnyCall, PermissionRule, Scope, commands, process_book
from turnlog.projections import RULES, project

from .story import PROCESS, Story, digest_of


def answered(*answers: tuple[bool, Scope]) -> Story:
    story = Story()
    story.says("Go")
    calls = [story.call() for _ in answers]
    story.answers(*calls)
    for call, (allow, scope) in zip(calls, answers, strict=True):
        story.answered(story.asks(call.call_id), allow=allow, remember=scope)
    return story


def test_a_session_remembers_until_it_is_told_to_forget() -> None:
    story = answered((True, "session"))
    (rule,) = project(RULES, story.history)
    assert (rule.effect, rule.tool, rule.scope) == ("allow", "shell", "session")
    story.do(lambda session: commands.rules.revoke(session.rules, story.by, rule.rule_id))
    assert project(RULES, story.history) == ()
    assert project(RULES, story.history[:-1]) == (rule,)


def test_rules_of_wider_scope_are_in_their_books() -> None:
    story = answered((True, "global"), (False, "project"))
    assert project(RULES, story.history) == ()
    book = [recorded for recorded in story.log if recorded.stream == GLOBAL_BOOK]
    assert [rule.scope for rule in project(RULES, book)] == ["global"]


def test_a_fork_keeps_what_was_forbidden_and_not_what_was_allowed() -> None:
    story = answered((True, "session"), (False, "session"))
    story.fork()
    assert [rule.effect for rule in project(RULES, story.history)] == ["deny"]


def test_a_fork_that_keeps_grants_keeps_all() -> None:
    story = answered((True, "session"), (False, "session"))
    story.fork(keeps_grants=True)
    assert [rule.effect for rule in project(RULES, story.history)] == ["allow", "deny"]


def test_a_fork_keeps_what_is_to_be_asked_about() -> None:
    story = Story()
    written = PermissionRule(tool="shell", effect="prompt", matcher=AnyCall())
    new = commands.rules.NewRule("rule1", "session", written)
    story.do(lambda session: commands.rules.add(session.rules, story.by, new))
    story.fork()
    assert [rule.effect for rule in project(RULES, story.history)] == ["prompt"]


def test_a_rule_for_a_process_is_in_the_book_of_that_process() -> None:
    story = answered((True, "process"))
    assert project(RULES, story.history) == ()
    book = [recorded for recorded in story.log if recorded.stream == process_book(PROCESS)]
    assert [rule.scope for rule in project(RULES, book)] == ["process"]


def test_a_use_of_a_rule_leaves_one_less() -> None:
    story = Story()
    written = PermissionRule(tool="shell", effect="allow", matcher=AnyCall())
    new = commands.rules.NewRule("rule1", "session", written, uses=2)
    story.do(lambda session: commands.rules.add(session.rules, story.by, new))
    story.says("Go")
    call = story.call()
    story.answers(call)
    grant = commands.tools.Grant(digest_of(call.call_id), "rule", "rule1", uses=(("rule1", "session"),))
    story.do(lambda session: commands.tools.authorize(session, story.by, story.epoch, call.call_id, grant))
    assert [rule.uses for rule in project(RULES, story.history)] == [1]
