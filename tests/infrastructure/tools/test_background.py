"""The background tools, in sessions with programs that run for real."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import (
    BackgroundTaskFinished,
    Bounds,
    Policy,
    Surrounded,
    TextBlock,
    ToolCallFinished,
    ToolCallStarted,
    every_call,
)
from turnlog.front import Turnlog
from turnlog.infrastructure import models, tools
from turnlog.runtime import SessionHandle

NAMES = ("background_run", "background_check", "background_wait", "background_stop", "background_output")
ALLOWED = Policy(otherwise="allow", bounds=Bounds(commands=True))
Call = tuple[str, Mapping[str, JsonValue]]


@pytest.fixture
async def log() -> AsyncIterator[Turnlog]:
    """A turnlog in memory."""
    async with Turnlog.open("memory:") as log:
        yield log


async def session_with(log: Turnlog, workspace: Path, *calls: Call, policy: Policy = ALLOWED) -> SessionHandle:
    """A session whose model makes these calls, one a round, and has its last word."""
    replies = [
        models.ScriptedReply(calls=(models.ScriptedCall(name=name, arguments=dict(arguments)),))
        for name, arguments in calls
    ]
    model = models.ScriptedModel([*replies, models.ScriptedReply(text="Done.")])
    return await log.create_session("Work", model=model, tools=NAMES, workspace=workspace, policy=policy)


async def results(log: Turnlog, session: SessionHandle) -> list[str]:
    """The texts of the results, in order."""
    records = (await log.show(session.id)).history
    found = [record.event for record in records if isinstance(record.event, ToolCallFinished)]
    parts = [[part.text for part in event.content if isinstance(part, TextBlock)] for event in found]
    return ["".join([await log.text(text) for text in texts]) for texts in parts]


def run(script: str, **more: JsonValue) -> Call:
    return "background_run", {"argv": ["sh", "-c", script], **more}


def about(name: str, **more: JsonValue) -> Call:
    return f"background_{name}", {"task_id": "bg-1", **more}


async def outcome(log: Turnlog, workspace: Path, *calls: Call, policy: Policy = ALLOWED) -> list[str]:
    """What the calls of one turn return."""
    session = await session_with(log, workspace, *calls, policy=policy)
    await session.append_turn("Go.")
    return await results(log, session)


async def test_a_program_is_started_and_its_id_told(log: Turnlog, workspace: Path) -> None:
    assert "bg-1" in (await outcome(log, workspace, run("sleep 60")))[0]


async def test_waiting_shows_how_it_ended_and_what_it_wrote_last(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("seq 30; echo bad >&2; exit 4"), about("wait", seconds=20))
    assert "exited with status 4" in said[1]
    assert "--- stdout: 81 bytes, last lines, after 10 earlier ones" in said[1]
    assert said[1].endswith("\n30\n--- stderr: 4 bytes, last lines\nbad")


async def test_a_check_does_not_wait(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("sleep 60"), about("check"))
    assert said[1].startswith("bg-1  running  started ")


async def test_a_check_without_an_id_lists_all_tasks(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("exit 0"), run("sleep 60"), about("wait"), ("background_check", {}))
    assert re.fullmatch(r'bg-2  running .*\nbg-1  exited with status 0 after .*"exit 0"', said[3])


async def test_a_session_without_tasks_says_so(log: Turnlog, workspace: Path) -> None:
    assert await outcome(log, workspace, ("background_check", {})) == ["there are no background tasks in this session"]


async def test_output_is_read_from_a_line_on(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("seq 9"), about("wait"), about("output", offset=8))
    assert said[2] == "[stdout of bg-1: lines 8 to 9, 18 bytes in all]\n8\n9"


async def test_output_that_is_not_there_yet_is_no_error(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("seq 9"), about("wait"), about("output", offset=10))
    assert said[2] == "[stdout of bg-1: no line 10; it has 9, 18 bytes in all]"


async def test_standard_error_is_read_by_itself(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("echo bad >&2"), about("wait"), about("output", stream="stderr"))
    assert said[2].endswith("\nbad")


async def test_long_output_is_paged_as_any_result_is(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("seq 9000"), about("wait"), about("output"))
    assert said[2].endswith("offset 2001 shows more]")


async def test_stopping_shows_how_it_ended(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("sleep 60"), about("stop"))
    assert "stopped" in said[1]


async def test_a_time_limit_ends_it(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, run("sleep 60", timeout_s=0.1), about("wait", seconds=20))
    assert "stopped at its time limit" in said[1]


async def test_a_wait_is_no_longer_than_the_policy_lets_a_call_take(log: Turnlog, workspace: Path) -> None:
    policy = Policy(otherwise="allow", bounds=Bounds(commands=True, seconds=0.1))
    said = await outcome(log, workspace, run("sleep 60"), about("wait", seconds=60), policy=policy)
    assert said[1].startswith("bg-1  running")


async def test_a_program_that_is_not_there_leaves_a_task_that_never_ran(log: Turnlog, workspace: Path) -> None:
    said = await outcome(log, workspace, ("background_run", {"argv": ["no-such-program"]}), ("background_check", {}))
    assert "not found" in said[0]
    assert "never ran" in said[1]


async def test_a_rule_for_shell_does_not_cover_the_background(log: Turnlog, workspace: Path) -> None:
    policy = Policy(rules=(every_call("allow", "shell"),), bounds=Bounds(commands=True))
    session = await session_with(log, workspace, run("exit 0"), policy=policy)
    assert (await session.append_turn("Go.")).outcome == "suspended"


async def test_the_approver_sees_every_argument(workspace: Path) -> None:
    shown = tools.background_run.show({"argv": ["rm", "-rf", "a b"], "cwd": "lib"})
    assert shown == 'background_run\n  argv: ["rm", "-rf", "a b"]\n  cwd: "lib"\n  timeout_s: 3600  (default)'


async def test_what_would_run_is_bound_as_for_shell(workspace: Path) -> None:
    bounds = Bounds(commands=True)
    arguments: dict[str, JsonValue] = {"argv": ["sh", "-c", "exit 0"]}
    look, like = tools.BUILTIN_TOOLS["background_run"], tools.BUILTIN_TOOLS["shell"]
    assert isinstance(look, Surrounded)
    assert isinstance(like, Surrounded)
    assert look.surroundings(arguments, workspace, bounds) == like.surroundings(arguments, workspace, bounds)


async def test_the_end_is_recorded_with_all_the_program_wrote(log: Turnlog, workspace: Path) -> None:
    session = await session_with(log, workspace, run("seq 3"), about("wait"))
    await session.append_turn("Go.")
    records = (await log.show(session.id)).history
    (end,) = [record.event for record in records if isinstance(record.event, BackgroundTaskFinished)]
    assert end.output is not None
    assert end.output.stdout.text == "1\n2\n3\n"


async def test_only_starting_a_program_counts_as_executing() -> None:
    assert [name for name in NAMES if tools.BUILTIN_TOOLS[name].spec.executes] == ["background_run"]


async def test_looking_at_tasks_needs_nobodys_permission(log: Turnlog, workspace: Path) -> None:
    policy = Policy(bounds=Bounds(commands=True))
    session = await session_with(log, workspace, ("background_check", {}), policy=policy)
    await session.append_turn("Go.")
    records = (await log.show(session.id)).history
    assert any(isinstance(record.event, ToolCallStarted) for record in records)
