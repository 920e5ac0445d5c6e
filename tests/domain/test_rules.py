"""Remembered rules: when they hold, what is left of them, and the books they are kept in."""

from datetime import timedelta

import pytest

from turnlog.domain import (
    GLOBAL_BOOK,
    ArgvPrefix,
    JsonKeys,
    PermissionRule,
    RuleBook,
    RuleEffect,
    Scope,
    book_stream,
    evolve_book,
    from_snapshot,
    in_force,
    process_book,
    project_book,
    to_snapshot,
    unexpired,
)
from turnlog.testing import given

from .remembered import ALLOW, EXACT, GLOBAL, in_book, in_session, remembered, revoked, used, uses_left
from .story import ALLOWED, CREATED, EXPIRY, NOON, PROCESS

SECOND = timedelta(seconds=1)
TEMPORARY = ALLOW.model_copy(update={"expires_at": EXPIRY})


# When a rule holds


def test_a_rule_without_an_end_holds_at_any_time() -> None:
    assert ALLOW.holds(EXPIRY + timedelta(days=36500))


def test_a_rule_holds_until_it_expires() -> None:
    assert TEMPORARY.holds(EXPIRY - SECOND)


def test_a_rule_does_not_hold_from_its_expiry_on() -> None:
    assert not TEMPORARY.holds(EXPIRY)


@pytest.mark.parametrize(("uses", "holds"), [(None, True), (2, True), (1, True), (0, False), (-1, False)])
def test_a_rule_holds_while_there_are_uses_left(uses: int | None, holds: bool) -> None:
    assert ALLOW.model_copy(update={"uses": uses}).holds(NOON) == holds


def test_only_rules_that_hold_are_in_force_in_the_order_they_have() -> None:
    used_up = ALLOW.model_copy(update={"uses": 0})
    assert in_force((GLOBAL, TEMPORARY, used_up, ALLOW), EXPIRY) == (GLOBAL, ALLOW)


def test_a_rule_that_is_used_up_but_not_too_old_still_covers_what_its_last_use_allowed() -> None:
    used_up = ALLOW.model_copy(update={"uses": 0})
    assert unexpired((GLOBAL, TEMPORARY, used_up), EXPIRY) == (GLOBAL, used_up)


# A rule as it is judged


def test_a_rule_is_judged_as_it_was_made() -> None:
    rule = ALLOW.model_copy(update={"reason": "as always"})
    assert rule.written == PermissionRule(tool="shell", effect="allow", matcher=EXACT, id="rule_1", reason="as always")


def test_a_rule_that_would_no_longer_be_accepted_is_still_judged() -> None:
    wide = ALLOW.model_copy(update={"matcher": JsonKeys(keys=("command",))})
    assert wide.written.matcher == JsonKeys(keys=("command",))


def test_a_rule_that_was_judged_is_the_same_rule() -> None:
    judged = ALLOW.model_copy()
    assert judged.written is judged.written
    assert judged == ALLOW


def test_a_rule_that_was_judged_can_be_kept_in_a_snapshot() -> None:
    session = given(*CREATED, remembered()).session
    assert session.rules[0].written.tool == "shell"
    assert from_snapshot(to_snapshot(session)) == session


def test_a_rule_that_was_judged_is_judged_the_same_once_it_was_used() -> None:
    (rule,) = in_book([remembered(uses=2)]).rules
    before = rule.written
    (after,) = evolve_book(RuleBook(1, (rule,)), used()).rules
    assert (after.uses, after.written) == (1, before)


@pytest.mark.parametrize("effect", ["deny", "prompt"])
def test_a_restriction_by_its_first_words_is_accepted_again_as_it_was_stored(effect: RuleEffect) -> None:
    written = PermissionRule(tool="shell", effect=effect, matcher=ArgvPrefix(argv_prefix=("rm",)))
    assert PermissionRule.model_validate_json(written.model_dump_json()) == written


