"""What people type as words: how long, when, and JSON."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import JsonValue

    from turnlog.front import Turnlog

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")


def duration(text: str, option: str) -> timedelta:
    """A number of seconds, minutes, hours, days or weeks. Raises typer.BadParameter."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 30m, 2h or 7d", param_hint=option)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def json_object(text: str, option: str) -> "Mapping[str, JsonValue]":
    """A JSON object in which nothing can be read in two ways. Raises typer.BadParameter."""
    from turnlog.runtime.turns.arguments import InvalidArguments, parse_object

    from .text import safe_line

    if not text.strip():
        raise typer.BadParameter("there is no JSON in it", param_hint=option)
    try:
        return parse_object(text)
    except InvalidArguments as problem:
        raise typer.BadParameter(safe_line(str(problem)), param_hint=option) from problem


async def when(log: "Turnlog", text: str, session_id: str | None) -> int | datetime:
    """A version of a session, or a time; everything that may stand behind an @. Raises InvalidInput, NotFound."""
    from turnlog.domain import InvalidInput
    from turnlog.runtime.time_travel.addresses import AtTime, AtVersion, parse_point, version_at

    point = parse_point(text if text.isdigit() or text.startswith("{") else f"{{{text}}}")
    match point:
        case AtTime(moment):
            return moment
        case AtVersion(version) if session_id is None:
            raise InvalidInput(f"version {version} of what? name the session with --session, or give a time")
        case _ if session_id is None:
            raise InvalidInput(f"{text} of what? name the session with --session, or give a time")
        case _:
            return version_at(point, session_id, (await log.show(session_id)).history)
