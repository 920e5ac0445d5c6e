"""What a rule allows of commands, and all that must not ride on it."""

from pathlib import Path

import pytest

from turnlog.infrastructure import permissions

from .judging import allow, deny, on_call, on_command, prompt

CAT = allow(argv_prefix=["cat"], flags=["-n", "-s"], positionals="workspace")
ECHO = allow(argv_prefix=["echo"], flags=["-n"], positionals="any")
FIND = allow(argv_prefix=["find"], flags=["-print"], value_flags=["-name", "-type"], positionals="workspace")
GREP = allow(
    argv_prefix=["grep"],
    flags=["-r", "-n", "-i", "--include="],
    value_flags=["-e", "-A"],
    first_positional_re=r"[^\x00]*",
    positionals="workspace",
)
LOG = allow(
    argv_prefix=["git", "log"], flags=["--oneline", "-N", "--max-count="], value_flags=["-n"], positionals="any"
)
MAKE = allow(argv_prefix=["make"], positionals=["test", "docs"])
SED = allow(argv_prefix=["sed", "-n"], first_positional_re=r"\d+(,\d+)?p", positionals="workspace")
UNIQ = allow(argv_prefix=["uniq"], flags=["-c"], positionals="workspace", max_positionals=1)
WC = allow(argv_prefix=["wc"], flags=["-l"], positionals="workspace")

ALLOWED = [
    ("cat notes.md", [CAT]),
    ("cat -ns notes.md lib/app.py", [CAT]),
    ("cat notes.md 2>/dev/null", [CAT]),
    ("c'a't \"notes.md\"", [CAT]),
    ("cat ./lib/../notes.md", [CAT]),
    ("cat lib/to_app", [CAT]),
    ("cat -- notes.md", [CAT]),
    ("cat notes.md | wc -l && echo done; echo -n 2>&1", [CAT, WC, ECHO]),
    ("echo '$(rm -r x)' '; rm x'", [ECHO]),
    ("find lib -type f -name '*.py' -print", [FIND]),
    ("grep -rn needle lib", [GREP]),
    ("grep -e needle notes.md", [GREP]),
    ("grep -A3 --include='*.md' needle notes.md", [GREP]),
    ("git log --oneline -5 -n 3 -n4 --max-count=2 main", [LOG]),
    ("make test docs", [MAKE]),
    ("sed -n 2,40p notes.md", [SED]),
    ("uniq -c notes.md", [UNIQ]),
    ("npm test", [allow(exact=["npm", "test"])]),
    ("bash -c 'make test'", [allow(exact=["bash", "-c", "make test"])]),
    ("nohup make test", [allow(argv_prefix=["nohup", "make"], positionals=["test"])]),
    ("timeout 9 cat notes.md", [allow(argv_prefix=["timeout", "9", "cat"], positionals="workspace")]),
]


@pytest.mark.parametrize(("command", "rules"), ALLOWED)
def test_what_the_rules_account_for_is_allowed(
    workspace: Path, command: str, rules: list[permissions.PermissionRule]
) -> None:
    assert on_command(workspace, command, *rules) == "allow"


