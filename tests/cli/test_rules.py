"""rules list, add and revoke, from a person's side."""

from pathlib import Path
from typing import Any

import pytest

from .terminal import WITH_SHELL, Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])
LISTED = ("--flag", "--oneline", "--flag", "-N", "--value-flag", "-n")


def test_a_rule_by_hand_answers_for_the_person(terminal: Terminal) -> None:
    terminal.ok("rules", "add", "allow", "shell", "--reason", "a scratch machine")
    assert terminal.ok("run", "hello", *WITH_SHELL, "--model", terminal.script(ECHO, "done")).out.endswith("done\n")


def test_a_deny_rule_beats_an_allow_rule(terminal: Terminal) -> None:
    terminal.ok("rules", "add", "allow", "shell")
    terminal.ok("rules", "add", "deny", "shell", "--reason", "never")
    session = terminal.session(ECHO, "I see.")
    assert "ToolCallDenied" in terminal.types(session)


def test_a_rule_is_revoked_by_the_beginning_of_its_id(terminal: Terminal) -> None:
    rule = terminal.ok("rules", "add", "allow", "shell").out.strip()
    assert terminal.ok("rules", "revoke", rule[:12], "--json").document == {"revoked": rule}
    assert terminal.ok("rules", "list", "--json").out == ""
    assert "no rule" in one_line(terminal.type("rules", "revoke", rule), 3)


def test_rules_of_a_session_are_its_own(terminal: Terminal) -> None:
    session = terminal.session("x")
    terminal.ok("rules", "add", "deny", "shell", "--session", session[:8], "--expires", "2h")
    assert terminal.ok("rules", "list", "--json").out == ""
    (rule,) = terminal.ok("rules", "list", "--session", session, "--json").lines
    assert [rule["effect"], rule["tool"], rule["scope"]] == ["deny", "shell", "session"]
    assert rule["expires_at"] is not None


@pytest.mark.parametrize(
    "words",
    [["maybe", "shell"], ["allow", "shell", "--expires", "2 hours"], ["allow", " "], ["allow", "x", "--expires", ""]],
)
def test_a_rule_that_cannot_be_is_refused(terminal: Terminal, words: list[str]) -> None:
    one_line(terminal.type("rules", "add", *words), 2)


def added(terminal: Terminal, *words: str) -> Any:
    """The matcher of a rule that was added with these words."""
    rule = terminal.ok("rules", "add", *words, "--json").document["rule"]
    (found,) = [each for each in terminal.ok("rules", "list", "--json").lines if each["rule_id"] == rule]
    return {name: value for name, value in found["matcher"].items() if value not in (None, [])}


@pytest.mark.parametrize(
    ("words", "matcher"),
    [
        (["allow", "shell"], {"kind": "any"}),
        (["allow", "shell", "--exact", "git log 'a b'"], {"exact": ["git", "log", "a b"]}),
        (["deny", "shell", "--prefix", "git push"], {"argv_prefix": ["git", "push"], "positionals": "none"}),
        (
            ["allow", "shell", "--prefix", "git log", *LISTED, "--operands", "workspace"],
            {
                "argv_prefix": ["git", "log"],
                "flags": ["--oneline", "-N"],
                "value_flags": ["-n"],
                "positionals": "workspace",
            },
        ),
        (["prompt", "shell", "--program", "rm"], {"program": "rm"}),
        (
            ["deny", "shell", "--program", "git", "--subcommand", "push", "--needs", "-f,--force", "--needs", "--tags"],
            {"program": "git", "subcommand": ["push"], "needs": [["-f", "--force"], ["--tags"]]},
        ),
        (["allow", "write_file", "--write", "src/"], {"op": "write", "root": ".", "under": "src"}),
        (["deny", "read_file", "--read", "/etc"], {"op": "read", "root": "/etc", "under": ""}),
        (["allow", "fetch", "--host", "example.org", "--host", "a.b"], {"hosts": ["example.org", "a.b"]}),
        (["allow", "note", "--keys", "title, text"], {"keys": ["title", "text"]}),
        (["allow", "fetch", "--host", "a.b", "--keys", "url"], {"hosts": ["a.b"], "keys": ["url"]}),
        (
            ["allow", "shell", "--matcher", '{"argv_prefix": ["ls"], "flags": "any"}'],
            {"argv_prefix": ["ls"], "flags": "any", "positionals": "none"},
        ),
    ],
)
def test_a_rule_is_written_with_options(terminal: Terminal, words: list[str], matcher: dict[str, Any]) -> None:
    assert added(terminal, *words) == matcher


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say allow, prompt or deny"),
        (["allow"], "say allow, prompt or deny"),
        (["allow", "shell", "--exact", "ls", "--program", "rm"], "--exact and --program"),
        (["allow", "shell", "--flag", "-x"], "goes with --prefix"),
        (["deny", "shell", "--prefix", "git", "--needs", "-f"], "goes with --program"),
        (["allow", "shell", "--exact", "ls 'unclosed"], "--exact"),
        (["allow", "shell", "--exact", ""], "matcher.exact"),
        (["allow", "shell", "--program", "rm"], "too wide to allow"),
        (["deny", "shell", "--prefix", "rm", "--flag", "-r"], "narrow a deny"),
        (["allow", "shell", "--prefix", "ls", "--flag", "x"], "matcher.flags"),
        (["allow", "write_file", "--read", "src"], "write_file does not read"),
        (["allow", "write_file", "--write", "../elsewhere"], "matcher.under"),
        (["allow", "shell", "--matcher", "{"], "--matcher"),
        (["allow", "shell", "--matcher", '{"argv": ["ls"]}'], "matcher"),
        (["allow", "shell", "--matcher", '{"program": "rm"}', "--keys", "a"], "write the keys into --matcher"),
        (["allow", "shell", "--exact", "ls", "--match", "ls -l"], "ls -l"),
        (["allow", "shell", "--exact", "ls", "--not-match", "ls"], "ls"),
        (["allow", "shell", "--exact", "ls", "--match", '{"argv":'], "--match"),
        (["deny", "shell", "--uses", "2"], "uses"),
        (["allow", "shell", "--session", "0", "--project", "p"], "no session id begins"),
    ],
)
def test_a_rule_that_makes_no_sense_is_not_added(terminal: Terminal, words: list[str], says: str) -> None:
    assert says in one_line(terminal.type("rules", "add", *words), 3 if "0" in words else 2)
    assert terminal.ok("rules", "list", "--json").out == ""


