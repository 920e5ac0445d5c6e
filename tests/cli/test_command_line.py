"""What holds for every command: help, errors, exit codes, colours, start-up."""

import json
import os
import subprocess
import sys

import pytest

from turnlog import __version__

from .terminal import Terminal, call, command, one_line

COMMANDS = [
    ["demo"],
    *(["run"], ["resume"], ["cancel"], ["stop"], ["steer"]),
    *(["sessions"], ["log"], ["show"], ["diff"], ["blame"], ["bisect"], ["compare"], ["fork"], ["rewind"]),
    *(["approvals"], ["approve"], ["deny"], ["why"]),
    *(["rules", name] for name in ("list", "add", "revoke", "whatif")),
    *(["db", name] for name in ("migrate", "check")),
    *(["projections", name] for name in ("status", "build", "rebuild")),
    *(["tasks", name] for name in ("list", "add", "claim", "release", "done", "reopen", "drop", "change")),
    *(["memory", name] for name in ("list", "search", "store", "pin", "forget")),
    *(["search"], ["prompt"], ["usage"], ["tag"], ["compact"], ["export"], ["import"], ["verify"], ["doctor"]),
]
PANELS = {"Run sessions": "run", "Find and read them": "log", "Walk them in time": "diff", "Keep the log": "verify"}
HEAVY = (
    "turnlog.domain.errors",
    "turnlog.domain.events",
    "pydantic",
    "eventsourcing",
    "pydantic_ai",
    "psycopg",
    "rich",
    "asyncio",
)

