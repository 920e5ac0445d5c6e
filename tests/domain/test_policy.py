"""A policy is one value, which the log keeps as JSON and gives back as it was."""

import pytest
from pydantic import ValidationError

from turnlog.domain import (
    STANDARD,
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    FileAccess,
    Hosts,
    JsonKeys,
    Matcher,
    PermissionRule,
    Policy,
    Program,
    RuleEffect,
    RuleRemembered,
    SqlReadOnly,
)

from .story import DIGEST, alice

PRESETS = (STANDARD, Policy.strict(), Policy.developer(), Policy.permissive())
MATCHERS: tuple[Matcher, ...] = (
    ExactArgv(exact=("make", "test")),
    ArgvPrefix(argv_prefix=("make",)),
    ArgvPrefix(argv_prefix=("make",), flags="any", positionals="any"),
    ArgvPrefix(
        argv_prefix=("git", "log"),
        flags=("-N", "--since="),
        value_flags=("-n",),
        positionals=("HEAD",),
        first_positional_re="[a-z]+",
        max_positionals=0,
        keys=("argv",),
    ),
    Program(program="rm", subcommand=("x",), needs=(("-r", "--recursive"),)),
    FileAccess(op="read", root="/srv", under="a/b"),
    Hosts(hosts=("a.test",), keys=("url",)),
    SqlReadOnly(sql_readonly=True),
    JsonKeys(keys=("city",)),
    ExactCall(digest=DIGEST, shown="make test"),
    AnyCall(),
)


def accepted() -> list[PermissionRule]:
    """A rule of each effect with each matcher, where there is such a rule."""
    rules: list[PermissionRule] = []
    effects: tuple[RuleEffect, ...] = ("allow", "prompt", "deny")
    for effect in effects:
        for matcher in MATCHERS:
            try:
                rules.append(PermissionRule(tool="shell", effect=effect, matcher=matcher, id=f"{effect} {len(rules)}"))
            except ValidationError:
                continue
    return rules


def test_there_is_a_rule_of_each_effect_to_try() -> None:
    assert {rule.effect: type(rule.matcher) for rule in accepted()}.keys() == {"allow", "prompt", "deny"}
    assert {type(rule.matcher) for rule in accepted()} == {type(matcher) for matcher in MATCHERS}


@pytest.mark.parametrize("policy", PRESETS, ids=lambda policy: policy.name)
def test_a_preset_comes_back_from_json_as_it_was(policy: Policy) -> None:
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize("rule", accepted(), ids=lambda rule: f"{rule.id} {type(rule.matcher).__name__}")
def test_a_policy_with_any_rule_comes_back_from_json_as_it_was(rule: PermissionRule) -> None:
    policy = Policy(name="ours", rules=(rule,), two_persons=("deploy",), self_approval=False, most_denials=0)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize("matcher", MATCHERS, ids=repr)
def test_a_matcher_comes_back_from_an_event_of_the_same_kind(matcher: Matcher) -> None:
    event = RuleRemembered(**alice, rule_id="r", scope="global", effect="allow", tool="shell", matcher=matcher)
    read = RuleRemembered.model_validate_json(event.model_dump_json(exclude_none=True))
    assert (type(read.matcher), read) == (type(matcher), event)


def test_without_a_policy_reading_is_free_and_everything_else_is_asked_about() -> None:
    assert (STANDARD.reading, STANDARD.otherwise, STANDARD.rules) == ("allow", "prompt", ())


def test_under_the_strict_policy_reading_is_asked_about_too() -> None:
    assert (Policy.strict().reading, Policy.strict().otherwise) == ("prompt", "prompt")


def test_nothing_is_denied_fewer_than_no_times() -> None:
    with pytest.raises(ValidationError, match="most_denials"):
        Policy(most_denials=-1)


def test_a_policy_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Policy.model_validate({"name": "ours", "colour": "green"})