def test_examples_may_be_commands_or_arguments(terminal: Terminal) -> None:
    words = ["--prefix", "git log", "--flag", "-N", "--match", "git log -5", "--not-match", "git log --output=x"]
    terminal.ok("rules", "add", "allow", "shell", *words, "--match", '{"argv": ["git", "log"]}')


def test_what_was_added_is_said_in_words(terminal: Terminal) -> None:
    result = terminal.ok("rules", "add", "deny", "shell", "--program", "rm", "--needs", "-r,--recursive")
    assert result.out.startswith("rule_")
    assert "deny shell  rm with -r or --recursive" in result.err


def test_a_rule_holds_for_a_number_of_calls(terminal: Terminal) -> None:
    terminal.ok("rules", "add", "allow", "shell", "--uses", "2")
    assert "2 uses left" in terminal.ok("rules", "list").out
    session = terminal.session(ECHO, ECHO, "done", ECHO, "never")
    assert terminal.type("run", "again", "--session", session).code == 4
    assert "used up" in terminal.ok("rules", "list").out


def test_a_rule_that_prompts_beats_one_that_allows(terminal: Terminal) -> None:
    terminal.ok("rules", "add", "allow", "shell")
    terminal.ok("rules", "add", "prompt", "shell", "--program", "echo")
    assert terminal.type("run", "hello", *WITH_SHELL, "--model", terminal.script(ECHO, "done")).code == 4


# Rules in files

TOML = """
[[rule]]
tool = "shell"
effect = "allow"
exact = ["echo", "hi"]
match = ["echo hi"]

[[rule]]
tool = "shell"
effect = "deny"
program = "rm"
"""


def test_the_rules_of_a_file_are_added_one_after_the_other(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TOML)
    ids = [line["rule"] for line in terminal.ok("rules", "add", "--file", "mine.toml", "--json").lines]
    listed = terminal.ok("rules", "list", "--json").lines
    assert [rule["rule_id"] for rule in listed] == ids
    assert [rule["effect"] for rule in listed] == ["allow", "deny"]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (TOML, ["--uses", "2"], "leave out the rest"),
        (TOML, ["--exact", "ls"], "leave out the rest"),
        (TOML.replace("echo hi", "echo ho"), [], "rule 1 is not what its examples say"),
        (TOML.replace('"deny"', '"allow"'), [], "too wide to allow"),
        ("[[rule]", [], "no TOML"),
    ],
)
def test_a_file_that_makes_no_sense_adds_nothing(
    terminal: Terminal, tmp_path: Path, content: str, options: list[str], says: str
) -> None:
    (tmp_path / "mine.toml").write_text(content)
    assert says in one_line(terminal.type("rules", "add", "--file", "mine.toml", *options), 2)
    assert terminal.ok("rules", "list", "--json").out == ""


# Rules as they were, and where


def test_the_rules_of_a_session_are_listed_as_they_were(terminal: Terminal) -> None:
    session = terminal.session("done")
    version = len(terminal.types(session))
    terminal.ok("rules", "add", "deny", "shell", "--session", session)
    assert terminal.ok("rules", "list", "--session", session, "--at", str(version), "--json").out == ""
    assert len(terminal.ok("rules", "list", "--session", session, "--at", str(version + 1), "--json").lines) == 1


def test_rules_are_listed_as_they_were_at_a_time(terminal: Terminal) -> None:
    terminal.ok("rules", "add", "deny", "shell")
    (rule,) = terminal.ok("rules", "list", "--json").lines
    terminal.ok("rules", "revoke", rule["rule_id"])
    assert terminal.ok("rules", "list", "--at", "2020-01-01", "--json").out == ""
    assert terminal.ok("rules", "list", "--at", rule["made_at"], "--json").lines == [rule]


@pytest.mark.parametrize(
    ("at", "code", "says"), [("3", 2, "--session"), ("{turn:1}", 2, "--session"), ("noon", 2, "no point in time")]
)
def test_a_moment_that_cannot_be_is_refused(terminal: Terminal, at: str, code: int, says: str) -> None:
    assert says in one_line(terminal.type("rules", "list", "--at", at), code)


def test_a_version_that_is_not_there_is_not_found(terminal: Terminal) -> None:
    session = terminal.session("done")
    assert "no version 99" in one_line(terminal.type("rules", "list", "--session", session, "--at", "99"), 3)


def test_the_rules_of_one_project_are_listed_with_those_of_everybody(terminal: Terminal) -> None:
    for project in ("mine", "other"):
        terminal.ok("rules", "add", "deny", project, "--project", project)
    terminal.ok("rules", "add", "deny", "everybody")
    tools = [rule["tool"] for rule in terminal.ok("rules", "list", "--project", "mine", "--json").lines]
    assert sorted(tools) == ["everybody", "mine"]
