"""Events and other facts as JSON."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnlog.domain import Recorded


def event_json(record: "Recorded") -> dict[str, Any]:
    """An event in its place, flat: where it stands, what it is, and its own fields."""
    return {
        "stream": record.stream,
        "version": record.version,
        "type": type(record.event).__name__,
        **record.event.model_dump(mode="json"),
    }


def plain(value: object) -> Any:
    """A dataclass or model as plain JSON."""
    from pydantic import TypeAdapter

    return TypeAdapter[object](type(value)).dump_python(value, mode="json")
