"""Addresses of a session at a point in time, in git's grammar: `ID`, `ID@42`, `ID@{turn:3}`, `ID@{error}`, `A..B`.

Parsing and resolving are pure. Versions are those of the session's own stream; what a fork has from its parent is
addressed there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from turnlog.domain import (
    InvalidInput,
    ModelFailed,
    NotFound,
    Recorded,
    ToolCallFinished,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
)

FORMS = "ID, ID@42, ID@{turn:3}, ID@{error} or ID@{2026-11-22T09:00}"
RANGES = "ID@3..7, ID 3..7, or with {turn:2}, {error} or a time in place of a number"

_VERSION = re.compile(r"[0-9]{1,18}")
_TURN = re.compile(r"turn:([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class AtVersion:
    """A version of the session's own stream."""

    version: int


@dataclass(frozen=True, slots=True)
class AtTurn:
    """Where a turn ended, counted from 1; now, where it has not."""

    number: int


@dataclass(frozen=True, slots=True)
class AtError:
    """The first thing that went wrong: a failed turn, request to a model, or tool call."""


@dataclass(frozen=True, slots=True)
class AtTime:
    """The last event at or before a moment."""

    moment: datetime


Point = AtVersion | AtTurn | AtError | AtTime


@dataclass(frozen=True, slots=True)
class Address:
    """A session, by its id or the beginning of it, and a point in its life (None: now)."""

    session: str
    point: Point | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """From one point of a session to another (None: now)."""

    session: str
    start: Point
    end: Point | None


def parse_address(text: str) -> Address:
    """Read an address. Raises InvalidInput."""
    session, at, point = text.partition("@")
    if not session or (at and not point):
        raise InvalidInput(f"{text!r} is no address; write {FORMS}")
    if ".." in point:
        raise InvalidInput(f"{text!r} is a range, and one point in time is needed here; write {FORMS}")
    return Address(session, parse_point(point) if at else None)


def parse_range(text: str, points: str | None = None) -> Range:
    """Read a range, written as one word (`ID@A..B`) or as two (`ID`, `A..B`). Raises InvalidInput."""
    session, at, inside = text.partition("@")
    if points is None:
        points = inside
    elif at:
        raise InvalidInput(f"{text!r} names a point already; write {RANGES}")
    first, dots, last = points.partition("..")
    if not session or not dots or not (first or last):
        raise InvalidInput(f"{text if points == inside else f'{text} {points}'!r} is no range; write {RANGES}")
    return Range(
        session,
        parse_point(first.removeprefix("@")) if first else AtVersion(1),
        parse_point(last.removeprefix("@")) if last else None,
    )


def parse_point(text: str) -> Point:
    """Read what stands behind the `@`. Raises InvalidInput."""
    if _VERSION.fullmatch(text):
        return AtVersion(int(text))
    if text.startswith("{") and text.endswith("}"):
        named = text[1:-1].strip()
        if turn := _TURN.fullmatch(named):
            return AtTurn(int(turn[1]))
        if named == "error":
            return AtError()
        if (moment := _moment(named)) is not None:
            return AtTime(moment)
    raise InvalidInput(f"{text!r} is no point in time; write 42, {{turn:3}}, {{error}} or {{2026-11-22T09:00}}")


def _moment(text: str) -> datetime | None:
    """A time; without a zone it is UTC, as all times are shown."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def version_at(point: Point | None, session_id: str, history: Sequence[Recorded]) -> int:
    """The version a point stands for. `history` is all that led to the session, its ancestors' part included.

    Raises NotFound, InvalidInput.
    """
    latest = history[-1].version
    match point:
        case None:
            return latest
        case AtVersion(version):
            return _existing(version, session_id, latest)
        case AtTurn(number):
            return _turn_end(number, session_id, history)
        case AtError():
            return _first_error(session_id, history)
        case AtTime(moment):
            return _last_until(moment, session_id, history)


def _existing(version: int, session_id: str, latest: int) -> int:
    if version < 1:
        raise InvalidInput(f"versions begin at 1, so there is no version {version}; write {session_id}@1")
    if version > latest:
        raise NotFound(f"session {session_id} has no version {version}; its latest is {latest}")
    return version


def _turn_end(number: int, session_id: str, history: Sequence[Recorded]) -> int:
    starts = [place for place, record in enumerate(history) if isinstance(record.event, TurnStarted)]
    if not 1 <= number <= len(starts):
        begun = f"write {{turn:1}} to {{turn:{len(starts)}}}" if starts else "no turn has begun"
        raise NotFound(f"session {session_id} has no turn {number}; {begun}")
    following = starts[number] if number < len(starts) else len(history)
    turn = history[starts[number - 1] : following]
    end = turn[-1]
    for record in turn:
        if isinstance(record.event, TurnCompleted | TurnFailed | TurnCancelled):
            end = record
        elif isinstance(record.event, TurnResumed):
            end = turn[-1]
    if end.stream != session_id:
        raise NotFound(
            f"turn {number} of session {session_id} ended before it was forked; write {end.stream}@{end.version}"
        )
    return end.version


def _first_error(session_id: str, history: Sequence[Recorded]) -> int:
    wrong = [record for record in history if _went_wrong(record)]
    own = next((record for record in wrong if record.stream == session_id), None)
    if own is not None:
        return own.version
    if wrong:
        where = f"{wrong[0].stream}@{wrong[0].version}"
        raise NotFound(f"nothing went wrong in session {session_id} since it was forked; before that, {where} did")
    raise NotFound(f"nothing went wrong in session {session_id}; `turnlog log {session_id}` lists its versions")


def _went_wrong(record: Recorded) -> bool:
    event = record.event
    return isinstance(event, TurnFailed | ModelFailed) or (isinstance(event, ToolCallFinished) and event.is_error)


def _last_until(moment: datetime, session_id: str, history: Sequence[Recorded]) -> int:
    own = [record for record in history if record.stream == session_id]
    until = [record.version for record in own if record.event.at <= moment]
    if not until:
        began = own[0].event.at.astimezone(UTC)
        raise NotFound(f"session {session_id} began later, at {began:%Y-%m-%dT%H:%M:%SZ}; write {session_id}@1")
    return until[-1]
