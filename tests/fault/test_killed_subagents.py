"""A parent with three subagents side by side, killed wherever something is appended or done, and taken up again."""

import json
from collections.abc import AsyncGenerator

import pytest

from turnlog import allow, tool
from turnlog.domain import Model, ModelDelta, ModelReply, ModelRequest, TextBlock, ToolCallBlock, Usage, plain_text
from turnlog.runtime import PermissionDecision, PermissionRequest
from turnlog.testing import CrashMatrix, CrashReport, CrashRun

from .figures import keep
from .racing import of_those_reached

pytestmark = pytest.mark.fault

NAMES = ("one", "two", "three")


@tool(effect="idempotent")
async def mark(what: str) -> str:
    """Mark something."""
    return f"{what} is marked"


@tool
async def send(to: str) -> str:
    """Send something."""
    return f"sent to {to}"


def call(tool_name: str, number: int, /, **arguments: str) -> ToolCallBlock:
    return ToolCallBlock(call_id=f"{tool_name}-{number}", name=tool_name, arguments=json.dumps(arguments))


class Delegating:
    """A model that hands out three errands at once; who has one marks, sends and tells."""

    name = "scripted:delegating"

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        said = next(plain_text(message.blocks) for message in request.messages if message.role == "user")
        answers = sum(message.role == "assistant" for message in request.messages)
        blocks: tuple[TextBlock | ToolCallBlock, ...]
        if said == "Go.":
            errands = tuple(call("task", place, name=name, prompt=name) for place, name in enumerate(NAMES))
            blocks = errands if answers == 0 else (TextBlock(text="All three are done."),)
        else:
            steps = (call("mark", 0, what=said), call("send", 1, to=said))
            blocks = (steps[answers],) if answers < len(steps) else (TextBlock(text=f"{said} is done."),)
        yield ModelReply(blocks, Usage(input_tokens=10, output_tokens=1))


async def yes(request: PermissionRequest) -> PermissionDecision:
    """Allow everything."""
    return allow()


async def three_at_once(run: CrashRun) -> None:
    """One turn in which three subagents mark and send."""
    model: Model = Delegating()
    async with run.open() as log:
        session = await run.session(log, "Three at once", model=model, tools=[mark, send, "task"])
        reply = await run.turn(session, "Go.", approvals=yes)
        assert reply is None or reply.text == "All three are done."
        assert await session.active_subagents() == ()


def harmless(report: CrashReport) -> None:
    """What is expected beyond what a matrix checks by itself: nothing external is had twice, nobody runs again."""
    assert (report.doubles, report.losses) == (0, 0)
    assert not [case.point for case in report.cases if any(what.startswith("send") for what in case.repeated)]


def test_three_subagents_survive_kills_at_some_points_on_sqlite(crash_matrix: CrashMatrix) -> None:
    harmless(of_those_reached(lambda: crash_matrix(three_at_once, stride=23)))


def test_three_subagents_survive_kills_at_some_points_on_postgres(crash_matrix: CrashMatrix, postgres_url: str) -> None:
    harmless(of_those_reached(lambda: crash_matrix(three_at_once, url=postgres_url, stride=31)))


@pytest.mark.soak
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_three_subagents_survive_a_kill_at_every_point(
    crash_matrix: CrashMatrix, request: pytest.FixtureRequest, store: str
) -> None:
    url: str | None = request.getfixturevalue("postgres_url") if store == "postgres" else None
    report = of_those_reached(lambda: crash_matrix(three_at_once, url=url))
    harmless(report)
    keep("crash-matrix-subagents", store, report)
