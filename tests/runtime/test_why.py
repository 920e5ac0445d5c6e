"""Why a call was allowed or denied: every call that ever ran has an answer, and the event that says so."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from turnlog.domain import (
    InvalidInput,
    NotFound,
    PermissionRequested,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallStarted,
)
from turnlog.runtime.explaining.why import why
from turnlog.runtime.histories import history

from ..golden.test_golden_logs import RELEASES, stored
from ..projections.random_stories import stories
from ..projections.story import Story
from .explained import event_at, keep, proposed
from .world import ScriptedModel, World, asks


async def check_every_run(world: World, session_id: str) -> int:
    """Each call that began is explained by an authorisation of its own, which is in the log before it; how many did."""
    records = await history(world.log, session_id)
    started = [record for record in records if isinstance(record.event, ToolCallStarted)]
    for record in started:
        assert isinstance(record.event, ToolCallStarted)
        answer = await why(world.env, session_id, record.event.call_id)
        (run,) = [run for run in answer.runs if (run.started.stream, run.started.version) == record[:2]]
        assert run.authorized is not None
        assert run.by is not None
        word = event_at(records[: records.index(record)], run.authorized.stream, run.authorized.version)
        assert isinstance(word, ToolCallAuthorized)
        assert (word.call_id, word.by) == (record.event.call_id, run.by)
        assert answer.because
    return len(started)


@pytest.mark.parametrize("release", RELEASES)
async def test_every_call_that_ran_in_a_released_log_was_allowed_by_somebody_who_is_named(
    memory: World, release: str
) -> None:
    streams = stored(release, "sessions.jsonl")
    await keep(memory, (record for records in streams.values() for record in records))
    ran = 0
    for name in streams:
        if name.startswith("rules."):
            continue
        ran += await check_every_run(memory, name)
        for record in await history(memory.log, name):
            if isinstance(record.event, ToolCallStarted):
                answer = await why(memory.env, name, record.event.call_id)
                assert (answer.verdict, answer.cited_by.event) == ("allowed", "ToolCallAuthorized")
                assert answer.by
    assert ran


async def test_of_a_log_without_evaluations_nothing_is_told_that_was_not_recorded(memory: World) -> None:
    streams = stored("0.1", "sessions.jsonl")
    await keep(memory, (record for records in streams.values() for record in records))
    found = [
        await why(memory.env, name, record.event.call_id)
        for name, records in streams.items()
        for record in records
        if isinstance(record.event, ToolCallAuthorized | ToolCallDenied)
    ]
    assert found
    assert {(answer.evaluation, answer.policy, answer.lost) for answer in found} <= {(None, None, ())}


@given(stories())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_is_done_every_call_that_ran_was_allowed_by_somebody_who_is_named(story: Story) -> None:
    async def check() -> None:
        world = World("memory:")
        try:
            await keep(world, story.log)
            await check_every_run(world, story.session.id)
        finally:
            await world.close()

    asyncio.run(check())


@given(stories())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_is_done_every_verdict_is_cited(story: Story) -> None:
    async def check() -> None:
        world = World("memory:")
        try:
            await keep(world, story.log)
            for record in story.history:
                event = record.event
                if isinstance(event, ToolCallAuthorized | ToolCallDenied):
                    answer = await why(world.env, story.session.id, event.call_id)
                    cited = event_at(story.history, answer.cited_by.stream, answer.cited_by.version)
                    assert type(cited).__name__ == answer.cited_by.event
                    if isinstance(cited, ToolCallAuthorized | ToolCallDenied):
                        assert (answer.by, answer.source) == (cited.by, cited.source)
        finally:
            await world.close()

    asyncio.run(check())


# Which call is meant


async def test_the_beginning_of_an_id_is_enough(memory: World) -> None:
    story, call = proposed()
    await keep(memory, story.log)
    assert (await why(memory.env, "s1", call.call_id[:-1])).call_id == call.call_id


@pytest.mark.parametrize("call_id", ["nothing", ""])
async def test_a_call_that_is_not_there_is_not_found(memory: World, call_id: str) -> None:
    story, _ = proposed()
    await keep(memory, story.log)
    with pytest.raises(NotFound, match="no call"):
        await why(memory.env, "s1", call_id)


async def test_a_beginning_of_several_ids_is_not_enough(memory: World) -> None:
    story = Story()
    story.says("Go")
    story.answers(story.call(), story.call())
    await keep(memory, story.log)
    with pytest.raises(InvalidInput, match="could be any of"):
        await why(memory.env, "s1", "call")


async def test_a_session_that_is_not_there_is_not_found(memory: World) -> None:
    with pytest.raises(NotFound):
        await why(memory.env, "nowhere", "call")


async def test_a_rule_that_is_always_there_is_not_called_missing(memory: World, tmp_path: Path) -> None:
    script = ScriptedModel([asks(("write_file", {"path": ".turnlog/x", "content": ""})), "Done."])
    session = await memory.turnlog.create_session("s", model=script, tools=["write_file"], workspace=tmp_path)
    await session.append_turn("Write.")
    (asked,) = await memory.all_of(session.id, PermissionRequested)
    answer = await session.why(asked.call_id)
    assert answer.evaluation is not None
    assert (answer.evaluation.rules, answer.lost) == (("turnlog/own-files",), ())
