"""What a deny rule finds, however it is written; and what it leaves alone."""

from pathlib import Path

import pytest

from turnlog.infrastructure import permissions

from .judging import allow, deny, on_call, on_command, prompt

WGET = deny(program="wget")
FORCED_REMOVAL = deny(program="rm", needs=[["-r", "-R", "--recursive"], ["-f", "--force"]])
PUSH = deny(program="git", subcommand=["push"])
DROP = deny(program="git", subcommand=["stash", "drop"])
HARD = deny(program="git", subcommand=["reset"], needs=[["--hard"]])

WAYS_TO_WGET = [
    "wget x",
    "/usr/bin/wget x",
    "w'ge't x",
    "\\wget x",
    "wg\\\net x",
    "$'\\x77get' x",
    "ls; wget x",
    "ls | wget -i -",
    "ls & wget x",
    "ls\nwget x",
    "true && " * 80 + "wget x",
    "echo $(wget x)",
    'echo "`wget x`"',
    "cat <(wget x)",
    "cat <<E\n$(wget x)\nE",
    "A=$(wget x)",
    "A=1 wget x",
    "(wget x)",
    "{ wget x; }",
    "if true; then wget x; fi",
    "for i in 1; do wget x; done",
    "case a in a) wget x;; esac",
    "f() { wget x; }; f",
    "! wget x",
    "time wget x",
    "wget x > /dev/null 2>&1 &",
    "env -i A=b wget x",
    "env -S 'wget x'",
    "timeout -k 5 9 wget x",
    "nice -n 3 nohup setsid wget x",
    "sudo -u someone wget x",
    "xargs -n 1 wget",
    "find . -name a -execdir wget {} +",
    "busybox wget x",
    "command wget x",
    "exec wget x",
    "eval 'wget x'",
    "bash -c 'cd / && wget x'",
    "sh -c \"sh -c 'wget x'\"",
    "echo wget x | sh",
    "trap 'wget x' EXIT",
    "ssh host wget x",
    "git -c core.pager='wget x' log",
]


@pytest.mark.parametrize("command", WAYS_TO_WGET)
def test_a_denied_program_is_found_wherever_it_may_run(workspace: Path, command: str) -> None:
    anything = allow(argv_prefix=["echo"], flags="any", positionals="any")
    assert on_command(workspace, command, anything, WGET) == "deny"


SPELLINGS = [
    ("rm -rf x", FORCED_REMOVAL),
    ("rm -fR x", FORCED_REMOVAL),
    ("rm x -r -v -f", FORCED_REMOVAL),
    ("rm --recursive --force x", FORCED_REMOVAL),
    ("rm --rec -f x", FORCED_REMOVAL),
    ("/bin/rm -vrf -- x", FORCED_REMOVAL),
    ("find . -exec rm -rf {} ;", FORCED_REMOVAL),
    ("git push", PUSH),
    ("git -C /x -c a=b --no-pager push origin", PUSH),
    ("git --git-dir /x push", PUSH),
    ("git-push origin", PUSH),
    ("git $OPTIONS push", PUSH),
    ("git -C x stash -q drop", DROP),
    ("git reset --har HEAD", HARD),
    ("git reset HEAD --hard", HARD),
    ("docker --context x push y", deny(program="docker", subcommand=["push"])),
    ("git -C x push", deny(argv_prefix=["git", "push"])),
    ("git commit -m x --no-verify", deny(argv_prefix=["git", "commit", "--no-verify"])),
    ("ls; /bin/date", deny(exact=["date"])),
    ("sort -o x y", deny(program="sort", needs=[["-o", "--output"]])),
    ("sort --output=x y", deny(program="sort", needs=[["-o", "--output"]])),
    ("find . -delete", deny(program="find", needs=[["-delete"]])),
    ("dd of=/dev/sda", deny(program="dd", needs=[["of="]])),
]


@pytest.mark.parametrize(("command", "rule"), SPELLINGS)
def test_a_denied_command_is_found_in_any_spelling(
    workspace: Path, command: str, rule: permissions.PermissionRule
) -> None:
    assert on_command(workspace, command, rule) == "deny"


LEFT_ALONE = [
    ("rm -r x", FORCED_REMOVAL),
    ("rm -f x", FORCED_REMOVAL),
    ("rm -f $X", FORCED_REMOVAL),
    ("rm -- -rf", FORCED_REMOVAL),
    ("echo rm -rf", FORCED_REMOVAL),
    ("git log push", PUSH),
    ("git -C push log", PUSH),
    ("git stash push", PUSH),
    ("git stash list drop", DROP),
    ("git reset --soft", HARD),
    ("echo wget", WGET),
    ("wgets x", WGET),
    ("ls wget", WGET),
    ("date -u", deny(exact=["date"])),
]


@pytest.mark.parametrize(("command", "rule"), LEFT_ALONE)
def test_a_deny_rule_does_not_reach_further_than_it_says(
    workspace: Path, command: str, rule: permissions.PermissionRule
) -> None:
    assert on_command(workspace, command, rule) == "prompt"


def test_a_program_named_as_data_stays_allowed(workspace: Path) -> None:
    echo = allow(argv_prefix=["echo"], positionals="any")
    assert on_command(workspace, "echo wget", echo, WGET) == "allow"


@pytest.mark.parametrize("command", ["$P x", "w?et x", "w${n}get x", "`echo wget` x", "bash script.sh", "a=wget; $a x"])
def test_a_program_nobody_can_name_beforehand_is_asked_about(workspace: Path, command: str) -> None:
    anything = allow(argv_prefix=["bash"], flags="any", positionals="any")
    assert on_command(workspace, command, anything, WGET) == "prompt"


def test_a_denied_program_is_found_in_a_list_of_words(workspace: Path) -> None:
    assert on_call(workspace, {"argv": ["env", "wget", "x"]}, WGET) == "deny"
    assert on_call(workspace, {"command": ["wget", "x"]}, WGET) == "deny"


def test_a_prompt_rule_is_read_as_widely_as_a_deny_rule(workspace: Path) -> None:
    cat = allow(argv_prefix=["cat"], positionals="workspace")
    assert on_command(workspace, "/bin/cat notes.md", cat, prompt(program="cat")) == "prompt"
