"""Rules made by hand: complete, named once, and revoked where they hold."""

import pytest

from turnlog.domain import (
    Actor,
    ActorKind,
    AnyCall,
    ArgvPrefix,
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionRule,
    Rule,
    RuleRemembered,
    RuleRevoked,
    Scope,
    Stamp,
    commands,
)

from .every_command import ANY_SHELL, RULE
from .remembered import ALLOW, GLOBAL, OF_A_PROCESS, in_book, revoked
from .story import EXPIRY, PROCESS, alice, late_alice

NewRule = commands.rules.NewRule

SCOPES: tuple[Scope, ...] = ("process", "session", "project", "global")
DENY_SHELL = PermissionRule(tool="shell", effect="deny", matcher=AnyCall())
PROMPT_SHELL = PermissionRule(tool="shell", effect="prompt", matcher=AnyCall())


def test_a_rule_is_added_by_hand() -> None:
    added = commands.rules.add((), alice, RULE)
    assert added == (
        RuleRemembered(**alice, rule_id="rule_9", scope="session", effect="allow", tool="shell", matcher=AnyCall()),
    )


def test_a_rule_added_by_hand_keeps_everything_that_was_written() -> None:
    written = PermissionRule(
        tool="shell",
        effect="allow",
        matcher=ArgvPrefix(argv_prefix=("make",), positionals=("test",)),
        reason="as always",
        match=("make test",),
        not_match=("make install",),
    )
    new = NewRule("rule_9", "process", written, expires_at=EXPIRY, uses=3, process=PROCESS)
    assert commands.rules.add((), alice, new) == (
        RuleRemembered(
            **alice,
            rule_id="rule_9",
            scope="process",
            process=PROCESS,
            effect="allow",
            tool="shell",
            matcher=written.matcher,
            reason="as always",
            expires_at=EXPIRY,
            uses=3,
            match=("make test",),
            not_match=("make install",),
        ),
    )


@pytest.mark.parametrize("written", [ANY_SHELL, PROMPT_SHELL, DENY_SHELL], ids=["allow", "prompt", "deny"])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_rule_of_any_effect_can_be_added_in_any_scope(written: PermissionRule, scope: Scope) -> None:
    (added,) = commands.rules.add((), alice, NewRule("rule_9", scope, written, process=PROCESS))
    assert [(rule.effect, rule.scope) for rule in in_book([added]).rules] == [(written.effect, scope)]


@pytest.mark.parametrize(("scope", "named"), [("process", PROCESS), ("session", None), ("global", None)])
def test_only_a_rule_of_process_scope_names_a_process(scope: Scope, named: str | None) -> None:
    added = commands.rules.add((), alice, NewRule("rule_9", scope, ANY_SHELL, process=PROCESS))
    assert [event.process for event in added if isinstance(event, RuleRemembered)] == [named]


def test_a_rule_of_process_scope_needs_a_process() -> None:
    with pytest.raises(InvalidInput, match="rule_9 is to hold in one process"):
        commands.rules.add((), alice, NewRule("rule_9", "process", ANY_SHELL))


def test_a_rule_id_is_used_once() -> None:
    with pytest.raises(InvalidInput, match="already a rule rule_1"):
        commands.rules.add((ALLOW,), alice, NewRule("rule_1", "session", DENY_SHELL))


@pytest.mark.parametrize("tool", ["", " "])
def test_a_rule_names_a_tool(tool: str) -> None:
    with pytest.raises(InvalidInput, match="name of a tool"):
        commands.rules.add((), alice, NewRule("rule_1", "session", DENY_SHELL.model_copy(update={"tool": tool})))


@pytest.mark.parametrize("written", [DENY_SHELL, PROMPT_SHELL], ids=["deny", "prompt"])
def test_only_what_is_allowed_is_counted(written: PermissionRule) -> None:
    with pytest.raises(InvalidInput, match="number of uses"):
        commands.rules.add((), alice, NewRule("rule_1", "session", written, uses=1))


@pytest.mark.parametrize("uses", [0, -1])
def test_a_rule_that_is_counted_allows_at_least_one_call(uses: int) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        commands.rules.add((), alice, NewRule("rule_1", "session", ANY_SHELL, uses=uses))


def test_a_rule_that_ends_before_it_is_made_is_refused() -> None:
    with pytest.raises(InvalidInput, match="would never hold"):
        commands.rules.add((), late_alice, NewRule("rule_1", "session", ANY_SHELL, expires_at=EXPIRY))


def test_revoking_a_rule_names_its_scope() -> None:
    assert commands.rules.revoke((GLOBAL,), alice, "rule_4", "it was too wide") == (
        RuleRevoked(**alice, rule_id="rule_4", scope="global", reason="it was too wide"),
    )


@pytest.mark.parametrize(("rule", "named"), [(OF_A_PROCESS, PROCESS), (ALLOW, None)], ids=["process", "session"])
def test_revoking_a_rule_names_the_process_only_where_it_holds_in_one(rule: Rule, named: str | None) -> None:
    assert commands.rules.revoke((rule,), alice, "rule_1", process=PROCESS) == (
        RuleRevoked(**alice, rule_id="rule_1", scope=rule.scope, process=named),
    )


def test_a_rule_of_process_scope_is_revoked_in_a_process() -> None:
    with pytest.raises(InvalidInput, match="rule_1 holds in one process"):
        commands.rules.revoke((OF_A_PROCESS,), alice, "rule_1")


def test_a_rule_that_is_used_up_can_be_revoked() -> None:
    used_up = ALLOW.model_copy(update={"uses": 0})
    assert commands.rules.revoke((used_up,), alice, "rule_1") == (revoked(),)


def test_a_rule_is_revoked_once() -> None:
    with pytest.raises(NotFound, match="turnlog rules list"):
        commands.rules.revoke((), alice, "rule_1")


@pytest.mark.parametrize("kind", ["agent", "worker"])
def test_neither_a_model_nor_what_runs_it_makes_or_unmakes_rules(kind: ActorKind) -> None:
    by: Stamp = {"at": alice["at"], "actor": Actor(kind=kind, id="helper")}
    with pytest.raises(CommandRefused, match="cannot make or unmake rules"):
        commands.rules.add((), by, RULE)
    with pytest.raises(CommandRefused, match="cannot make or unmake rules"):
        commands.rules.revoke((), by, "rule_9")
