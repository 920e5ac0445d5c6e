"""Several processes at one session at once, doing what they like: one story comes of it, and no effect twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from turnlog.domain import ToolContext, TurnlogError, every_call
from turnlog.runtime import RuleDraft, SessionHandle

from .conftest import MakeWorld
from .test_any_sequence_of_commands import ENDS
from .world import World, asks, check_log, model_of, tool

HANDS = 3
DEEDS = 12


def deed(hand: SessionHandle, dice: random.Random) -> Coroutine[Any, Any, object]:
    """Something to do, as often as not at a bad time."""
    match dice.randrange(8):
        case 0 | 1 | 2:
            return hand.append_turn("Go.")
        case 3 | 4:
            return hand.resume_turn(unknown="did_not", take_over=dice.random() < 0.5)
        case 5:
            return hand.cancel("enough")
        case 6:
            return hand.rename(f"Title {dice.random()}")
        case _:
            return hand.resume_turn()


async def act(hand: SessionHandle, dice: random.Random) -> None:
    """One hand's deeds, some of them stopped half-way."""
    for _ in range(DEEDS):
        task = asyncio.create_task(deed(hand, dice))
        if dice.random() < 0.2:
            for _ in range(dice.randrange(40)):
                await asyncio.sleep(0)
            task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert not isinstance(outcome, BaseException) or isinstance(outcome, TurnlogError | asyncio.CancelledError)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_several_hands_do_at_once_the_log_is_one_story(
    shared_url: str, open_world: MakeWorld, seed: int
) -> None:
    done = Counter[str]()

    @tool
    async def send(context: ToolContext) -> str:
        """Send."""
        done[context.idempotency_key] += 1
        await asyncio.sleep(0)
        return "sent"

    @tool(effect="pure")
    async def look() -> str:
        """Look."""
        await asyncio.sleep(0)
        return "seen"

    worlds = [open_world(shared_url, worker=f"w{number}") for number in range(HANDS)]
    for world in worlds:
        world.neighbours.answer = True
    await worlds[0].turnlog.add_rule(RuleDraft(every_call("allow", "send")))
    script = [asks("look", "send"), asks("send", "look")] * 5
    session = await worlds[0].session(model_of(script), look, send)
    hands = [await world.again(session.id, script, look, send) for world in worlds]
    await asyncio.gather(*(act(hand, random.Random(seed * 10 + n)) for n, hand in enumerate(hands)))
    await check_log(worlds[0], session.id)
    await one_end_a_call(worlds[0], session.id)
    assert set(done.values()) <= {1}


async def one_end_a_call(world: World, session_id: str) -> None:
    """No call is answered twice."""
    ends = [event for event in await world.events(session_id) if isinstance(event, ENDS)]
    assert max(Counter(event.call_id for event in ends).values(), default=1) == 1
