"""How long a decision takes with very many rules."""

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from turnlog.domain import JudgedCall
from turnlog.infrastructure import permissions

from .judging import allow, deny, prompt

USUAL_SECONDS, MOST_SECONDS = 0.005, 0.025
"""CPU time of a decision here, in the middle and nearly at worst; the aim is that 99 of 100 take less than 5 ms."""

RULES = [
    *(deny(program="git", subcommand=[f"verb{n}"], needs=[["-f", "--force"]]) for n in range(150)),
    *(deny(program=f"program{n}") for n in range(100)),
    *(prompt(argv_prefix=[f"asked{n}", "push"]) for n in range(50)),
    *(allow(argv_prefix=["git", f"verb{n}"], flags=["-n"], positionals="workspace") for n in range(200)),
    *(allow(exact=["npm", "run", f"script{n}"]) for n in range(50)),
    *(
        allow(argv_prefix=["sed", "-n"], first_positional_re=rf"(\d+,)?{n}\d+p", positionals="workspace")
        for n in range(97)
    ),
    *(allow(digest=f"d{n}", shown="") for n in range(50)),
    allow(argv_prefix=["git", "log"], flags=["--oneline"], positionals="any"),
    allow(argv_prefix=["cat"], positionals="workspace"),
    allow(argv_prefix=["wc"], flags=["-l"], positionals="workspace"),
    *(allow("write_file", op="write", under=f"lib/part{n}") for n in range(100)),
    *(deny("write_file", op="write", under=f"part{n}") for n in range(100)),
    *(allow("fetch", hosts=[f"host{n}.test"]) for n in range(50)),
    *(deny("fetch", hosts=[f"bad{n}.test"]) for n in range(50)),
]
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("shell", {"command": "git log --oneline | cat && cat notes.md lib/app.py; wc -l notes.md"}, "allow"),
    ("shell", {"command": "git verb199 -n lib && npm run script49"}, "allow"),
    ("shell", {"command": "sed -n 9696,96963p notes.md | wc -l"}, "allow"),
    ("shell", {"command": "cat notes.md; git verb3 --forc x"}, "deny"),
    ("shell", {"command": "find . -exec sh -c 'nohup program99 x' \\;"}, "deny"),
    ("shell", {"command": "for f in *; do cat $f | asked7 push; done"}, "prompt"),
    ("shell", {"command": "sudo env A=1 nice timeout 5 sh -c 'unknown x' && git log"}, "prompt"),
    ("write_file", {"path": "lib/part99/x.py", "content": ""}, "allow"),
    ("write_file", {"path": "part99/x.py", "content": ""}, "deny"),
    ("write_file", {"path": "elsewhere/x.py", "content": ""}, "prompt"),
    ("fetch", {"url": "https://host49.test/" + "a/" * 200}, "allow"),
    ("fetch", {"url": "https://good.test@bad49.test/"}, "deny"),
]


@pytest.mark.parametrize(("tool", "arguments", "verdict"), CALLS)
def test_a_call_is_judged_fast_by_a_thousand_rules(
    workspace: Path, tool: str, arguments: Mapping[str, Any], verdict: str
) -> None:
    assert len(RULES) >= 1000
    reader, call = permissions.StructuredPermissions(), JudgedCall(tool, arguments, workspace)
    assert reader.judge(RULES, call).verdict == verdict
    taken = sorted(_seconds(reader, call) for _ in range(60))
    assert median(taken) < USUAL_SECONDS
    assert taken[-2] < MOST_SECONDS


def _seconds(reader: permissions.StructuredPermissions, call: JudgedCall) -> float:
    start = time.thread_time()
    reader.judge(RULES, call)
    return time.thread_time() - start
