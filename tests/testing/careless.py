"""Sessions of programs that do not stand a crash, each in its way, and of one that does."""

import asyncio

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, allow, tool
from turnlog.runtime import PermissionDecision, PermissionRequest
from turnlog.testing import CrashRun


@tool
async def send(to: str) -> str:
    """Send."""
    return f"sent to {to}"


@tool(effect="pure")
async def look() -> str:
    """Look."""
    return "seen"


async def yes(request: PermissionRequest) -> PermissionDecision:
    """Allow everything."""
    return allow()


def script() -> ScriptedModel:
    """One effect, and a last word."""
    call = ScriptedCall(name="send", arguments={"to": "ada"})
    return ScriptedModel([ScriptedReply(calls=(call,)), "Done."])


async def careful(run: CrashRun) -> None:
    """Takes up what was begun."""
    async with run.open() as log:
        session = await run.session(log, "Letters", model=script(), tools=[send])
        await run.turn(session, "Go.", approvals=yes)


async def starts_over(run: CrashRun) -> None:
    """Begins a new session whatever there is."""
    async with run.open() as log:
        session = await log.create_session("Letters", model=script(), tools=[send])
        await session.append_turn("Go.", approvals=yes)


async def gives_up(run: CrashRun) -> None:
    """Leaves what was begun as it is."""
    async with run.open() as log:
        if not await log.list_sessions():
            await starts_over(run)


async def cannot_go_on(run: CrashRun) -> None:
    """Takes a session that is there for an error."""
    async with run.open() as log:
        if await log.list_sessions():
            raise RuntimeError("somebody was here before")
    await starts_over(run)


async def broken(run: CrashRun) -> None:
    """Fails by itself."""
    raise RuntimeError("no luck")


async def looks(run: CrashRun) -> None:
    """Has an effect that does no harm twice, and two turns."""
    model = ScriptedModel([ScriptedReply(calls=(ScriptedCall(name="look"),)), "Seen.", "Bye."])
    async with run.open() as log:
        session = await run.session(log, "Looks", model=model, tools=[look])
        await run.turn(session, "Look.")
        await run.turn(session, "Bye.")


async def waits(run: CrashRun) -> None:
    """Never ends."""
    await asyncio.get_running_loop().create_future()
