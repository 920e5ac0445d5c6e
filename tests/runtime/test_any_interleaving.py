"""Whatever is said to a turn, and whenever: what was accepted reaches the model once and in order, or the turn was
cancelled.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog.domain import (
    InputDelivered,
    InputQueued,
    ModelReply,
    ModelRequest,
    TextBlock,
    ToolCallBlock,
    TurnCancelled,
    TurnlogError,
)
from turnlog.projections import conversation_problems
from turnlog.runtime import PermissionDecision, Reply, SessionHandle

from .world import ModelOf, World, check_log, tool

Deed = Literal["steer", "follow_up", "answer", "refuse", "stop", "cancel", "abandon"]
DEEDS: tuple[Deed, ...] = ("steer", "steer", "follow_up", "answer", "refuse", "stop", "cancel", "abandon")


@tool(effect="pure")
async def look() -> str:
    """Look."""
    await asyncio.sleep(0)
    return "seen"


@tool
async def act() -> str:
    """Act."""
    await asyncio.sleep(0)
    return "acted"


def talker(rounds: Sequence[Sequence[str]]) -> ModelOf:
    """A model that calls these tools, round by round, and then has only words."""

    def answer(request: ModelRequest, number: int) -> list[ModelReply]:
        said = sum(message.role == "assistant" for message in request.messages)
        names = rounds[said] if said < len(rounds) else ()
        calls = [ToolCallBlock(call_id=f"c{said}.{n}", name=name, arguments="{}") for n, name in enumerate(names)]
        return [ModelReply(tuple(calls) or (TextBlock(text=f"Answer {said}."),))]

    return ModelOf(answer)


class Story:
    """One turn of one session, and what people do meanwhile."""

    def __init__(self, world: World, session: SessionHandle) -> None:
        self.world = world
        self.session = session
        self.accepted: list[str] = []
        self.run: asyncio.Task[Reply] = asyncio.create_task(session.append_turn("Go.", approvals="wait"))

    async def go_on(self, steps: int, deed: Deed) -> None:
        """Let so many steps of the loop pass, and do something; go on with a turn that was put aside."""
        for _ in range(steps):
            await asyncio.sleep(0)
        with suppress(TurnlogError):  # refused: it was no time for it
            await self._do(deed)
        if self.run.done():
            await self._resume()

    async def ends(self) -> None:
        """Say yes to whatever is asked until the turn is over."""
        while not self.run.done():
            await asyncio.gather(self.run, self._answers(), return_exceptions=True)
            await self._resume()

    async def _answers(self) -> None:
        while not self.run.done():
            await self._answer(yes=True)
            await asyncio.sleep(0)

    async def _resume(self) -> None:
        if (await self.session.state()).status in ("suspended", "failed"):  # three refusals in a row end a turn
            self.run = asyncio.create_task(self.session.resume_turn(approvals="wait"))

    async def _do(self, deed: Deed) -> None:
        match deed:
            case "steer" | "follow_up":
                text = f"{deed} {len(self.accepted)}"
                await (self.session.steer(text) if deed == "steer" else self.session.follow_up(text))
                self.accepted.append(text)
            case "answer" | "refuse":
                await self._answer(yes=deed == "answer")
            case "stop":
                await self.session.stop()
            case "cancel":
                await self.session.cancel()
            case "abandon":
                self.run.cancel()
                await asyncio.gather(self.run, return_exceptions=True)

    async def _answer(self, *, yes: bool) -> None:
        for question in await self.world.turnlog.approvals():
            with suppress(TurnlogError):  # it was withdrawn meanwhile
                await self.session.resolve_permission(question.request_id, PermissionDecision(yes))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    rounds=st.lists(st.lists(st.sampled_from(("look", "act")), min_size=1, max_size=3), max_size=3),
    deeds=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(DEEDS)), max_size=8),
)
def test_what_was_accepted_reaches_the_model_once_and_in_order(
    rounds: list[list[str]], deeds: list[tuple[int, Deed]]
) -> None:
    async def check() -> None:
        world = World("memory:")
        model = talker(rounds)
        try:
            async with asyncio.timeout(60):
                story = Story(world, await world.session(model, look, act))
                for steps, deed in deeds:
                    await story.go_on(steps, deed)
                await story.ends()
            await holds(world, story, model)
        finally:
            await world.close()

    asyncio.run(check())


async def holds(world: World, story: Story, model: ModelOf) -> None:
    """What is true of every such story."""
    events = await world.events(story.session.id)
    delivered = [each for event in events if isinstance(event, InputDelivered) for each in event.input_ids]
    assert len(set(delivered)) == len(delivered)
    assert sum(isinstance(event, InputQueued) for event in events) == len(story.accepted)
    cancels = [place for place, event in enumerate(events) if isinstance(event, TurnCancelled)]
    for begin, end in pairwise([0, *cancels, len(events)]):
        queued = [event for event in events[begin:end] if isinstance(event, InputQueued)]
        for kind in ("steer", "follow_up"):
            said = [event.input_id for event in queued if event.kind == kind]
            reached = [each for each in delivered if each in said]
            assert reached == (said if end == len(events) else said[: len(reached)])
    said_in_all = await story.session.history()
    texts = [str(getattr(block, "text", "")) for message in said_in_all for block in message.blocks]
    assert sum(texts.count(text) for text in story.accepted) == len(delivered)
    assert not [problem for request in model.requests for problem in conversation_problems(request.messages)]
    assert (await story.session.state()).lease is None
    await check_log(world, story.session.id)
