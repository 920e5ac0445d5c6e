"""Rules in files: read, checked, and refused with the file, the rule and what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import ArgvPrefix, InvalidInput, Program
from turnlog.infrastructure import permissions

LS = {"tool": "shell", "effect": "allow", "matcher": {"argv_prefix": ["ls"], "flags": ["-l"]}}
RM = {"tool": "shell", "effect": "deny", "matcher": {"program": "rm"}}
TOML = """
# What we do here.
[[rule]]
id = "ls"
tool = "shell"
effect = "allow"
reason = "only lists"
argv_prefix = ["ls"]
flags = ["-l"]
positionals = "workspace"
match = ["ls -l .", { argv = ["ls"] }]
not_match = ["ls -R", "ls /etc"]

[[rule]]
tool = "shell"
effect = "deny"
matcher = { program = "rm" }
"""


def written(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def refusal(file: Path) -> str:
    with pytest.raises(InvalidInput) as refused:
        permissions.read_rules(file)
    said = refused.value.message
    assert said.startswith(f"{file}: ")
    return said.removeprefix(f"{file}: ")


def test_toml_has_a_table_a_rule(tmp_path: Path) -> None:
    ls, rm = permissions.read_rules(written(tmp_path, "rules.toml", TOML))
    assert (ls.id, ls.tool, ls.effect, ls.reason) == ("ls", "shell", "allow", "only lists")
    assert ls.matcher == ArgvPrefix(argv_prefix=("ls",), flags=("-l",), positionals="workspace")
    assert (rm.id, rm.effect, rm.matcher) == (None, "deny", Program(program="rm"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rules.json", json.dumps([LS, RM], indent=2)),
        ("rules.jsonl", f"{json.dumps(LS)}\n\n{json.dumps(RM)}\r\n"),
    ],
)
def test_json_has_the_rules_as_they_are_recorded(tmp_path: Path, name: str, text: str) -> None:
    assert permissions.read_rules(written(tmp_path, name, text)) == (
        permissions.parse_rule(LS),
        permissions.parse_rule(RM),
    )


@pytest.mark.parametrize(
    "matcher",
    [
        {"exact": ["ls"]},
        {"argv_prefix": ["ls"], "flags": ["-l"], "value_flags": ["-I"], "positionals": "none", "max_positionals": 1},
        {"op": "read", "root": ".", "under": "src"},
        {"hosts": ["a.test"]},
        {"keys": ["city"]},
        {"sql_readonly": True, "keys": ["sql"]},
        {"digest": "d", "shown": "act"},
        {"kind": "any"},
    ],
)
def test_a_matcher_is_the_same_written_out_or_as_a_field(tmp_path: Path, matcher: dict[str, Any]) -> None:
    about = {"tool": "other", "effect": "allow"}
    text = json.dumps([{**about, **matcher}, {**about, "matcher": matcher}])
    written_out, as_a_field = permissions.read_rules(written(tmp_path, "rules.json", text))
    assert written_out == as_a_field


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("r.toml", "[[rule]", "it is no TOML: "),
        ("r.toml", "", "there is no rule in it"),
        ("r.toml", "tool = 'shell'\n", "'tool' stands outside of any rule; begin each rule with [[rule]]"),
        ("r.toml", "rule = 5\n", "rule is no list of tables"),
        ("r.toml", "rule = [5]\n", "rule 1 is no object with fields"),
        ("r.toml", "[[rule]]\nid = 'x'\ntool = 'shell'\n", "rule 1 (x) is not valid: effect: Field required"),
        ("r.toml", TOML.replace('"rm"', "5"), "rule 2 is not valid: matcher.program: "),
        ("r.toml", TOML.replace("reason", "because"), "rule 1 (ls) is not valid: because: Extra inputs"),
        (
            "r.toml",
            TOML.replace("argv_prefix", "x"),
            "rule 1 (ls) is not valid: matcher: an object with one of the fields exact, argv_prefix",
        ),
        ("r.toml", TOML.replace('"ls -R"', '"ls -l"'), "rule 1 (ls) is not what its examples say: it matches 'ls -l'"),
        ("r.toml", TOML.replace('"ls -l ."', '"ls -a"'), "it does not match its example 'ls -a'"),
        ("r.toml", TOML + TOML, "rule 3 has the id 'ls', as has rule 1"),
        ("r.json", "[", "it is no JSON: "),
        ("r.json", "[]", "there is no rule in it"),
        ("r.json", "{}", "it is no JSON array of rules"),
        ("r.json", '[{"tool": "a", "tool": "b"}]', "it can be read in two ways: the key 'tool' is given twice"),
        ("r.json", json.dumps([LS, "rm"]), "rule 2 is no object with fields"),
        ("r.json", "[" * 50_000, "it is no JSON: nested too deeply"),
        ("r.jsonl", f"{json.dumps(LS)}\n\n{{\n", "line 3 is no JSON: "),
        ("r.jsonl", f"{json.dumps(LS)}\n{json.dumps({**RM, 'effect': 'allow'})}\n", "line 2 is not valid: "),
        ("r.yaml", "x", "its name does not say how it is written; end it in .toml, .json, .jsonl"),
        ("r.json", " " * ((4 << 20) + 1), "it has more than 4,194,304 bytes"),
    ],
)
def test_what_is_wrong_is_said_with_the_rule_it_is_wrong_in(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    assert complaint in refusal(written(tmp_path, name, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.toml") == "it cannot be read: No such file or directory"
    (tmp_path / "bytes.json").write_bytes(b"[\xff]")
    assert refusal(tmp_path / "bytes.json") == "byte 2 is no UTF-8"


def test_examples_are_looked_up_in_the_workspace_that_is_named(tmp_path: Path, workspace: Path) -> None:
    rule = {**LS, "matcher": {"argv_prefix": ["ls"], "positionals": "workspace"}, "match": ["ls lib/to_outside"]}
    file = written(tmp_path, "rules.json", json.dumps([rule]))
    assert len(permissions.read_rules(file)) == 1
    with pytest.raises(InvalidInput, match="does not match its example"):
        permissions.read_rules(file, workspace)
