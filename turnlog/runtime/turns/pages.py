"""Tool results cut to what a model can use; the whole is kept, and what was cut is said."""

from dataclasses import dataclass
from io import StringIO
from itertools import islice

from turnlog.domain import (
    READ_TOOL_RESULT,
    BlobRef,
    Call,
    ImageBlock,
    ResultContent,
    TextBlock,
    ToolOutput,
    clean,
)

from ..worker import Worker


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """What a tool returned as an event may hold it; `full` is the whole text where `content` was cut."""

    content: tuple[ResultContent, ...]
    full: BlobRef | None


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a text and a character of that line, both counted from 1."""

    line: int = 1
    character: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a text, and where the next begins; None where there is no more."""

    text: str
    following: Place | None


START = Place()


async def stored_output(worker: Worker, call: Call, output: ToolOutput) -> StoredOutput:
    """Cut a tool's text to the bounds of the settings and keep what is large apart. Raises StoreError."""
    env = worker.env
    text = clean("\n".join(part for part in output.content if isinstance(part, str)))
    images = [
        ImageBlock(image=await env.bodies.keep_image(part.data, part.media_type))
        for part in output.content
        if not isinstance(part, str)
    ]
    page = page_of(text, START, env.settings.result_lines, env.settings.result_bytes)
    shown, full = text, None
    if page.following is not None and call.tool != READ_TOOL_RESULT:
        full = await env.blobs.put(text.encode(), "text/plain; charset=utf-8")
        shown = (
            f"{with_line_end(page.text)}[{_notice(page, page.following, text)}{_advice(worker, call, page.following)}]"
        )
    content = [TextBlock(text=await env.bodies.keep(shown))] if shown or not images else []
    return StoredOutput((*content, *images), full)


def page_of(text: str, start: Place, lines: int, size: int) -> Page:
    """Whole lines from a place on, within both bounds (`size` in bytes); a line longer than that is itself cut.

    Lines end with a line feed and nothing else.
    """
    kept: list[str] = []
    used, skipped = 0, start.character - 1
    for line in islice(StringIO(text, newline="\n"), start.line - 1, start.line - 1 + max(lines, 1)):
        rest = line if kept else line[skipped:]
        used += len(rest.encode())
        if used <= size:
            kept.append(rest)
        elif kept:
            break
        else:
            piece = rest.encode()[: max(size, 1)].decode(errors="ignore") or rest[:1]
            return Page(piece, Place(start.line, start.character + len(piece)))
    following = start.line + len(kept)
    return Page("".join(kept), Place(following) if following <= count_lines(text) else None)


def count_lines(text: str) -> int:
    """How many lines a text has, an unfinished last one included."""
    return text.count("\n") + (1 if text and not text.endswith("\n") else 0)


def with_line_end(text: str) -> str:
    """The text with its last line finished."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _notice(page: Page, following: Place, text: str) -> str:
    whole = following.line - 1
    lines = f"{whole:,}" if whole else "part of the first"
    return f"cut: {lines} of {count_lines(text):,} lines and {len(page.text):,} of {len(text):,} characters shown"


def _advice(worker: Worker, call: Call, following: Place) -> str:
    """How the model gets at the rest, where the session offers it the means."""
    if READ_TOOL_RESULT not in worker.tools:
        return ""
    within = f" and character {following.character}" if following.character > 1 else ""
    return f'; {READ_TOOL_RESULT} with call_id "{call.call_id}", offset {following.line}{within} shows more'
