"""Addresses of a session at a point in time, in git's grammar: `ID`, `ID@42`, `ID@{turn:3}`, `ID@{error}`, `A..B`.

A range is of one session (`ID@3..7`) or of two (`A@3..B@7`, or `A..B` as they stand now).

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
RANGES = "ID@3..7, ID 3..7 or A@3..B@7; {turn:2}, {error} and {2026-11-22T09:00} are points, too"

_VERSION = re.compile(r"[0-9]{1,18}")
_TURN = re.compile(r"turn:([0-9]{1,18})")
_SHORTEST_ID = 8
"""A word of fewer digits is a version."""


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
At = int | datetime | str | Point | None
"""A point as callers give it: a version, a time, `{turn:3}` and the like, or None for now."""


@dataclass(frozen=True, slots=True)
class Address:
    """A session, by its id or the beginning of it, and a point in its life (None: now)."""

    session: str
    point: Point | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """From one point to another (None: now): of the same session, or of an `other`."""

    session: str
    start: Point | None
    end: Point | None
    other: str | None = None

    @property
    def ends(self) -> tuple[Address, Address]:
        """Both ends as addresses."""
        return Address(self.session, self.start), Address(self.other or self.session, self.end)


def parse_address(text: str) -> Address:
    """Read an address. Raises InvalidInput."""
    session, at, point = text.partition("@")
    if not session or (at and not point):
        raise InvalidInput(f"{text!r} is no address; write {FORMS}")
    if ".." in point:
        raise InvalidInput(f"{text!r} is a range, and one point in time is needed here; write {FORMS}")
    return Address(session, parse_point(point) if at else None)


def parse_range(text: str, points: str | None = None) -> Range:
    """Read a range, in one word (`ID@A..B`) or in two (`ID`, `A..B`; or two addresses). Raises InvalidInput."""
    if points is None:
        session, at, inside = text.partition("@")
        first, dots, last = inside.partition("..") if at and ".." not in session else ("", "", "")
        if not at or not dots:
            return _of_two_sessions(text, *text.partition("..")[::2])
        return _range(text, session, first, last)
    if ".." not in points:
        return _of_two_sessions(f"{text} {points}", text, points)
    if "@" in text:
        raise InvalidInput(f"{text!r} names a point already; write {RANGES}")
    return _range(f"{text} {points}", text, *points.partition("..")[::2])


def _range(written: str, session: str, first: str, last: str) -> Range:
    """A range whose second end is another session's where it names one."""
    if not session or not (first or last):
        raise InvalidInput(f"{written!r} is no range; write {RANGES}")
    start = parse_point(first.removeprefix("@")) if first else AtVersion(1)
    if last.find("@") > 0:
        end = parse_address(last)
        return Range(session, start, end.point, end.session)
    return Range(session, start, parse_point(last.removeprefix("@")) if last else None)


def _of_two_sessions(written: str, first: str, last: str) -> Range:
    if not first or not last or (_VERSION.fullmatch(last) and len(last) < _SHORTEST_ID):
        raise InvalidInput(f"{written!r} is no range; write {RANGES}")
    start, end = parse_address(first), parse_address(last)
    return Range(start.session, start.point, end.point, end.session)


def point_of(at: At, session_id: str) -> Point | None:
    """The point a caller means, in a session. Raises InvalidInput."""
    match at:
        case int():
            return AtVersion(at)
        case datetime():
            return AtTime(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
        case str():
            named, _, point = at.rpartition("@")
            if not session_id.startswith(named):
                raise InvalidInput(f"{at!r} is a point of another session than {session_id}; write @{point}")
            return parse_point(point)
        case _:
            return at


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


def until(history: Sequence[Recorded], session_id: str, point: Point | None) -> Sequence[Recorded]:
    """What led to a point of a session, of all that led to the session as it stands. Raises NotFound, InvalidInput."""
    return history[: len(history) - (history[-1].version - version_at(point, session_id, history))]


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
