"""Rules together give one verdict, whatever the order in which they were made."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given as with_examples
from hypothesis import strategies as st

from turnlog.domain import (
    GLOBAL_BOOK,
    AnyCall,
    ExactCall,
    InvalidInput,
    Matcher,
    NotFound,
    Rule,
    RuleBook,
    RuleEffect,
    RuleRemembered,
    RuleRevoked,
    Scope,
    Verdict,
    book_stream,
    commands,
    evolve_book,
    judge,
    project_book,
)
from turnlog.testing import given

from .every_command import RULE
from .story import ALICE, ALLOWED, CREATED, DIGEST, EXPIRY, LATER, NOON, OTHER_DIGEST, alice

EXACT = ExactCall(digest=DIGEST, shown="make test")
SECOND = timedelta(seconds=1)


def rule(
    rule_id: str,
    effect: RuleEffect = "allow",
    scope: Scope = "session",
    matcher: Matcher = EXACT,
    minute: int = 0,
) -> Rule:
    return Rule(
        rule_id=rule_id,
        scope=scope,
        effect=effect,
        tool="shell",
        matcher=matcher,
        reason="",
        expires_at=None,
        made_by=ALICE,
        made_at=NOON + timedelta(minutes=minute),
    )


ALLOW = rule("rule_1")
DENY = rule("rule_2", "deny")
ALLOW_ALL = rule("rule_3", matcher=AnyCall())
GLOBAL_DENY = rule("rule_4", "deny", "global", AnyCall())
TEMPORARY = ALLOW.model_copy(update={"expires_at": EXPIRY})
REMEMBERED = RuleRemembered(
    **alice, rule_id="rule_1", scope="session", effect="allow", tool="shell", matcher=EXACT, reason=""
)
REVOKED = RuleRevoked(**alice, rule_id="rule_1", scope="session")


def verdict(*rules: Rule) -> Verdict:
    return judge("shell", DIGEST, rules, NOON)


# What a rule covers


def test_an_exact_rule_covers_the_one_call() -> None:
    assert ALLOW.covers("shell", DIGEST, NOON)


def test_an_exact_rule_covers_no_other_call() -> None:
    assert not ALLOW.covers("shell", OTHER_DIGEST, NOON)


def test_a_rule_for_any_call_covers_every_call_of_its_tool() -> None:
    assert ALLOW_ALL.covers("shell", OTHER_DIGEST, NOON)


@pytest.mark.parametrize("of_shell", [ALLOW, ALLOW_ALL], ids=["exact", "any"])
def test_a_rule_covers_no_other_tool(of_shell: Rule) -> None:
    assert not of_shell.covers("shell2", DIGEST, NOON)


def test_a_rule_covers_calls_until_it_expires() -> None:
    assert TEMPORARY.covers("shell", DIGEST, EXPIRY - SECOND)


def test_a_rule_covers_nothing_from_its_expiry_on() -> None:
    assert not TEMPORARY.covers("shell", DIGEST, EXPIRY)


# The verdict


def test_without_rules_a_person_is_asked() -> None:
    assert verdict() == Verdict("prompt")


def test_a_rule_that_does_not_cover_the_call_has_no_say() -> None:
    assert judge("shell", OTHER_DIGEST, [ALLOW, DENY], NOON) == Verdict("prompt")


def test_an_allow_is_cited() -> None:
    assert verdict(ALLOW) == Verdict("allow", ALLOW)


def test_deny_beats_allow() -> None:
    assert verdict(ALLOW, DENY) == Verdict("deny", DENY)


def test_a_wide_deny_beats_a_narrow_allow() -> None:
    assert verdict(ALLOW, GLOBAL_DENY) == Verdict("deny", GLOBAL_DENY)


def test_an_expired_deny_no_longer_beats_an_allow() -> None:
    expired = DENY.model_copy(update={"expires_at": EXPIRY})
    assert judge("shell", DIGEST, [ALLOW, expired], LATER) == Verdict("allow", ALLOW)


@pytest.mark.parametrize(
    ("others", "cited"),
    [
        ([rule("a", scope="global"), rule("b", scope="project"), rule("c", scope="session")], "c"),
        ([rule("a", minute=2), rule("b", minute=1)], "b"),
        ([rule("b"), rule("a")], "a"),
    ],
    ids=["the narrowest scope", "then the oldest", "then the first by id"],
)
def test_of_several_rules_the_one_cited_is(others: list[Rule], cited: str) -> None:
    found = verdict(*others).rule
    assert found is not None
    assert found.rule_id == cited


RULES = st.lists(
    st.builds(
        rule,
        rule_id=st.sampled_from("abcdef"),
        effect=st.sampled_from(["allow", "deny"]),
        scope=st.sampled_from(["session", "project", "global"]),
        matcher=st.sampled_from([EXACT, AnyCall(), ExactCall(digest=OTHER_DIGEST, shown="rm -rf /")]),
        minute=st.integers(0, 2),
    ),
    max_size=4,
    unique_by=lambda made: made.rule_id,
)


@with_examples(RULES)
def test_the_verdict_is_the_same_in_whatever_order_rules_were_made(rules: list[Rule]) -> None:
    verdicts = {repr(judge("shell", DIGEST, order, NOON)) for order in permutations(rules)}
    assert len(verdicts) == 1


@with_examples(RULES)
def test_no_allow_ever_overrules_a_deny(rules: list[Rule]) -> None:
    effect = judge("shell", DIGEST, [*rules, DENY], NOON).effect
    assert effect == "deny"


@with_examples(RULES)
def test_rules_that_do_not_cover_a_call_do_not_change_its_verdict(rules: list[Rule]) -> None:
    covering = [made for made in rules if made.covers("shell", DIGEST, NOON)]
    assert judge("shell", DIGEST, rules, NOON) == judge("shell", DIGEST, covering, NOON)


# Books of rules


def test_a_remembered_rule_is_in_force() -> None:
    assert evolve_book(RuleBook(), REMEMBERED) == RuleBook(1, (ALLOW,))


def test_a_revoked_rule_is_no_longer_in_force() -> None:
    assert evolve_book(evolve_book(RuleBook(), REMEMBERED), REVOKED) == RuleBook(2, ())


def test_a_rule_is_found_by_its_id() -> None:
    assert RuleBook(1, (ALLOW,)).find("rule_1") == ALLOW


def test_a_rule_that_is_not_there_is_not_found() -> None:
    assert RuleBook(1, (ALLOW,)).find("rule_9") is None


def test_a_book_is_not_moved_by_what_is_no_rule() -> None:
    assert evolve_book(RuleBook(1, (ALLOW,)), ALLOWED) == RuleBook(2, (ALLOW,))


def test_a_session_keeps_its_own_rules() -> None:
    assert given(*CREATED, REMEMBERED).session.rules == (ALLOW,)


def test_a_session_forgets_a_revoked_rule() -> None:
    assert given(*CREATED, REMEMBERED, REVOKED).session.rules == ()


@pytest.mark.parametrize(
    ("scope", "stream"),
    [("session", "session a"), ("project", project_book("website")), ("global", GLOBAL_BOOK)],
)
def test_each_scope_has_a_stream_of_its_own(scope: Scope, stream: str) -> None:
    assert book_stream(scope, "session a", "website") == stream


def test_there_is_no_stream_for_the_rules_of_no_project() -> None:
    with pytest.raises(ValueError, match="without a project"):
        book_stream("project", "session a", None)


# Rules made by hand


def test_a_rule_is_added_by_hand() -> None:
    added = commands.rules.add((), alice, RULE)
    assert added == (
        RuleRemembered(**alice, rule_id="rule_9", scope="session", effect="allow", tool="shell", matcher=AnyCall()),
    )


def test_a_rule_id_is_used_once() -> None:
    with pytest.raises(InvalidInput, match="already a rule rule_1"):
        commands.rules.add((ALLOW,), alice, commands.rules.NewRule("rule_1", "session", "deny", "shell", AnyCall()))


@pytest.mark.parametrize("tool", ["", " "])
def test_a_rule_names_a_tool(tool: str) -> None:
    with pytest.raises(InvalidInput, match="name of a tool"):
        commands.rules.add((), alice, commands.rules.NewRule("rule_1", "session", "deny", tool, AnyCall()))


def test_revoking_a_rule_names_its_scope() -> None:
    revoked = commands.rules.revoke((GLOBAL_DENY,), alice, "rule_4", "it was too wide")
    assert revoked == (RuleRevoked(**alice, rule_id="rule_4", scope="global", reason="it was too wide"),)


def test_a_rule_is_revoked_once() -> None:
    with pytest.raises(NotFound, match="turnlog rules list"):
        commands.rules.revoke((), alice, "rule_1")
