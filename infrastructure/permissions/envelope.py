"""An approval and the execution it is for: the two are the same in every field that binds, or nothing is executed."""

import json
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, Strict, StrictInt, StrictStr, ValidationError

from turnlog.projections import one_line

Filled = Annotated[StrictStr, Field(min_length=1)]
Instant = StrictInt | Annotated[FiniteFloat, Strict()]
"""Seconds since some beginning, the same for both sides."""

_NO_PERSONS: Final = frozenset({"agent", "assistant", "bot", "model", "policy", "system", "tool", "worker"})


class Envelope(BaseModel):
    """What a person approves, all of it. Fields it does not know bind as well."""

    model_config = ConfigDict(frozen=True, extra="allow")

    tool: Filled
    input: dict[str, JsonValue]
    cwd: Filled
    cwd_real: Filled
    env: dict[str, StrictStr]
    files: dict[str, StrictStr]
    program_real: Filled
    policy: Filled
    session: Filled
    call: Filled
    attempt: StrictInt
    expires: Instant
    approver: Filled


_UNBOUND: Final = frozenset({"now", "display"})
"""Fields beside an envelope: the moment, and the text that was shown."""


def approval_refusal(approved: Mapping[str, JsonValue], execution: Mapping[str, JsonValue]) -> str | None:
    """Why an execution is not the one that was approved, at a moment when that still counts; None if it is."""
    try:
        given, asked = _envelope(approved), _envelope(execution)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        return f"an envelope cannot be read: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    changed = _first_difference(given, asked)
    if changed is not None:
        return f"{changed} is not what was approved"
    if given.approver.casefold().partition(":")[0].strip() in _NO_PERSONS:
        return f"the approver {one_line(given.approver)!r} is no person"
    return _untimely(given, approved, execution) or _misleading(given, (approved, execution))


def _envelope(fields: Mapping[str, JsonValue]) -> Envelope:
    return Envelope.model_validate({name: value for name, value in fields.items() if name not in _UNBOUND})


def _first_difference(given: Envelope, asked: Envelope) -> str | None:
    ours, theirs = given.model_dump(), asked.model_dump()
    # As text, because to Python true, 1 and 1.0 are equal.
    return next(
        (n for n in {**ours, **theirs} if n not in ours or n not in theirs or _text(ours[n]) != _text(theirs[n])), None
    )


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _untimely(given: Envelope, approved: Mapping[str, JsonValue], execution: Mapping[str, JsonValue]) -> str | None:
    now = execution.get("now")
    if isinstance(now, bool) or not isinstance(now, int | float):
        return "the moment of execution is not known"
    if not now < given.expires:
        return "the approval has expired"
    then = approved.get("now")
    if isinstance(then, int | float) and now < then:
        return "the clock says that it was approved later than now"
    return None


def _misleading(given: Envelope, shown_in: tuple[Mapping[str, JsonValue], ...]) -> str | None:
    shown = [fields["display"] for fields in shown_in if "display" in fields]
    truthful = displays(given.input)
    return None if all(text in truthful for text in shown) else "the text that was shown is not the whole input"


def displays(arguments: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """The texts that show arguments whole, with nothing in them that cannot be seen."""
    whole = json.dumps(arguments, sort_keys=True), json.dumps(arguments), json.dumps(arguments, separators=(",", ":"))
    command = arguments.get("command")
    if len(arguments) == 1 and isinstance(command, str) and _is_visible(command):
        return (command, *whole)
    return whole


def _is_visible(text: str) -> bool:
    return all(character == "\n" or one_line(f"<{character}>") == f"<{character}>" for character in set(text))
