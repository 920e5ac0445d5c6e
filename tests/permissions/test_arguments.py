"""The JSON of a call: which tool it names, which keys it has, and what two readers could differ on."""

from pathlib import Path

import pytest

from turnlog.infrastructure import permissions

from .judging import allow, deny, on_call

LS = allow(argv_prefix=["ls"], flags=["-l"], keys=["command"])
WEATHER = allow("weather", keys=["city", "day"])


def on_text(workspace: Path, text: str, *rules: permissions.PermissionRule) -> str:
    return permissions.judge(rules, permissions.call_from_text(rules[0].tool, text), workspace).verdict


@pytest.mark.parametrize(
    "text", ['{"command":"ls -l"}', '{"comm\\u0061nd": "l\\u0073"}', ' {"command" : "ls"}\n', '{"command":"l\'s\'"}']
)
def test_escapes_are_decoded_before_anything_is_compared(workspace: Path, text: str) -> None:
    assert on_text(workspace, text, LS) == "allow"


@pytest.mark.parametrize(
    "text",
    [
        '{"command":"ls","command":"ls"}',
        '{"command":"ls","cwd":"."}',
        '{"command":"ls","Command":"touch x"}',
        '{"command":["ls"]}',
        '{"command":{"command":"ls"}}',
        '{"command":null}',
        '{"command":true}',
        '{"COMMAND":"ls"}',
        '{"command":"ls"}{"command":"ls"}',
        '{"command":"ls",}',
        '{"command":"ls"} // x',
        "{'command':'ls'}",
        '\ufeff{"command":"ls"}',
        '"ls"',
        '["ls"]',
        "null",
        "",
        "{}",
        '{"command":"ls","n":NaN}',
        '{"command":"l\\ud800s"}',
        '{"command":"ls' + " " * 2_000_000 + '"}',
        "[" * 100_000,
    ],
)
def test_arguments_that_are_not_exactly_the_keys_of_the_rule_are_asked_about(workspace: Path, text: str) -> None:
    assert on_text(workspace, text, LS) == "prompt"


@pytest.mark.parametrize("text", ['{"n":NaN}', '{"n":-Infinity}', '{"n":{"a":1,"a":2}}', "[]", '{"n":1', "[" * 9999])
def test_json_that_readers_differ_on_is_in_doubt(text: str) -> None:
    assert permissions.call_from_text("note", text).doubt


def test_a_key_given_twice_is_asked_about(workspace: Path) -> None:
    rule = allow("note", keys=["text"])
    assert on_text(workspace, '{"text":"x"}', rule) == "allow"
    assert on_text(workspace, '{"text":"x","text":"x"}', rule) == "prompt"


def test_a_deny_rule_sees_every_value_of_a_key_given_twice(workspace: Path) -> None:
    for text in ('{"command":"rm x","command":"ls"}', '{"command":"ls","command":"rm x"}', '{"Command":"rm x"}'):
        assert on_text(workspace, text, deny(program="rm")) == "deny", text


@pytest.mark.parametrize("tool", ["Shell", "shell ", "mcp__other__shell", "sh\u0435ll", "shell\u200b", ""])
def test_a_rule_is_about_the_one_tool_of_its_name(workspace: Path, tool: str) -> None:
    call = permissions.call_of(tool, {"command": "ls"})
    assert permissions.judge([LS], call, workspace).verdict == "prompt"


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        ({"city": "Rome", "day": "today"}, "allow"),
        ({"city": "Rome"}, "prompt"),
        ({"city": "Rome", "day": 1}, "prompt"),
        ({"city": "Rome", "day": None}, "prompt"),
        ({"city": "Rome", "day": "today", "units": "C"}, "prompt"),
    ],
)
def test_the_keys_of_a_plain_tool_are_exact(workspace: Path, arguments: dict[str, object], verdict: str) -> None:
    assert on_call(workspace, arguments, WEATHER) == verdict


def test_a_shape_can_be_denied(workspace: Path) -> None:
    assert on_call(workspace, {"city": "Rome"}, deny("weather", keys=["city"])) == "deny"
    assert on_call(workspace, {"town": "Rome"}, deny("weather", keys=["city"])) == "prompt"