FEW = (
    *(f"turnlog.domain.{name}" for name in ("commands", "steps")),
    *(f"turnlog.projections.{name}" for name in ("exports", "json_view", "runner")),
    *(f"turnlog.runtime.{name}" for name in ("session", "turns.engine", "delegation.spawning", "permissions.deciding")),
    *(
        f"turnlog.runtime.{name}"
        for name in ("context", "exchange", "explaining", "memory", "replay", "rerun", "teams")
    ),
    *(f"turnlog.infrastructure.{name}" for name in ("mcp", "models.scripted", "permissions.evaluation", "tools")),
    *("cryptography", "multiprocessing", "psycopg", "pydantic_ai", "rich"),
)
"""What showing a session has no use for, while the one who wants to see it waits."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(terminal: Terminal, words: list[str]) -> None:
    shown = terminal.ok(*words, "--help").out
    assert f"Example: turnlog {' '.join(words)}" in shown
    assert "--json" in shown
    assert "--database URL" in shown


def test_every_command_that_takes_a_log_says_where_it_may_come_from(terminal: Terminal) -> None:
    assert "TURNLOG_DATABASE_URL" in terminal.ok("sessions", "--help").out
    assert "TURNLOG_MODEL" in terminal.ok("run", "--help").out


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom turnlog.cli.errors import run\nrun(['--help'])\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr.strip() == "[]"


def test_showing_a_session_imports_nothing_that_few_commands_need(terminal: Terminal) -> None:
    session = terminal.session("x")
    program = (
        "import sys\nfrom turnlog.cli.errors import run\nrun(['show', sys.argv[1]])\n"
        f"print([name for name in {FEW} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, session], cwd=terminal.root, capture_output=True, text=True, check=True
    )
    assert result.stderr.strip() == "[]"


@pytest.mark.parametrize(("words", "lists"), [([], "sessions"), (["rules"], "revoke"), (["db"], "migrate")])
def test_a_command_that_was_left_out_is_asked_for_with_the_help(
    terminal: Terminal, words: list[str], lists: str
) -> None:
    result = terminal.type(*words)
    assert result.code == 2
    assert result.out == ""
    assert f"\n  {lists} " in result.err


def test_the_help_lists_commands_under_what_they_are_for(terminal: Terminal) -> None:
    paragraphs = terminal.ok("--help").out.split("\n\n")
    found = {lines[0]: lines[1:] for lines in map(str.splitlines, paragraphs) if lines[0].endswith(":")}
    for panel, name in PANELS.items():
        assert any(line.startswith(f"  {name} ") for line in found[f"{panel}:"]), panel
    assert "Commands:" not in found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["logg"], "Did you mean 'log'?"),
        (["help"], "`turnlog --help`"),
        (["rules", "nonsense"], "`turnlog rules --help`"),
        (["show"], "`turnlog show --help`"),
        (["log", "a", "b"], "`turnlog log --help`"),
        (["log", "a", "--knd", "tool"], "--kind"),
        (["log", "a", "-n", "x"], "a whole number is needed"),
        (["log", "a", "--kind", "tols"], "did you mean tool?"),
        (["sessions", "--sort", "size"], "'size' is not one of 'updated'"),
    ],
    ids=" ".join,
)
def test_a_command_line_with_a_mistake_says_how_it_is_right(terminal: Terminal, words: list[str], told: str) -> None:
    said = one_line(terminal.type(*words), 2)
    assert told in said
    assert "Value error" not in said


def test_the_version_is_told(terminal: Terminal) -> None:
    assert terminal.ok("--version").out == f"turnlog {__version__}\n"


@pytest.mark.parametrize("words", [["nonsense"], ["show"], ["show", "a", "b"], ["log", "a", "-n", "x"], ["--what"]])
def test_a_command_line_that_makes_no_sense_is_one_line(terminal: Terminal, words: list[str]) -> None:
    one_line(terminal.type(*words), 2)


@pytest.mark.parametrize(
    "words",
    [["show", "0"], ["log", "0"], ["diff", "0", "1..2"], ["fork", "0"], ["resume", "0"], ["stop", "0"]],
    ids=" ".join,
)
def test_an_unknown_session_is_one_line(terminal: Terminal, words: list[str]) -> None:
    assert "turnlog sessions" in one_line(terminal.type(*words), 3)


@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_an_unknown_request_is_one_line(terminal: Terminal, verb: str) -> None:
    assert "turnlog approvals" in one_line(terminal.type(verb, "request_0"), 3)


@pytest.mark.parametrize(
    "words",
    [
        *(["log", "{}@{{turn:1}}"], ["diff", "{}@1..2"], ["fork", "{}@1"], ["rewind", "{}@1"]),
        *(["compare", "{}", "{}@1"], ["verify", "{}"], ["tag", "{}", "+x"]),
    ],
    ids=" ".join,
)
def test_an_address_of_several_sessions_is_refused_and_names_them(terminal: Terminal, words: list[str]) -> None:
    first, second = terminal.session("x"), terminal.session("x")
    said = one_line(terminal.type(*(word.format(first[0]) for word in words)), 2)
    assert first in said
    assert second in said
    assert len(terminal.ok("sessions", "--json").lines) == 2


def test_errors_are_json_where_json_is_wanted(terminal: Terminal) -> None:
    result = terminal.type("show", "0", "--json")
    assert result.code == 3
    assert result.out == ""
    assert json.loads(result.err)["error"]["code"] == "not_found"
    assert json.loads(terminal.type("show", "--json").err)["error"]["code"] == "usage"


def test_a_message_cannot_act_on_the_terminal(terminal: Terminal) -> None:
    said = one_line(terminal.type("show", "\x1b[2J\nnew line"), 3)
    assert "\x1b" not in said


def test_what_nobody_expected_is_one_line_too(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug\nof two lines")

    monkeypatch.setattr("turnlog.front.Turnlog.list_sessions", broken)
    assert "RuntimeError: a bug of two lines" in one_line(terminal.type("sessions"), 1)
    monkeypatch.setenv("TURNLOG_TRACEBACK", "1")
    assert "Traceback" in terminal.type("sessions").err


def test_there_are_no_colours_where_there_is_no_terminal(terminal: Terminal) -> None:
    session = terminal.session("x")
    for words in (["sessions"], ["log", session], ["show", session], ["diff", session, "1.."]):
        result = terminal.ok(*words)
        assert "\x1b" not in result.out + result.err


def test_output_that_cannot_be_encoded_is_written_as_code_points(terminal: Terminal) -> None:
    session = terminal.session("日本語")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command("show", session), cwd=terminal.root, env=env, capture_output=True)
    assert result.returncode == 0
    assert b"\\u65e5" in result.stdout


def completed(terminal: Terminal, *words: str) -> list[str]:
    """What the shell offers for the last of some words."""
    asked = {"_TURNLOG_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    result = subprocess.run(
        command(), cwd=terminal.root, env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    return result.stdout.split()


def test_the_shell_completes_commands_and_session_ids(terminal: Terminal) -> None:
    assert completed(terminal, "turnlog", "show", "0") == []
    assert not (terminal.root / ".turnlog").exists()
    session = terminal.session("x")
    assert completed(terminal, "turnlog", "show", session[:4]) == [session]
    assert completed(terminal, "turnlog", "can") == ["cancel"]


def test_the_shell_completes_open_requests(terminal: Terminal) -> None:
    terminal.session(call("shell", argv=["echo", "hi"]))
    assert completed(terminal, "turnlog", "approve", "request_") == [terminal.request()]


def test_the_shell_completes_sets_of_rules_and_files_that_may_hold_some(terminal: Terminal) -> None:
    (terminal.root / "sub").mkdir()
    for name in ("strange.toml", "strange.txt", "sub/mine.json"):
        (terminal.root / name).touch()
    assert completed(terminal, "turnlog", "run", "x", "--rules", "st") == ["standard", "strict", "strange.toml"]
    assert completed(terminal, "turnlog", "run", "x", "--rules", "sub/") == ["sub/mine.json"]
