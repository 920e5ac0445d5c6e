"""Projections that never look at some fields are caught up on events without these."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from turnlog.domain import READ_WHOLE, Change, Event, Recorded, SessionRenamed, Unread, topic_of
from turnlog.infrastructure import readmodels, store, system
from turnlog.projections import Runner, Target, tables

from ...contract.events import renamed
from ...contract.read_models import Kept, positioned
from ...domain.every_event import SAMPLES
from ...projections.random_stories import stories
from ...projections.story import Story

mapper = store.mapper


class Looking:
    """Remembers what the events it was given have."""

    version = 1

    def __init__(self, name: str, unread: Unread = READ_WHOLE) -> None:
        self.name = name
        self.tables = (tables.Table(name, {"id": "text"}, key=("id",)),)
        self.unread = unread
        self.seen: list[set[str]] = []

    def apply(self, batch: tables.Batch) -> None:
        self.seen += [set(vars(recorded.event)) for recorded in batch.events]


async def catch_up(directory: Path, *projections: Looking) -> None:
    """Give projections one event together."""
    url = f"sqlite:///{directory}/log.db"
    read_tables = readmodels.open_read_models(url)
    async with store.open_store(url) as opened:
        await opened.log.append(Change("s", 0, (renamed("x"),)))
        targets = [Target(each, await read_tables.begin(each, anew=False)) for each in projections]
        assert await Runner(opened.log, opened.blobs, read_tables, system.SystemClock()).run(targets) == []
    await read_tables.close()


AT = Unread.but({Event: ("at",)})
TITLE = Unread.but({SessionRenamed: ("title",)})


async def test_one_that_is_alone_is_given_what_it_looks_at(tmp_path: Path) -> None:
    title = Looking("title", TITLE)
    await catch_up(tmp_path, title)
    assert title.seen == [{"title"}]


@pytest.mark.parametrize(("other", "seen"), [(AT, {"title", "at"}), (READ_WHOLE, set(SessionRenamed.model_fields))])
async def test_those_that_catch_up_together_are_given_what_any_of_them_looks_at(
    tmp_path: Path, other: Unread, seen: set[str]
) -> None:
    first, second = Looking("first", TITLE), Looking("second", other)
    await catch_up(tmp_path, first, second)
    assert (first.seen, second.seen) == ([seen], [seen])


SPARING = [each for each in tables.SHIPPED if isinstance(each, tables.LeavesUnread) and each.unread.fields]


@pytest.mark.parametrize("projection", SPARING, ids=lambda each: each.name)
@settings(max_examples=15)
@given(story=stories())
def test_tables_are_the_same_whether_or_not_events_were_read_whole(
    projection: tables.TableProjection, story: Story
) -> None:
    assert isinstance(projection, tables.LeavesUnread)
    samples = [Recorded("samples", version, event) for version, event in enumerate(SAMPLES, 1)]
    log = positioned([*story.log, *samples])
    whole, lean = Kept.of(projection, log), Kept.of(projection, _read(log, projection.unread))
    for table in projection.tables:
        assert lean.rows(table.name) == whole.rows(table.name)


def _read(log: Sequence[Recorded], unread: Unread) -> list[Recorded]:
    by = store.readers.leaving_out(unread)
    return [
        each._replace(
            event=mapper.decode(each.stream, each.version, topic_of(each.event), mapper.encode(each.event), by)
        )
        for each in log
    ]