@pytest.mark.parametrize("effect", ["deny", "prompt"])
def test_a_restriction_that_lists_what_may_follow_is_refused_however_it_is_written(effect: RuleEffect) -> None:
    listing = ArgvPrefix(argv_prefix=("rm",), flags=("-r",))
    with pytest.raises(ValueError, match="would narrow"):
        PermissionRule(tool="shell", effect=effect, matcher=listing)


# Books of rules


def test_a_remembered_rule_is_in_force() -> None:
    assert in_book([remembered()]) == RuleBook(1, (ALLOW,))


def test_a_remembered_rule_keeps_how_often_and_until_when_it_holds() -> None:
    event = remembered(uses=3).model_copy(update={"expires_at": EXPIRY})
    assert [(rule.uses, rule.expires_at) for rule in in_book([event]).rules] == [(3, EXPIRY)]


def test_a_rule_remembered_again_takes_the_place_of_the_first() -> None:
    assert [rule.effect for rule in in_book([remembered(), remembered(effect="deny")]).rules] == ["deny"]


def test_a_revoked_rule_is_no_longer_in_force() -> None:
    assert in_book([remembered(), revoked()]) == RuleBook(2, ())


def test_a_use_is_one_less() -> None:
    assert uses_left([remembered(uses=3), used()]) == [2]


def test_a_use_of_one_rule_is_none_of_another() -> None:
    assert uses_left([remembered("rule_1", uses=3), remembered("rule_2", uses=3), used("rule_2")]) == [3, 2]


def test_a_rule_for_any_number_of_calls_is_not_used_up() -> None:
    assert uses_left([remembered(), used(), used()]) == [None]


def test_a_use_of_a_rule_that_is_not_there_only_moves_the_version() -> None:
    assert in_book([remembered(), used("rule_9")]) == RuleBook(2, (ALLOW,))


def test_a_rule_is_found_by_its_id() -> None:
    assert RuleBook(1, (ALLOW,)).find("rule_1") == ALLOW


def test_a_rule_that_is_not_there_is_not_found() -> None:
    assert RuleBook(1, (ALLOW,)).find("rule_9") is None


def test_a_book_is_not_moved_by_what_is_no_rule() -> None:
    assert evolve_book(RuleBook(1, (ALLOW,)), ALLOWED) == RuleBook(2, (ALLOW,))


def test_a_session_keeps_its_own_rules() -> None:
    assert in_session([remembered()]) == (ALLOW,)


def test_a_session_forgets_a_revoked_rule() -> None:
    assert in_session([remembered(), revoked()]) == ()


def test_a_session_counts_the_uses_of_its_own_rules() -> None:
    assert [rule.uses for rule in in_session([remembered(uses=3), used()])] == [2]


@pytest.mark.parametrize("scope", ["process", "project", "global"])
def test_a_session_keeps_no_rules_of_another_scope(scope: Scope) -> None:
    elsewhere = {"scope": scope}
    before = (remembered(uses=3),)
    events = (remembered("rule_2"), used(), revoked())
    assert in_session([*before, *(event.model_copy(update=elsewhere) for event in events)]) == in_session(before)


@pytest.mark.parametrize(
    ("scope", "stream"),
    [
        ("process", process_book(PROCESS)),
        ("session", "session a"),
        ("project", project_book("website")),
        ("global", GLOBAL_BOOK),
    ],
)
def test_each_scope_has_a_stream_of_its_own(scope: Scope, stream: str) -> None:
    assert book_stream(scope, "session a", "website", PROCESS) == stream


def test_no_name_of_a_project_or_process_leads_to_the_book_of_another_scope() -> None:
    names = ("", "global", "project.global", "process.global", "rules.global", ".", "x")
    streams = [GLOBAL_BOOK, *map(project_book, names), *map(process_book, names)]
    assert len(set(streams)) == len(streams)


def test_there_is_no_stream_for_the_rules_of_no_project() -> None:
    with pytest.raises(ValueError, match="without a project"):
        book_stream("project", "session a", None, PROCESS)


def test_there_is_no_stream_for_the_rules_of_a_process_nobody_named() -> None:
    with pytest.raises(ValueError, match="which process"):
        book_stream("process", "session a", "website")
