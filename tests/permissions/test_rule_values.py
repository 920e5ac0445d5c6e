"""Rules as they are read: what is refused, in which words, and the examples they carry."""

from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import InvalidInput
from turnlog.infrastructure import permissions

LIST = {"argv_prefix": ["ls"], "flags": ["-l"], "positionals": "workspace"}


def rule(effect: str = "allow", tool: str = "shell", **fields: Any) -> dict[str, Any]:
    return {"tool": tool, "effect": effect, **fields}


MALFORMED: list[tuple[object, str]] = [
    (rule(), "matcher: Field required"),
    (rule(matcher="ls *"), "matcher: an object with one of the fields exact, argv_prefix"),
    (rule(matcher={}), "an object with one of the fields"),
    (rule(matcher={"flags": ["-l"]}), "an object with one of the fields"),
    (rule(matcher={"argv_prefix": ["ls"], "flag": ["-l"]}), "matcher.flag: Extra inputs"),
    (rule(matcher={"exact": ["ls"], "argv_prefix": ["ls"]}), "matcher.argv_prefix: Extra inputs"),
    (rule(matcher={"argv_prefix": []}), "matcher.argv_prefix"),
    (rule(matcher={"argv_prefix": "ls"}), "matcher.argv_prefix: Input should be a valid tuple"),
    (rule(matcher={"argv_prefix": ["ls", 1]}), "matcher.argv_prefix.1"),
    (rule(matcher={"argv_prefix": ["l\0s"]}), "matcher.argv_prefix.0"),
    (rule(matcher={"argv_prefix": ["ls"], "flags": ["l"]}), "'l' is no option"),
    (rule(matcher={"argv_prefix": ["ls"], "flags": "all"}), "matcher.flags"),
    (rule(matcher={"argv_prefix": ["ls"], "value_flags": ["--x="]}), "'--x=' is no option that takes a value"),
    (rule(matcher={"argv_prefix": ["ls"], "positionals": "some"}), "matcher.positionals"),
    (rule(matcher={"argv_prefix": ["ls"], "max_positionals": True}), "matcher.max_positionals"),
    (rule(matcher={"argv_prefix": ["ls"], "max_positionals": -1}), "matcher.max_positionals"),
    (rule(matcher={"argv_prefix": ["ls"], "first_positional_re": "("}), "'(' is no regular expression"),
    (rule(matcher={"argv_prefix": ["ls"], "first_positional_re": "[[a]"}), "is no regular expression"),
    (rule(matcher={"argv_prefix": ["ls"], "first_positional_re": "(a+)+b"}), "repeats a repetition"),
    (rule(matcher={"hosts": ["https://a.test"]}), "'https://a.test' is no host name"),
    (rule(matcher={"hosts": ["A.test"]}), "is no host name"),
    (rule(matcher={"hosts": []}), "matcher.hosts"),
    (rule(matcher={"op": "delete"}), "matcher.op"),
    (rule(matcher={"op": "read", "under": "../x"}), "is not below the root"),
    (rule(matcher={"op": "read", "under": "/x"}), "is not below the root"),
    (rule(matcher={"op": "read", "root": "$HOME"}), "nothing in a rule is expanded"),
    (rule(tool="write_file", matcher={"op": "read"}), "write_file does not read"),
    (rule(matcher={"program": "ls"}), "too wide to allow"),
    (rule(matcher={"keys": ["command"]}), "keys alone would allow every command"),
    (rule(matcher={"keys": []}), "matcher.keys"),
    (rule(matcher={"sql_readonly": False}), "matcher.sql_readonly"),
    (rule("deny", matcher={"sql_readonly": True}), "sql_readonly can only be allowed"),
    (rule("deny", matcher=LIST), "would narrow a deny"),
    (rule("deny", matcher={"program": "rm", "needs": [[]]}), "matcher.needs.0"),
    (rule("deny", matcher={"needs": [["-r"]]}), "an object with one of the fields"),
    (rule("forbid", matcher=LIST), "effect: Input should be"),
    (rule(matcher=LIST, extra=1), "extra: Extra inputs"),
    ({"effect": "allow", "matcher": LIST}, "tool: Field required"),
    (rule(matcher=LIST, match=[1]), "match.0"),
    ([], "Input should be"),
    (None, "Input should be"),
]


@pytest.mark.parametrize(("data", "complaint"), MALFORMED)
def test_a_malformed_rule_is_refused_with_what_is_wrong_and_where(data: object, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        permissions.parse_rule(data)
    assert complaint in refusal.value.message


@pytest.mark.parametrize(
    "matcher",
    [
        LIST,
        {"exact": ["ls", "-l"]},
        {"op": "read", "root": "/srv", "under": "a/b"},
        {"hosts": ["a.test"], "keys": ["url"]},
        {"keys": ["city"]},
        {"keys": ["sql"], "sql_readonly": True},
    ],
)
def test_a_rule_survives_json(matcher: dict[str, Any]) -> None:
    parsed = permissions.parse_rule(rule(matcher=matcher, tool="some", id="r1", reason="because"))
    assert permissions.parse_rule(parsed.model_dump(mode="json", exclude_defaults=True)) == parsed


def test_a_rule_whose_examples_hold_has_no_faults(workspace: Path) -> None:
    data = rule(matcher=LIST, match=["ls -l lib", {"argv": ["ls"]}], not_match=["ls -R", "ls /etc", "ls; rm x"])
    assert list(permissions.example_faults(permissions.parse_rule(data), workspace)) == []


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (rule(matcher=LIST, match=["ls -R"]), "does not match its example 'ls -R'"),
        (rule(matcher=LIST, not_match=["ls -l"]), "it matches 'ls -l'"),
        (rule("deny", matcher={"program": "rm"}, not_match=["ls && rm x"]), "it matches 'ls && rm x'"),
        (rule("deny", matcher={"program": "rm"}, match=["rmdir x"]), "does not match its example 'rmdir x'"),
        (rule("prompt", matcher={"program": "rm"}, match=["ls"]), "does not match its example 'ls'"),
    ],
)
def test_an_example_that_does_not_hold_is_named(workspace: Path, data: dict[str, Any], fault: str) -> None:
    (found,) = permissions.example_faults(permissions.parse_rule(data), workspace)
    assert fault in found
