"""Logs told as stories, and the answers to why their calls stand as they do."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from turnlog.domain import (
    Change,
    Event,
    Recorded,
    ToolCallBlock,
    commands,
)
from turnlog.runtime.explaining.why import Why, why

from ..projections.story import Story
from .world import World


async def keep(world: World, log: Iterable[Recorded]) -> None:
    """Put a log that was written elsewhere into this one."""
    streams: defaultdict[str, list[Event]] = defaultdict(list)
    for record in log:
        streams[record.stream].append(record.event)
    await world.log.append(*(Change(stream, 0, tuple(events)) for stream, events in streams.items()))


async def explained(world: World, story: Story, call: ToolCallBlock) -> Why:
    """The answer to why a call of a story stands as it does."""
    await keep(world, story.log)
    return await why(world.env, story.session.id, call.call_id)


def proposed(arguments: str = '{"argv": ["pytest", "-q"]}') -> tuple[Story, ToolCallBlock]:
    """A story in which the model wants to run something."""
    story = Story()
    story.says("Go")
    call = story.call(arguments=arguments)
    story.answers(call)
    return story, call


def granted(story: Story, call: ToolCallBlock, grant: commands.tools.Grant) -> None:
    story.do(lambda session: commands.tools.authorize(session, story.by, story.epoch, call.call_id, grant))


def denied(story: Story, call: ToolCallBlock, denial: commands.tools.Denial) -> None:
    story.do(lambda session: commands.tools.deny(session, story.by, story.epoch, call.call_id, denial))


def event_at(records: Sequence[Recorded], stream: str, version: int) -> Event:
    return next(record.event for record in records if (record.stream, record.version) == (stream, version))