CHAINED = [
    "cat notes.md; touch x",
    "cat notes.md && touch x",
    "cat notes.md || touch x",
    "cat notes.md | sh",
    "cat notes.md & touch x",
    "cat notes.md\ntouch x",
    "cat notes.md\r\ntouch x",
    "(cat notes.md; touch x)",
    "{ cat notes.md; touch x; }",
    "if cat notes.md; then touch x; fi",
    "while cat notes.md; do touch x; done",
    "cat() { touch x; }; cat notes.md",
    "! cat notes.md",
    "cat notes.md #\ntouch x",
    "cat notes.md;" + "cat notes.md;" * 90 + "touch x",
    "cat notes.md &&",
    "",
]
SUBSTITUTED = [
    "cat $(touch x)",
    "cat `touch x`",
    'cat "$(touch x)"',
    "cat <(touch x)",
    "cat ${y:-$(touch x)}",
    "cat $((a[$(touch x)]))",
    "cat <<E\n$(touch x)\nE",
    "cat <<< $(touch x)",
    "cat $NAME",
    "cat $'notes.md'",
    'cat $"notes.md"',
]
READ_DIFFERENTLY = [
    "cat\\\n-evil notes.md",
    "cat notes.md \x00; touch x",
    "cat\u00a0notes.md",
    "cat notes.md\u200b",
    "c\u0430t notes.md",
    "CAT notes.md",
    "./cat notes.md",
    "/tmp/cat notes.md",
    "cat \x1b[2K notes.md",
    "cat notes.md\u202e",
    "cat \ud800",
    "cat 'notes.md",
    f"cat {'n' * 5000}",
    "catalogue notes.md",
]
SURROUNDED = [
    "PAGER=sh cat notes.md",
    "export A=b; cat notes.md",
    "cd lib && cat app.py",
    "alias cat=touch; cat notes.md",
    "env cat notes.md",
    "command cat notes.md",
    "time cat notes.md",
    "sudo cat notes.md",
    "eval cat notes.md",
    ". ./notes.md",
]
REDIRECTED = [
    "cat notes.md > x",
    "cat notes.md >> x",
    "cat notes.md >| x",
    "cat notes.md &> x",
    "cat notes.md 2> x",
    "cat notes.md 2>&1 > x",
    "> x cat notes.md",
    "cat < /etc/passwd",
    "cat <> x",
    "exec 3> x; cat notes.md >&3",
]
LEADING_AWAY = [
    "cat /etc/passwd",
    "cat ../outside.txt",
    "cat ../work-other/x",
    "cat lib/to_etc/passwd",
    "cat lib/to_outside",
    "cat lib/chained",
    "cat lib/not_yet",
    "cat lib/up/outside.txt",
    "cat lib/loop",
    "cat lib/second_name",
    "cat pipe",
    "cat ~/x",
    "cat '~/x'",
    "cat '$HOME/x'",
    "cat .env",
    "cat .ENV",
    "cat lib/to_env",
    "cat .git/config",
    "cat lib/to_git/config",
    "cat nested/.git/config",
    "cat notes.md/../.env",
    "cat missing/../.env",
    "cat HEAD:.env",
    "cat file=/etc/passwd",
    "cat @list",
    "cat 'lib/*'",
]


@pytest.mark.parametrize(
    "command", [*CHAINED, *SUBSTITUTED, *READ_DIFFERENTLY, *SURROUNDED, *REDIRECTED, *LEADING_AWAY]
)
def test_nothing_rides_on_a_rule_for_cat(workspace: Path, command: str) -> None:
    assert on_command(workspace, command, CAT) == "prompt"


