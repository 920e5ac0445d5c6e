"""Lines of commands run as bash runs them: the same output, the same status, with no shell in between."""

import asyncio
import hashlib
import os
import random
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.permissions.bash import BASH
from turnlog.domain import Bounds, InvalidInput, ToolOutput
from turnlog.infrastructure import tools

from .calling import COMMANDS, context_in, linux_only, running, text, until

pipelines = tools.pipelines

REDIRECTIONS: Final = ("2>&1", ">/dev/null", "2>/dev/null", "&>/dev/null", ">&2", "1>&2", "1> /dev/null")
PROGRAMS: Final = (
    ("true",),
    ("false",),
    ("echo", "a b", "c"),
    ("echo", "-n", "x"),
    ("echo", ""),
    ("printf", "%s|%s\\n", "1", "two words"),
    ("printf", "no newline"),
    ("cat",),
    ("cat", "file"),
    ("cat", "missing"),
    ("cat", "file", "missing"),
    ("expr", "1", "+", "1"),
    ("ls", "file", "missing"),
    ("tr", "a-z", "A-Z"),
    ("wc", "-l"),
    ("sort", "-r"),
    ("head", "-n", "1"),
)


@dataclass(frozen=True)
class Seen:
    """What came of a line: standard output by its digest, and what programs wrote as errors at the same time."""

    stdout: str
    stderr: str
    status: int


async def run(line: str, directory: Path, bounds: Bounds = COMMANDS) -> ToolOutput:
    return await tools.shell.run({"command": line, "timeout_s": 20}, context_in(directory, bounds))


def printed(output: ToolOutput) -> str:
    """What it wrote to standard output."""
    return text(output).partition("--- stdout\n")[2].partition("\n--- stderr")[0]


async def ours(line: str, directory: Path) -> Seen:
    output = await run(line, directory)
    stdout, status = output.details["stdout"], output.details["exit_status"]
    assert isinstance(stdout, dict)
    assert isinstance(status, int)
    return Seen(str(stdout["sha256"]), errors(text(output).partition("--- stderr\n")[2]), status)


