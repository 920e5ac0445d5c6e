"""What a tool shows of a call to whoever is asked about it, beside the call itself: never binding, never a fault."""

import asyncio
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Final

from pydantic import JsonValue

from turnlog.domain import Previewed, clean
from turnlog.projections import quoted

from ..environment import Environment
from .looking import Look

_MOST: Final = 16 * 1024  # characters


async def preview_of(env: Environment, look: Look) -> tuple[str, ...]:
    """The lines of the preview, a line that says why there is none, or nothing where the tool has none to give."""
    tool = look.of.tool
    if not isinstance(tool, Previewed):
        return ()
    seconds = env.settings.hook_seconds
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            text = await asyncio.to_thread(_text, tool, deepcopy(dict(look.of.arguments)))
    except Exception as error:  # noqa: BLE001 - whatever a preview raises, the call is shown without it
        failed = f"it took longer than {seconds:g} s" if limit.expired() else f"{type(error).__name__}: {error}"
        return (f"  preview failed: {_line(env.redactor.text(clean(failed))[:_MOST])}",)
    return tuple(_lines(env.redactor.text(clean(text)))) if text else ()


def _text(tool: Previewed, arguments: Mapping[str, JsonValue]) -> str | None:
    return _checked(tool.preview(arguments))


def _checked(text: object) -> str | None:
    """A text or none, whatever the types promised. Raises TypeError."""
    if text is None or isinstance(text, str):
        return text
    raise TypeError(f"it is {type(text).__name__}, not text")


def _lines(text: str) -> Iterator[str]:
    yield "  preview:"
    for line in text[:_MOST].splitlines():
        yield f"  | {_line(line)}"
    if len(text) > _MOST:
        yield f"  | … and {len(text) - _MOST:,} characters more"


def _line(text: str) -> str:
    """A line as it is, or where something in it cannot be seen, as JSON that shows it."""
    return text if text.isprintable() and text.isascii() else quoted(text)