ANY_GREP = allow(argv_prefix=["grep"], flags="any", first_positional_re=".*", positionals="workspace")
WIDE = allow(argv_prefix=["env"], flags="any", positionals="any")
OPTIONS = [
    ("cat -A notes.md", CAT),
    ("cat -nA notes.md", CAT),
    ("cat --number notes.md", CAT),
    ("cat -n", allow(exact=["cat"])),
    ("cat notes.md 2>&1", allow(exact=["cat", "notes.md"])),
    ("find . -name x -delete", FIND),
    ("find . -- -delete", FIND),
    ("find . -pe", allow(argv_prefix=["find"], flags=["-print", "-p", "-e"], positionals="any")),
    ("find . -exec touch x ';'", allow(argv_prefix=["find"], flags="any", positionals="any")),
    ("find . -name", FIND),
    ("grep -e root /etc/passwd", GREP),
    ("grep -neroot /etc/passwd", GREP),
    ("grep -eroot /etc/passwd", ANY_GREP),
    ("grep --regex=root /etc/passwd", ANY_GREP),
    (
        "rg --files /etc",
        allow(argv_prefix=["rg"], flags=["--files"], first_positional_re=".*", positionals="workspace"),
    ),
    ("grep --file=/etc/passwd x", GREP),
    ("grep needle /etc/passwd", GREP),
    ("git log --output=x", LOG),
    ("git log --max-count 5 -p", LOG),
    ("git -c core.pager=x log", LOG),
    ("git logs", LOG),
    ("make -f other.mk test", MAKE),
    ("make test SHELL=./x", MAKE),
    ("make", allow(argv_prefix=["make", "test"])),
    ("sed -n '1e touch x' notes.md", SED),
    ("sed -n 1p -i notes.md", SED),
    ("uniq notes.md x", UNIQ),
    ("dd if=/etc/passwd", allow(argv_prefix=["dd"], positionals="workspace")),
    # Programs that run programs.
    ("env sh -c x", WIDE),
    ("env ls", WIDE),
    ("env", WIDE),
    ("timeout 9 touch x", allow(argv_prefix=["timeout"], positionals="any")),
    ("timeout 9 cat .env", allow(argv_prefix=["timeout", "9", "cat"], positionals="workspace")),
    ("busybox sh", allow(argv_prefix=["busybox"], positionals="any")),
    ("xargs sh", allow(argv_prefix=["xargs"], positionals="any")),
    ("xargs cat notes.md", allow(argv_prefix=["xargs", "cat"], positionals="workspace")),
    ("bash lib/app.py", allow(argv_prefix=["bash"], positionals="workspace")),
    ("python3 lib/app.py", allow(argv_prefix=["python3"], positionals="workspace")),
    ("python3 -m pytest lib", allow(argv_prefix=["python3", "-m", "pytest"], positionals="workspace")),
    ("python3.12 -c x", allow(argv_prefix=["python3.12"], flags="any", positionals="any")),
    ("awk 'BEGIN{system(1)}'", allow(argv_prefix=["awk"], first_positional_re=".*")),
    ("awk -f notes.md x", allow(argv_prefix=["awk"], value_flags=["-f"], first_positional_re="x")),
    ("bash", allow(exact=["bash"])),
    ("python3 -", allow(exact=["python3", "-"])),
    ("bash -s", allow(exact=["bash", "-s"])),
]


@pytest.mark.parametrize(("command", "rule"), OPTIONS)
def test_a_word_that_the_rule_does_not_account_for_is_asked_about(
    workspace: Path, command: str, rule: permissions.PermissionRule
) -> None:
    assert on_command(workspace, command, rule) == "prompt"


@pytest.mark.parametrize("name", ["export", "alias", "trap", "cd", "source", "eval", "exec", "set", "unset", "test"])
def test_a_builtin_that_changes_the_shell_is_never_allowed(workspace: Path, name: str) -> None:
    rules = allow(argv_prefix=[name], flags="any", positionals="any"), allow(exact=[name, "x"])
    assert on_command(workspace, f"{name} x", *rules) == "prompt"


def test_a_list_of_words_is_judged_like_a_command_line(workspace: Path) -> None:
    assert on_call(workspace, {"argv": ["cat", "notes.md"], "cwd": ".", "timeout_s": 5.0}, CAT) == "allow"
    assert on_call(workspace, {"argv": ["cat", "notes.md;", "touch", "x"]}, CAT) == "allow"
    assert on_call(workspace, {"argv": ["cat", "../outside.txt"]}, CAT) == "prompt"


@pytest.mark.parametrize(
    "arguments",
    [
        {"argv": ["cat", "notes.md"], "cwd": "lib"},
        {"argv": ["cat", "notes.md"], "stdin": "x"},
        {"argv": ["cat", 1]},
        {"argv": []},
        {"argv": ["cat"], "command": "cat"},
        {"command": ["cat", "notes.md"]},
        {"command": None},
        {"Command": "cat notes.md"},
        {},
    ],
)
def test_arguments_that_say_more_or_other_than_a_command_are_asked_about(
    workspace: Path, arguments: dict[str, object]
) -> None:
    assert on_call(workspace, arguments, CAT) == "prompt"


def test_a_prompt_rule_beats_an_allow_rule_and_a_deny_rule_beats_both(workspace: Path) -> None:
    asked = prompt(program="cat")
    assert on_command(workspace, "cat notes.md", CAT, asked) == "prompt"
    assert on_command(workspace, "cat notes.md", CAT, asked, deny(program="cat")) == "deny"


def test_without_a_rule_a_call_is_asked_about(workspace: Path) -> None:
    assert on_command(workspace, "cat notes.md", deny(program="touch")) == "prompt"
