"""A rerun that dies at any append, and is gone on with by another process, comes out as one that does not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import Policy, ToolCallBlock, ToolCallFinished, ToolResultBlock, TurnStarted, every_call

from .conftest import MakeWorld
from .world import Crash, Script, World, asks, check_log, model_of, tool

RAN: list[str] = []
THIS = ("act", {"what": "this"})
RECORDED: Script = [asks(THIS, "look"), asks(THIS), "one", asks("look"), "two"]
AGAIN: Script = [
    asks(THIS, ("look", {"at": "else"})),
    asks(THIS, "look"),
    "another one",
    asks("look", ("look", {"at": "more"})),
    "another two",
]
"""Four results on record are used, and two calls run that are not on record."""


@tool
def act(what: str) -> str:
    """Act."""
    RAN.append(f"act {what}")
    return f"did {what} after {len(RAN)}"


@tool(effect="pure")
def look(at: str = "it") -> str:
    """Look."""
    RAN.append(f"look {at}")
    return f"saw {at}"


OWN = (act, look)


@dataclass(frozen=True)
class Outcome:
    """What came of a rerun: what was said, which results on record were used, what ran, which prompts came again."""

    said: list[Any]
    reused: list[str]
    ran: set[str]
    prompts: list[str | None]


async def recorded(world: World) -> str:
    """A session of two turns; where the first of them began."""
    policy = Policy(rules=(every_call("allow", "act"),))
    session = await world.session(RECORDED, *OWN, policy=policy)
    await session.append_turn("First.")
    await session.append_turn("Second.")
    return f"{session.id}@{(await world.kinds(session.id)).index('TurnStarted') + 1}"


async def outcome_of(world: World, fork: str) -> Outcome:
    await check_log(world, fork)
    conversation = await (await world.turnlog.open_session(fork, tools=OWN)).history()
    finished = await world.all_of(fork, ToolCallFinished)
    return Outcome(
        [(message.role, [_plain(block) for block in message.blocks]) for message in conversation],
        sorted(event.reused for event in finished if event.reused is not None),
        set(RAN),
        [event.reruns for event in await world.all_of(fork, TurnStarted)],
    )


def _plain(block: Any) -> Any:
    if isinstance(block, ToolCallBlock | ToolResultBlock):
        return block.model_copy(update={"call_id": "", "provider_id": None})
    return block


async def done_again(world: World, address: str, heard: Callable[[str], None]) -> None:
    """Run the record again to its end; `heard` is told of the fork, which a process that dies cannot tell."""
    world.log.before = lambda changes: heard(changes[0].stream)
    handle = await world.turnlog.begin_rerun(address, model=model_of(AGAIN), tools=OWN)
    await handle.run()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_wherever_it_dies_it_comes_out_as_if_it_had_not(
    tmp_path: Path, open_world: MakeWorld, moment: str
) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    first, second = open_world(url, worker="first"), open_world(url, worker="second")
    address = await recorded(first)
    RAN.clear()
    appends = list[str]()
    await done_again(first, address, appends.append)
    whole = await outcome_of(first, appends[0])
    assert (len(whole.reused), whole.ran) == (4, {"look else", "look more"})
    for place in range(1, len(appends) + 1):
        RAN.clear()
        fork = await died(first, address, moment, place)
        assert await gone_on(second, address, fork) == whole, f"{moment} append {place}"


async def died(world: World, address: str, moment: str, place: int) -> str | None:
    """Run the record again up to an append; the fork, where there is one."""
    seen = list[str]()

    def before(stream: str) -> None:
        seen.append(stream)
        if (moment, len(seen)) == ("before", place):
            raise Crash

    def after(changes: object) -> None:
        if (moment, len(seen)) == ("after", place):
            raise Crash

    world.log.after = after
    with pytest.raises((Crash, BaseExceptionGroup)):
        await done_again(world, address, before)
    return None if (moment, place) == ("before", 1) else seen[0]


async def gone_on(world: World, address: str, fork: str | None) -> Outcome:
    """What comes of it where another process goes on, or begins anew where nothing was begun."""
    model = model_of(AGAIN)
    if fork is None:
        handle = await world.turnlog.begin_rerun(address, model=model, tools=OWN)
    else:
        handle = await world.turnlog.open_rerun(fork, model=model, tools=OWN)
    if not await handle.is_done():
        await handle.run()
    return await outcome_of(world, handle.session.id)
