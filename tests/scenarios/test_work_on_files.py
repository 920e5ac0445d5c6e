"""The built-in tools at work in a workspace: asked, answered, recorded, done."""

from pathlib import Path

from turnlog import Bounds, PermissionDecision, PermissionRequest, Policy, ScriptedModel, Turnlog, allow
from turnlog.domain import ToolCallFinished, ToolCallStarted

from ..runtime.world import ScriptedCall, ScriptedReply

WRITES = ScriptedReply(calls=(ScriptedCall(name="write_file", arguments={"path": "a.txt", "content": "one\n"}),))
RUNS = ScriptedReply(calls=(ScriptedCall(name="shell", arguments={"argv": ["cat", "a.txt"]}),))
READS = ScriptedReply(calls=(ScriptedCall(name="read_file", arguments={"path": "a.txt"}),))
PROGRAMS = Policy(bounds=Bounds(commands=True))
TOOLS = ["write_file", "shell", "read_file"]


async def yes(request: PermissionRequest) -> PermissionDecision:
    """Allow it."""
    return allow()


async def test_two_turns_write_run_and_read_a_file(log: Turnlog, tmp_path: Path) -> None:
    workspace = tmp_path / "work"
    workspace.mkdir()
    model = ScriptedModel([WRITES, "Written.", RUNS, READS, "Read."])
    session = await log.create_session("Files", model=model, tools=TOOLS, policy=PROGRAMS, workspace=workspace)
    await session.append_turn("Write it.", approvals=yes)
    reply = await session.append_turn("Show it.", approvals=yes)
    assert reply.text == "Read."
    assert (workspace / "a.txt").read_text() == "one\n"
    events = [record.event for record in (await log.show(session.id)).history]
    started = [event.tool for event in events if isinstance(event, ToolCallStarted)]
    assert started == ["write_file", "shell", "read_file"]
    assert not any(event.is_error for event in events if isinstance(event, ToolCallFinished))


async def test_nothing_is_written_before_somebody_said_yes(log: Turnlog, tmp_path: Path) -> None:
    session = await log.create_session(
        "Files", model=ScriptedModel([WRITES]), tools=TOOLS, policy=PROGRAMS, workspace=tmp_path
    )
    assert (await session.append_turn("Write it.")).outcome == "suspended"
    assert not (tmp_path / "a.txt").exists()


async def test_the_question_shows_the_whole_content(log: Turnlog, tmp_path: Path) -> None:
    shown: list[str] = []

    async def look_and_say_yes(request: PermissionRequest) -> PermissionDecision:
        shown.append(request.display)
        return allow()

    session = await log.create_session(
        "Files", model=ScriptedModel([WRITES, "Done."]), tools=TOOLS, policy=PROGRAMS, workspace=tmp_path
    )
    await session.append_turn("Write it.", approvals=look_and_say_yes)
    assert "a.txt" in shown[0]
    assert "one" in shown[0]
