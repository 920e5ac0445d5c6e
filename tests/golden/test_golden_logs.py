"""What any released turnlog stored still means what it meant then."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from pydantic import JsonValue

from turnlog.domain import TOPICS, Recorded, Session, SessionForked, fold
from turnlog.infrastructure import store
from turnlog.projections import view

HERE = Path(__file__).parent
RELEASES = sorted(path.name for path in HERE.iterdir() if (path / "sessions.jsonl").is_file())
BY_ID = ("rules", "pending", "calls")
"""Parts of a state in which every name is the id of something, and none may come or go."""

Streams = dict[str, list[Recorded]]


def stored(release: str, name: str) -> Streams:
    """The streams of a golden file, as this turnlog reads them."""
    streams: defaultdict[str, list[Recorded]] = defaultdict(list)
    for line in (HERE / release / name).read_text().splitlines():
        row: dict[str, Any] = json.loads(line)
        event = StoredEvent(row["stream"], row["version"], row["topic"], row["state"].encode())
        recorded = store.mapper.EventMapper().to_recorded(event)
        streams[recorded.stream].append(recorded)
    return streams


def lineage(streams: Streams, name: str) -> list[Recorded]:
    """A session's events after those of its parents."""
    own = streams[name]
    first = own[0].event
    if isinstance(first, SessionForked):
        return lineage(streams, first.parent)[: first.parent_version] + own
    return own


def as_far_as_known(now: JsonValue, then: JsonValue) -> JsonValue:
    """The state now without what turnlog did not yet tell then."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {name: as_far_as_known(now[name], told) for name, told in then.items()}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [as_far_as_known(*pair) for pair in zip(now, then, strict=True)]
    return now


def test_there_is_a_golden_log() -> None:
    assert "0.1" in RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_a_released_log_folds_to_what_it_folded_to_then(release: str) -> None:
    streams = stored(release, "sessions.jsonl")
    expected: dict[str, Any] = json.loads((HERE / release / "states.json").read_text())
    for name, state in expected.items():
        records = lineage(streams, name)
        now: Any = view(fold(Session(name), records), records)
        assert as_far_as_known(now, state) == state
        assert {part: set(now[part]) for part in BY_ID} == {part: set(state[part]) for part in BY_ID}


@pytest.mark.parametrize("release", RELEASES)
def test_an_event_of_a_release_that_did_not_change_is_written_as_it_was(release: str) -> None:
    for line in (HERE / release / "every_event.jsonl").read_text().splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["topic"] in TOPICS:
            event = StoredEvent(row["stream"], row["version"], row["topic"], row["state"].encode())
            again = store.mapper.EventMapper().to_stored_event(store.mapper.EventMapper().to_domain_event(event))
            assert json.loads(again.state) == json.loads(event.state)


def test_the_newest_golden_log_has_every_event_there_is() -> None:
    (records,) = stored(RELEASES[-1], "every_event.jsonl").values()
    assert {type(record.event) for record in records} == set(TOPICS.values())