def of_bash(line: str, directory: Path) -> Seen:
    """The same in bash, whose builtins of the same names are switched off: we run the programs."""
    script = f"enable -n true false echo printf\n{line}"
    ended = subprocess.run(
        [BASH or "bash", "--norc", "--noprofile", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        check=False,
    )
    return Seen(hashlib.sha256(ended.stdout).hexdigest(), errors(ended.stderr.decode()), ended.returncode)


def errors(told: str) -> str:
    """Its characters, sorted: programs of a pipeline write their errors at the same time, a word at a time."""
    return "".join(sorted(told.strip("\n")))


def written(source: random.Random) -> str:
    """A line of the grammar, most of it short."""
    line = command(source)
    for _ in range(source.choice((0, 1, 1, 2, 2, 3, 5))):
        line += source.choice((" | ", "|", " && ", "&&", " || ", "; ", "\n", " &&\n", ";\n")) + command(source)
    return line + source.choice(("", "", ";", "\n", " "))


def command(source: random.Random) -> str:
    words = [quoted(word, source) for word in source.choice(PROGRAMS)]
    for _ in range(source.choice((0, 0, 0, 1, 1, 2))):
        words.insert(source.randrange(1, len(words) + 1), source.choice(REDIRECTIONS))
    return " ".join(words)


def quoted(word: str, source: random.Random) -> str:
    return source.choice((shlex.quote(word), f"'{word}'", f'"{word}"' if "\\" not in word else f"'{word}'"))


Difference = tuple[str, Seen, Seen]


async def differences(seed: int, count: int, directory: Path) -> Sequence[Difference]:
    """Lines that come out otherwise than in bash, with what came of them here and there."""
    (directory / "file").write_text("one\ntwo\n")
    source = random.Random(seed)
    compared = [await difference(written(source), directory) for _ in range(count)]
    return [found for found in compared if found is not None]


async def difference(line: str, directory: Path, tries: int = 3) -> Difference | None:
    """How a line differs each time: whether a program still writes to one that has ended is a matter of luck."""
    here, there = await ours(line, directory), await asyncio.to_thread(of_bash, line, directory)
    if here == there:
        return None
    return (line, here, there) if tries == 1 else await difference(line, directory, tries - 1)


@pytest.mark.skipif(BASH is None, reason="there is no bash to compare with")
async def test_lines_come_out_as_in_bash(tmp_path: Path) -> None:
    assert await differences(seed=7, count=60, directory=tmp_path) == []


# What bash says, in words


@pytest.mark.parametrize(
    ("line", "stdout", "status"),
    [
        ("echo a && echo b", "a\nb", 0),
        ("false && echo b", "", 1),
        ("false || echo b", "b", 0),
        ("false && echo a || echo b", "b", 0),
        ("true || echo a && echo b", "b", 0),
        ("false; echo b", "b", 0),
        ("echo b; false", "b", 1),
        ("false | true", "", 0),
        ("true | false", "", 1),
        ("echo a | tr a b | tr b c", "c", 0),
        ("echo a\n\necho b\n", "a\nb", 0),
        ("cat missing 2>&1 >/dev/null | wc -l", "1", 0),
        ("cat missing >/dev/null 2>&1 | wc -l", "0", 0),
        ("cat missing &>/dev/null", "", 1),
        ("yes | head -n 1", "y", 0),
        ("echo 'a && b | c'", "a && b | c", 0),
    ],
)
async def test_a_line_does_what_its_operators_say(tmp_path: Path, line: str, stdout: str, status: int) -> None:
    output = await run(line, tmp_path)
    assert (printed(output), output.details["exit_status"]) == (stdout, status)


async def test_in_a_line_what_is_missing_has_status_127_and_the_line_goes_on(tmp_path: Path) -> None:
    output = await run("no-such-program || echo on", tmp_path)
    assert (printed(output), output.details["exit_status"]) == ("on", 0)
    assert text(output).endswith('turnlog: program "no-such-program" was not found on the search path')


async def test_in_a_line_what_cannot_be_executed_has_status_126(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("text")
    assert (await run("true && ./plain", tmp_path)).details["exit_status"] == 126


async def test_alone_what_is_missing_is_no_line_that_ran(tmp_path: Path) -> None:
    assert (await run("no-such-program 2>/dev/null", tmp_path)).details == {"error": "not_found"}


async def test_a_program_that_died_of_a_signal_did_not_succeed(tmp_path: Path) -> None:
    (tmp_path / "dies.sh").write_text("kill -9 $$\n")
    output = await run("sh dies.sh || echo died", tmp_path)
    assert (printed(output), output.details["exit_status"]) == ("died", 0)


@linux_only
async def test_at_the_timeout_every_program_of_a_pipeline_is_killed(tmp_path: Path, marker: str) -> None:
    (tmp_path / "wait.sh").write_text("sleep 60\n")
    line = f"sh wait.sh {marker} | sh wait.sh {marker} && echo next"
    output = await run(line, tmp_path, Bounds(commands=True, seconds=0.5))
    assert output.details["timed_out"] is True
    assert printed(output) == ""
    assert running(marker) == []


@linux_only
async def test_cancelled_a_line_leaves_nothing(tmp_path: Path, marker: str) -> None:
    (tmp_path / "wait.sh").write_text("sleep 60\n")
    task = asyncio.create_task(run(f"true && sh wait.sh {marker} | sh wait.sh {marker}", tmp_path))
    await until(lambda: len(running(marker)) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running(marker) == []


@linux_only
async def test_what_a_command_leaves_in_the_background_ends_with_the_line(tmp_path: Path, marker: str) -> None:
    (tmp_path / "leave.sh").write_text("sh -c 'sleep 60; :' $1 >/dev/null 2>&1 &\n")
    assert printed(await run(f"sh leave.sh {marker}; echo done", tmp_path)) == "done"
    assert running(marker) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel limits the processes of everybody else")
async def test_a_line_with_too_many_processes_is_killed_and_does_not_go_on(tmp_path: Path, marker: str) -> None:
    (tmp_path / "many.sh").write_text("for each in $(seq 60); do sleep 60 & done; wait\n")
    output = await run(f"sh many.sh {marker} || echo next", tmp_path, Bounds(commands=True, processes=20))
    assert text(output).startswith("had more than 20 processes at a time and was killed")
    assert output.details["too_many_processes"] is True
    assert printed(output) == ""
    assert running(marker) == []


async def test_what_a_line_used_is_the_sum_of_its_programs(tmp_path: Path) -> None:
    (tmp_path / "busy.sh").write_text("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done\n")
    one, two = [used(await run(line, tmp_path)) for line in ("sh busy.sh", "sh busy.sh | sh busy.sh; sh busy.sh")]
    assert two > 1.5 * one > 0


def used(output: ToolOutput) -> float:
    """Seconds in user mode."""
    found = output.details["usage"]
    assert isinstance(found, dict)
    seconds = found["user_s"]
    assert isinstance(seconds, float)
    return seconds


# Reading a line


def test_a_line_is_read_as_it_was_judged() -> None:
    line = pipelines.line_of_text("a 2>&1|b &>/dev/null&& c >&2;d\n\ne || f")
    assert [[command.argv[0] for command in pipeline.commands] for pipeline in line.pipelines] == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e"],
        ["f"],
    ]
    assert [pipeline.condition for pipeline in line.pipelines] == ["always", "success", "always", "always", "failure"]


def test_words_are_one_command_whatever_is_in_them() -> None:
    assert [command.argv for command in pipelines.line_of_words(["echo", "&&", "$x"]).commands] == [
        ("echo", "&&", "$x")
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo $HOME", "an expansion at character 5"),
        ("cd lib && ls", "is a builtin"),
        ("ls > out", "a redirection other than"),
        ("A=1 ls", "may be an assignment"),
        ("ls &", "a background command"),
        ("", "no command"),
    ],
)
def test_what_needs_a_shell_is_refused_and_told_where_to_go(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match="shell_script") as refused:
        pipelines.line_of_text(text)
    assert why in refused.value.message


def test_a_pipeline_has_an_end() -> None:
    with pytest.raises(InvalidInput, match="a pipeline of 65 programs"):
        pipelines.line_of_text("|".join(["cat"] * 65))
