"""Events to bytes and back, in the form `eventsourcing` stores: topic and state.

Two promises. What is written can be read: an event made of nothing but plain values comes back as it was, and any
other is read back before it is stored, so no recursion limit, NaN or lone surrogate makes a log that cannot be folded.
What is read is known: a topic outside the table is refused before anything of it is looked at, let alone imported.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, Notification, StoredEvent
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from turnlog.domain import TOPICS, CorruptRecord, Event, InvalidInput, Kinds, Recorded, Value, topic_of

from .readers import WHOLE, Readers
from .shapes import Fields, is_array, is_object

Upcast = Callable[[Fields], Fields]

PLAIN = frozenset({str, bool, type(None)})
"""Types whose every value comes back as it was, or cannot be written at all (a lone surrogate)."""

WIDEST = 2**63
"""Integers below this are plain; beyond a few thousand digits none can be read."""

UPCASTS: Mapping[str, Upcast] = {}
"""Old topic -> function from its fields to those of the next revision (`X/1` to `X/2`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its stream, as `eventsourcing` wants a domain event to look."""

    originator_id: str
    originator_version: int
    event: Event


class EventMapper(Mapper[str]):
    """Turns entries into stored events and back."""

    def __init__(self) -> None:
        super().__init__(transcoder=JSONTranscoder())

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Encode. Raises InvalidInput when the event could not be read again."""
        if not isinstance(domain_event, Entry):
            raise TypeError(f"an Entry is needed, not {type(domain_event).__name__}")
        return to_stored(domain_event.originator_id, domain_event.originator_version, domain_event.event)

    def to_domain_event(self, stored_event: StoredEvent) -> Entry:
        """Decode. Raises CorruptRecord, which names stream and version."""
        return Entry(
            originator_id=str(stored_event.originator_id),
            originator_version=stored_event.originator_version,
            event=self.to_recorded(stored_event).event,
        )

    def to_recorded(self, stored_event: StoredEvent) -> Recorded:
        """Decode into the domain's own form, with the position where it was read."""
        position = stored_event.id if isinstance(stored_event, Notification) else None
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        event = decode(stream, version, stored_event.topic, stored_event.state)
        return Recorded(stream, version, event, position)


def topics_of(kinds: Kinds) -> list[str]:
    """The topics whose events are read as these kinds, old ones among them."""
    topics = {topic for topic, kind in TOPICS.items() if kind in kinds}
    return sorted(topics | {old for old in UPCASTS if _current(old) in topics})


def to_stored(stream: str, version: int, event: Event) -> StoredEvent:
    """The event as it is stored at this place. Raises InvalidInput when it could not be read again."""
    return StoredEvent(stream, version, topic_of(event), encode(event))


def encode(event: Event) -> bytes:
    """The event as JSON: the same event gives the same bytes. Raises InvalidInput."""
    kind = type(event)
    if kind not in KINDS:
        raise InvalidInput(f"{topic_of(event)} is not in the table of events, so it cannot be stored")
    try:
        if not event.__pydantic_extra__ and _is_plain(event.__dict__.values()):
            return kind.__pydantic_serializer__.to_json(event, exclude_none=True)
        return encode_exactly(event)
    except ValueError as error:  # pydantic's errors about values are ValueErrors
        raise InvalidInput(f"{topic_of(event)} cannot be stored: {_reason(error)}") from error


def encode_exactly(event: Event) -> bytes:
    """The same bytes, proved by reading them back. Raises InvalidInput, ValueError."""
    state = to_json(event, exclude_none=True, inf_nan_mode="null")
    if _read(type(event), state) != event:
        state = to_json(_with_unknown_fields(event), inf_nan_mode="null")
        if _read(type(event), state) != event:
            raise InvalidInput(f"{topic_of(event)} cannot be stored: some value would be lost (NaN or infinity?)")
    return state


def _is_plain(values: Iterable[Any]) -> bool:
    """Whether JSON keeps all values as they are, known without trying; free-form JSON never is."""
    for value in values:
        kind: type[object] = value.__class__
        if kind in PLAIN:
            continue
        if VALUES[kind]:
            fields: Fields = value.__dict__
            plain = not value.__pydantic_extra__ and _is_plain(fields.values())
        elif kind is datetime:
            plain = value.tzinfo is UTC or value.tzinfo == UTC
        elif kind is int:
            plain = -WIDEST < value < WIDEST
        else:
            plain = kind is tuple and _is_plain(value)
        if not plain:
            return False
    return True


def decode(stream: str, version: int, topic: str, state: bytes, readers: Readers = WHOLE) -> Event:
    """The event that was stored at this place. Raises CorruptRecord, which names stream and version."""
    try:
        return readers[topic](state)
    except (ValueError, TypeError, LookupError):  # of another turnlog's making, or unreadable
        return _decode_foreign(f"stream {stream} version {version}", topic, state)


def _decode_foreign(place: str, topic: str, state: bytes) -> Event:
    """An event of an old revision or with fields of a later one."""
    if topic not in TOPICS and topic not in UPCASTS:
        raise CorruptRecord(f"{place} has the topic {topic!r}, which this turnlog does not know")
    try:
        current, lifted = _upcast(topic, state) if topic in UPCASTS else (topic, state)
        return _read(TOPICS[current], lifted)
    except (ValueError, TypeError, LookupError) as error:  # an upcast may meet any shape
        raise CorruptRecord(f"{place} is no readable {topic}: {_reason(error)}") from error


def _read(kind: type[Event], state: bytes) -> Event:
    """Fields of a later turnlog are kept, though nobody may invent them."""
    event: Event = kind.__pydantic_validator__.validate_json(state, extra="allow")
    return event


def _upcast(topic: str, state: bytes) -> tuple[str, bytes]:
    fields: Fields = from_json(state)
    while topic in UPCASTS:
        fields = UPCASTS[topic](fields)
        topic = _next(topic)
    return topic, to_json(fields)


def _current(topic: str) -> str:
    while topic in UPCASTS:
        topic = _next(topic)
    return topic


def _next(topic: str) -> str:
    name, _, revision = topic.rpartition("/")
    return f"{name}/{int(revision) + 1}"


def _with_unknown_fields(value: Any) -> Any:
    """The value as plain data, with the unknown fields that pydantic itself leaves out."""
    if isinstance(value, BaseModel):
        known = {name: getattr(value, name) for name in type(value).model_fields}
        fields = {name: field for name, field in known.items() if field is not None}
        return _with_unknown_fields(fields | (value.model_extra or {}))
    if is_object(value):
        return {key: _with_unknown_fields(item) for key, item in value.items()}
    if is_array(value):
        return [_with_unknown_fields(item) for item in value]
    return value


def _value_types(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models that fields of a model may hold, at any depth."""
    left: list[Any] = [field.annotation for field in kind.model_fields.values()]
    while left:
        found = left.pop()
        left.extend(get_args(found))
        if isinstance(found, type) and issubclass(found, BaseModel):
            yield found
            yield from _value_types(found)


def _reason(error: Exception) -> str:
    """What was wrong, in one short line and without the data itself."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())[:200]
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"][:6]))
    return f"{where}: {first['msg']}" if where else first["msg"]


class _Values(dict[type[object], bool]):
    """Whether fields of events may hold models of a type, found out when it is first met."""

    def __missing__(self, kind: type[object]) -> bool:
        found = self[kind] = issubclass(kind, Value) and kind in _parts()
        return found


@cache
def _parts() -> frozenset[type[BaseModel]]:
    return frozenset(part for kind in KINDS for part in _value_types(kind))


KINDS = frozenset(TOPICS.values())
VALUES = _Values()
