"""The envelope of a call: everything that decides its effect. An envelope is what is authorised, and what then runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue, TypeAdapter

from turnlog.domain import Surroundings, ToolSpec

from ..digests import digest

_ENVELOPE = TypeAdapter(dict[str, JsonValue])
_SURROUNDINGS = TypeAdapter(Surroundings)

_BOUND_TO_INPUT = "surroundings"


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a call runs, and under what: the session and call, which attempt at it, by which policy, until when."""

    session_id: str
    call_id: str
    attempt: int
    policy: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """All of it, as JSON. `agent` is the path of the agent that makes the call, `/` for the session's own."""

    fields: Mapping[str, JsonValue]

    @property
    def digest(self) -> str:
        """What an authorisation names."""
        return digest(dict(self.fields))

    @property
    def text(self) -> str:
        """As it is kept for auditors."""
        return json.dumps(dict(self.fields), ensure_ascii=False, sort_keys=True)

    def with_input(self, arguments: Mapping[str, JsonValue]) -> "Envelope":
        """With other arguments, and without what depends on them, which only whoever runs the call can look up."""
        kept = {name: value for name, value in self.fields.items() if name != _BOUND_TO_INPUT}
        return Envelope({**kept, "input": dict(arguments)})

    def changes(self, other: "Envelope") -> tuple[str, ...]:
        """The names of what differs, those of the surroundings each by itself."""
        ours, theirs = _flat(self.fields), _flat(other.fields)
        return tuple(name for name in {**ours, **theirs} if digest(ours.get(name)) != digest(theirs.get(name)))


def envelope(
    spec: ToolSpec,
    arguments: Mapping[str, JsonValue],
    workspace: Path | None,
    surroundings: Surroundings,
    occasion: Occasion,
) -> Envelope:
    """The envelope of a call. Raises ValueError for what no JSON can say."""
    expires = occasion.expires_at
    return Envelope(
        {
            "tool": spec.name,
            "schema": schema_digest(spec),
            "input": dict(arguments),
            "session": occasion.session_id,
            "agent": "/",
            "call": occasion.call_id,
            "attempt": occasion.attempt,
            "workspace": None if workspace is None else str(workspace),
            "sandbox": surroundings.sandbox,
            "policy": occasion.policy,
            "expires": None if expires is None else expires.isoformat(),
            _BOUND_TO_INPUT: _looked_up(surroundings),
        }
    )


def envelope_from(text: str) -> Envelope:
    """An envelope back from its text. Raises pydantic.ValidationError."""
    return Envelope(_ENVELOPE.validate_json(text))


def exact_digest(
    spec: ToolSpec, arguments: Mapping[str, JsonValue], workspace: Path | None, surroundings: Surroundings
) -> str:
    """The digest that an exact rule names: of the call whenever it is made, and of the files it would read.

    Raises ValueError for what no JSON can say.
    """
    return digest(
        {
            "tool": {"name": spec.name, "schema": schema_digest(spec)},
            "arguments": dict(arguments),
            "workspace": None if workspace is None else str(workspace),
            "cwd": surroundings.cwd_real,
            "program": surroundings.program,
            "files": dict(surroundings.files),
            "paths": dict(surroundings.paths),
        }
    )


def schema_digest(spec: ToolSpec) -> str:
    """What tells a tool from a later one of its name: what it takes, and what it does to the world."""
    return digest({"parameters": spec.parameters, "effect": spec.effect})


def _looked_up(surroundings: Surroundings) -> JsonValue:
    fields: dict[str, JsonValue] = _ENVELOPE.validate_python(_SURROUNDINGS.dump_python(surroundings, mode="json"))
    return {name: value for name, value in fields.items() if name != "sandbox"}


def _flat(fields: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    inner = fields.get(_BOUND_TO_INPUT)
    outer = {name: value for name, value in fields.items() if name != _BOUND_TO_INPUT}
    return {**outer, **(inner if isinstance(inner, dict) else {})}
