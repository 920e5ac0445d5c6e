"""The shipped tables are the live folds, however the log is cut into batches."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.domain import (
    CompactionCompleted,
    ModelResponded,
    PermissionRequested,
    Recorded,
    ToolCallAuthorized,
    ToolCallDenied,
)
from turnlog.projections import USAGE, SessionQuery, project, tables

from ...contract.read_models import Kept, live_calls, live_sessions, positioned
from ...projections.random_stories import stories
from ...projections.story import Story

BATCHES = st.sampled_from([1, 2, 3, 7, 1_000])


@pytest.mark.parametrize("projection", tables.SHIPPED, ids=lambda each: each.name)
@settings(max_examples=25)
@given(story=stories(), size=BATCHES)
def test_how_a_log_is_cut_makes_no_difference(projection: tables.TableProjection, story: Story, size: int) -> None:
    log = positioned(story.log)
    whole, cut = Kept.of(projection, log), Kept.of(projection, log, size)
    for table in projection.tables:
        assert cut.rows(table.name) == whole.rows(table.name)


@settings(max_examples=25)
@given(story=stories(), size=BATCHES)
def test_the_table_of_sessions_is_the_list_in_memory(story: Story, size: int) -> None:
    rows = Kept.of(tables.SESSION_TABLE, story.log, size).rows("sessions")
    assert SessionQuery().select(map(tables.metadata_of, rows)) == live_sessions(story.log)


@settings(max_examples=25)
@given(story=stories(), size=BATCHES)
def test_the_table_of_calls_is_the_live_fold_of_each_stream(story: Story, size: int) -> None:
    rows = Kept.of(tables.CALL_TABLE, story.log, size).rows("tool_calls")
    assert {(row["session_id"], row["call_id"]): tables.call_of(row) for row in rows} == live_calls(story.log)


@settings(max_examples=25)
@given(story=stories(), size=BATCHES)
def test_the_table_of_usage_adds_up_to_the_live_fold(story: Story, size: int) -> None:
    rows = Kept.of(tables.USAGE_TABLE, story.log, size).rows("usage")
    live = project(USAGE, [each for each in story.log if isinstance(each.event, ModelResponded | CompactionCompleted)])
    assert sum(row["responses"] for row in rows) == live.responses
    assert sum(row["input_tokens"] for row in rows) == live.total.input_tokens
    assert sum((row["cost_usd"] for row in rows), Decimal(0)) == live.cost.amount
    assert sum(row["unpriced"] for row in rows) == live.cost.unpriced


@settings(max_examples=25)
@given(story=stories())
def test_every_word_on_a_call_is_a_decision_and_names_its_tool(story: Story) -> None:
    rows = {(row["session_id"], row["version"]): row for row in _decisions(story.log)}
    for recorded in story.log:
        if isinstance(recorded.event, ToolCallAuthorized | ToolCallDenied | PermissionRequested):
            row = rows[recorded.stream, recorded.version]
            assert (row["call_id"], row["tool"]) == (
                recorded.event.call_id,
                live_calls(story.log)[recorded.stream, recorded.event.call_id].tool,
            )


def _decisions(log: Sequence[Recorded]) -> list[tables.Row]:
    return Kept.of(tables.DECISION_TABLE, log).rows("permission_decisions")
