"""Remembered rules, as of any point."""

from turnlog.domain import GLOBAL_BOOK, Scope, commands
from turnlog.projections import RULES, project

from .story import Story


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
