"""A session's turns as OpenTelemetry spans in OTLP JSON, named by the GenAI semantic conventions.

One trace a turn, since backends drop traces that last for days; `gen_ai.conversation.id` joins them. Below the turn
(`invoke_agent`) are its requests to models (`chat`), the runs of its tools (`execute_tool`) and its waits for a person
(`permission.wait`, which the conventions have no name for). Ids are digests of the session's, turn's and call's ids,
and times are those of the events, so that the same log gives the same bytes however often it is exported.

What was said stays out: spans hold names, counts and times.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import JsonValue

from turnlog.domain import Recorded

from .spans import Attribute, Span, TurnTrace
from .traces import turn_traces

_KINDS: Final = {"internal": 1, "client": 3}
_OK: Final = 1
_ERROR: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def traces(history: Iterable[Recorded], session: str) -> dict[str, JsonValue]:
    """The turns that a session's own stream began, as the body of an OTLP export request.

    What a fork has from its parent is the parent's to export; its first turn links to the parent's last one.
    """
    spans: list[JsonValue] = [span for turn in turn_traces(history, session) for span in _written(turn)]
    if not spans:
        return {"resourceSpans": []}
    scope: JsonValue = {"scope": {"name": "turnlog"}, "spans": spans}
    resource: JsonValue = {"attributes": _attributes({"service.name": "turnlog"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}


def trace_id(session: str, turn_id: str) -> str:
    """The id of a turn's trace: 16 bytes in hex."""
    return _digest("trace", session, turn_id)[:32]


def span_id(*key: str) -> str:
    """The id of a span: 8 bytes in hex."""
    return _digest("span", *key)[:16]


def _digest(*parts: str) -> str:
    joined = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    return hashlib.sha256(joined).hexdigest()


def _written(turn: TurnTrace) -> Iterator[JsonValue]:
    trace = trace_id(turn.session, turn.turn_id)
    root = span_id(*turn.root.key)
    yield _span(turn, turn.root, {"traceId": trace, "spanId": root})
    for span in turn.spans:
        yield _span(turn, span, {"traceId": trace, "spanId": span_id(*span.key), "parentSpanId": root})


def _span(turn: TurnTrace, span: Span, ids: dict[str, JsonValue]) -> JsonValue:
    """A span that is still open lasts as long as its turn has been heard of."""
    written: dict[str, JsonValue] = {
        **ids,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": _nanoseconds(span.start),
        "endTimeUnixNano": _nanoseconds(max(span.start, span.end or turn.last)),
        "attributes": _attributes(span.attributes),
    }
    if span.events:
        written["events"] = [
            {"timeUnixNano": _nanoseconds(event.at), "name": event.name, "attributes": _attributes(event.attributes)}
            for event in span.events
        ]
    if span is turn.root and turn.forked_from is not None:
        ids = {"traceId": trace_id(*turn.forked_from), "spanId": span_id(*turn.forked_from)}
        written["links"] = [{**ids, "attributes": _attributes({"turnlog.link": "forked_from"})}]
    if span.error is not None:
        written["status"] = {"code": _ERROR, "message": span.error}
    elif span.ok:
        written["status"] = {"code": _OK}
    return written


def _attributes(attributes: Mapping[str, Attribute]) -> list[JsonValue]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items() if value is not None]


def _value(value: str | int | float | bool | Sequence[str]) -> JsonValue:
    """A value as protobuf's JSON has it: 64-bit integers are strings."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"arrayValue": {"values": [{"stringValue": part} for part in value]}}


def _nanoseconds(at: datetime) -> str:
    return str((at.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1) * 1_000)
