"""How long a decision takes with very many rules."""

import time
from collections.abc import Callable
from pathlib import Path

from turnlog.infrastructure import permissions

from .judging import allow, deny

MOST_SECONDS = 0.025
"""CPU time of one decision here; the aim is 5 ms on an idle machine, which a shared one only sometimes is."""

RULES = [
    *(deny(program="git", subcommand=[f"verb{n}"], needs=[["-f", "--force"]]) for n in range(300)),
    *(allow(argv_prefix=["git", f"verb{n}"], flags=["-n"], positionals="workspace") for n in range(398)),
    allow(argv_prefix=["git", "log"], flags=["--oneline"], positionals="any"),
    allow(argv_prefix=["cat"], positionals="workspace"),
    *(allow("write_file", op="write", under=f"lib/part{n}") for n in range(150)),
    *(deny("write_file", op="write", under=f"part{n}") for n in range(150)),
]


def nearly_slowest(call: permissions.ToolCall, workspace: Path) -> float:
    """The second slowest of a hundred decisions, in seconds of CPU time."""
    return sorted(_seconds(lambda: permissions.judge(RULES, call, workspace)) for _ in range(100))[-2]


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def test_a_command_is_judged_fast_by_a_thousand_rules(workspace: Path) -> None:
    call = permissions.call_of("shell", {"command": "git log --oneline | cat && cat notes.md lib/app.py"})
    assert permissions.judge(RULES, call, workspace).verdict == "allow"
    assert nearly_slowest(call, workspace) < MOST_SECONDS


def test_a_file_is_judged_fast_by_a_thousand_rules(workspace: Path) -> None:
    call = permissions.call_of("write_file", {"path": "lib/part149/x.py", "content": ""})
    assert permissions.judge(RULES, call, workspace).verdict == "allow"
    assert nearly_slowest(call, workspace) < MOST_SECONDS
