"""How the state of an event is read: as a whole, or without the fields that nobody is going to look at.

Pydantic goes through all of the JSON either way, but makes objects only of what it is to give. Without what it never
looks at, a session's fold is given its events in half the time.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaError, SchemaValidator

from turnlog.domain import READ_WHOLE, TOPICS, Event, Unread

from .shapes import is_array, is_object

Reader = Callable[[bytes], Event]
Readers = Mapping[str, Reader]
"""Topic -> how an event is read that has no fields but those this turnlog knows; nearly every one."""

_BESIDE = frozenset({"metadata", "serialization"})
"""What stands in a schema beside what is read by it."""


class _Readers(dict[str, Reader]):
    """Made when a topic is first met: most programs meet few."""

    def __init__(self, unread: Unread) -> None:
        super().__init__()
        self._unread = unread

    def __missing__(self, topic: str) -> Reader:
        reader = self[topic] = _reader(TOPICS[topic], self._unread)
        return reader


@lru_cache(maxsize=16)
def leaving_out(unread: Unread) -> Readers:
    """Readers that leave out what is not to be read."""
    return _Readers(unread)


def _reader(kind: type[Event], unread: Unread) -> Reader:
    kind.model_rebuild()
    whole: Reader = kind.__pydantic_validator__.validate_json
    if not unread.fields:
        return whole
    try:
        # Prebuilt validators are those of the whole models.
        return SchemaValidator(_without(kind.__pydantic_core_schema__, unread), _use_prebuilt=False).validate_json
    except (SchemaError, LookupError, TypeError):  # nothing of that is promised by pydantic; it only saves time
        return whole


def _without(schema: Any, unread: Unread) -> Any:
    """A schema that passes over what is not to be read, as if nobody knew these fields or minded any."""
    if is_array(schema):
        parts = [_without(each, unread) for each in schema]
        return tuple(parts) if isinstance(schema, tuple) else parts
    if not is_object(schema):
        return schema
    found = {key: part if key in _BESIDE else _without(part, unread) for key, part in schema.items()}
    if found.get("type") == "model" and (names := unread.of(found["cls"])):
        fields = found["schema"]["fields"]
        read = {name: field for name, field in fields.items() if name not in names}
        found["schema"] = found["schema"] | {"fields": read, "extra_behavior": "ignore"}
    return found


WHOLE = leaving_out(READ_WHOLE)
