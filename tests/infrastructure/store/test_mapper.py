"""Events to bytes and back: the quick way and the sure way are one way."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic_core import from_json, to_json

from turnlog.domain import TOPICS, Actor, BlobRef, Event, InvalidInput, TextBlock, topic_of
from turnlog.infrastructure import store

from ...contract.events import finished, renamed
from ...domain.every_event import SAMPLES

mapper = store.mapper
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Floats and integers of every size, as JSON and Python know them.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


def read(event: Event, state: bytes) -> Event:
    """The event that these bytes stand for."""
    return mapper.EventMapper().to_recorded(StoredEvent("s", 1, topic_of(event), state)).event


@st.composite
def events(draw: st.DrawFn) -> Event:
    """A sample with any text, number, time and free-form field changed."""
    event = draw(st.sampled_from(SAMPLES))
    fields: dict[str, Any] = dict(vars(event))
    for name, value in fields.items():
        if isinstance(value, dict) and name != "profiles":  # whose values are not free
            fields[name] = draw(st.dictionaries(TEXT, JSON, max_size=4))
        elif isinstance(value, float):
            fields[name] = draw(st.floats(allow_nan=False, allow_infinity=False))
        elif isinstance(value, int) and not isinstance(value, bool):
            fields[name] = draw(st.integers(min_value=0))
        elif name in {"title", "message", "tool", "model", "digest"} and isinstance(value, str):
            fields[name] = draw(TEXT)
    fields["at"] = draw(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
    fields["actor"] = Actor(kind="user", id=draw(TEXT))
    return type(event)(**fields)


def test_the_samples_are_of_every_kind() -> None:
    assert {type(event) for event in SAMPLES} == set(TOPICS.values())


@given(events())
def test_what_is_encoded_is_decoded_and_the_quick_way_gives_the_bytes_of_the_sure_way(event: Event) -> None:
    state = mapper.encode(event)
    assert state == mapper.encode_exactly(event)
    again = read(event, state)
    assert again == event
    assert mapper.encode(again) == state


@given(events(), st.dictionaries(TEXT.filter(lambda name: name.isidentifier()), JSON, min_size=1, max_size=3))
def test_unknown_fields_of_the_event_and_of_its_parts_are_kept(event: Event, unknown: dict[str, JsonValue]) -> None:
    unknown = {f"new_{name}": value for name, value in unknown.items()}
    for outer, inner in ((unknown, {}), ({}, unknown), (unknown, unknown)):
        actor = Actor.model_validate_json(to_json({"kind": "user", "id": "a", **inner}), extra="allow")
        known = event.model_copy(update={"actor": actor})
        fields = from_json(mapper.encode(known))
        later = type(event).model_validate_json(to_json({**fields, **outer}), extra="allow")
        again = read(later, mapper.encode(later))
        assert again == later
        assert again.model_extra == outer
        assert again.actor.model_extra == inner


@pytest.mark.parametrize(
    "change",
    [
        {"title": "\ud800"},
        {"cause": 10**5000},
        {"actor": Actor(kind="user", id="\udfff")},
        {"at": datetime(2026, 1, 1, tzinfo=timezone(timedelta(seconds=1)))},
    ],
    ids=["lone surrogate", "endless number", "lone surrogate inside", "odd time zone"],
)
def test_an_event_that_could_not_be_read_again_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        mapper.encode(renamed("x").model_copy(update=change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_no_number_that_json_lacks_gets_into_the_log(number: float) -> None:
    failed = next(event for event in SAMPLES if "retry_delay" in vars(event))
    for event in (failed.model_copy(update={"retry_delay": number}), finished("x", {"a": [{"b": number}]})):
        with pytest.raises(InvalidInput):
            mapper.encode(event)


def test_details_that_were_changed_into_something_else_than_json_are_refused() -> None:
    details: dict[str, Any] = {"x": 1}
    event = finished("x", details)
    held: dict[str, Any] = vars(event)["details"]
    held["x"] = (1, 2)
    with pytest.raises(InvalidInput):
        mapper.encode(event)


def test_a_part_of_a_kind_that_only_its_maker_knows_is_refused() -> None:
    class Boss(Actor):
        team: str = "blue"

    with pytest.raises(InvalidInput):
        mapper.encode(renamed("x").model_copy(update={"actor": Boss(kind="user", id="ada")}))


def test_an_event_outside_the_table_is_refused() -> None:
    class Invented(Event):
        text: TextBlock | BlobRef

    with pytest.raises(InvalidInput, match="Invented/1 is not in the table"):
        mapper.encode(Invented(at=datetime.now(UTC), actor=Actor(kind="user", id="a"), text=TextBlock(text="x")))
