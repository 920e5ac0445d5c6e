"""Showing a turn while it runs: the answer on stdout, what the tools do on stderr, or every event as JSON."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from turnlog.domain import (
    CompactionCompleted,
    CompactionFailed,
    CompactionStarted,
    ModelFailed,
    ModelResponded,
    NoticeRaised,
    PermissionEndorsed,
    PermissionRequested,
    PermissionStale,
    ProgressStream,
    Recorded,
    RuleRemembered,
    TextBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    ToolResultsElided,
)
from turnlog.projections import TIMELINE, project
from turnlog.runtime import LiveDelta, LiveProgress, Piece, Reply, SessionHandle

from .asking import Shown
from .output import note, write_json
from .records import event_json
from .text import safe

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.moment import Moment

_NOTED = (
    CompactionStarted,
    CompactionCompleted,
    CompactionFailed,
    ToolResultsElided,
    ModelFailed,
    NoticeRaised,
    PermissionEndorsed,
    PermissionRequested,
    PermissionStale,
    RuleRemembered,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)

_LONGEST_LINE = 4096


class JsonShow:
    """Every event on a line of its own, as it is recorded."""

    async def event(self, record: Recorded) -> None:
        """Show an event."""
        write_json(event_json(record))

    def piece(self, piece: Piece) -> None:
        """Pieces are not events."""


class PeopleShow:
    """The model's words on stdout, piece by piece on a terminal; a line on stderr for each thing that happens.

    Where stderr is a terminal, the lines that tools show while they run are there too.
    """

    def __init__(self, log: "Turnlog", before: "Moment", *, asks: bool) -> None:
        self._log = log
        self._asks = asks
        self._timeline = project(TIMELINE, before.history)
        self._streams = sys.stdout.isatty()
        self._said = ""
        self._shows_tools = sys.stderr.isatty()
        self._unfinished: dict[tuple[str, ProgressStream], str] = {}

    async def event(self, record: Recorded) -> None:
        """Show an event."""
        self._timeline = TIMELINE.fold(self._timeline, record)
        event = record.event
        if isinstance(event, ToolCallFinished | ToolOutcomeUnknown):
            self._finish(event.call_id)
        if isinstance(event, ModelResponded):
            await self._answer(event)
        elif isinstance(event, _NOTED) and not (self._asks and isinstance(event, PermissionRequested)):
            self._end_line()
            line = self._timeline.lines[-1]
            note(("  ", "plain"), (line.summary, line.tone))

    def piece(self, piece: Piece) -> None:
        """Show a piece of an answer while it forms, or of what a tool does."""
        if isinstance(piece, LiveProgress):
            self._tool_shows(piece)
        elif self._streams and piece.delta.kind == "text":
            self._said += piece.delta.text
            _put(safe(piece.delta.text))

    def _tool_shows(self, piece: LiveProgress) -> None:
        """Show the lines that are whole, and the beginning of one that nobody would wait for the end of."""
        if not self._shows_tools:
            return
        key = (piece.call_id, piece.progress.stream)
        *lines, rest = (self._unfinished.pop(key, "") + piece.progress.text).split("\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], ""
        if rest:
            self._unfinished[key] = rest
        self._end_line()
        for line in lines:
            _tool_line(line)

    def _finish(self, call_id: str) -> None:
        """Show what is left of what a call has shown."""
        for key in [key for key in self._unfinished if key[0] == call_id]:
            _tool_line(self._unfinished.pop(key))

    async def _answer(self, event: ModelResponded) -> None:
        texts = [await self._log.readable(block.text) for block in event.blocks if isinstance(block, TextBlock)]
        # Between two texts of one answer there is nothing in the stream of pieces, so neither is there here.
        whole = "".join(texts)
        if whole.startswith(self._said):
            _put(safe(whole[len(self._said) :]))
        else:  # pieces were lost, or are those of an attempt that failed
            self._end_line()
            _put(safe(whole))
        self._said = whole
        self._end_line()

    def _end_line(self) -> None:
        if self._said and not self._said.endswith("\n"):
            _put("\n")
        self._said = ""


Show = JsonShow | PeopleShow


class Watcher:
    """Follows a session up to a version that may be named later."""

    def __init__(self, session: SessionHandle, before: "Moment", show: Show) -> None:
        self._session = session
        self._version = before.session.version
        self._show = show
        self.questions = Shown()
        for record in before.history:
            self._note_question(record)
        self._moved = asyncio.Event()

    async def follow(self) -> None:
        """Show what happens, for ever."""
        async for item in self._session.subscribe(after=self._version):
            if isinstance(item, LiveDelta | LiveProgress):
                self._show.piece(item)
            else:
                await self._show.event(item)
                self._note_question(item)
                self._version = item.version
                self._moved.set()

    def _note_question(self, record: Recorded) -> None:
        if isinstance(record.event, PermissionRequested | PermissionEndorsed):
            self.questions.add(record.event)

    async def reached(self, version: int) -> None:
        """Return once everything up to a version has been shown."""
        while self._version < version:
            self._moved.clear()
            await self._moved.wait()


async def watched(session: SessionHandle, turn: Coroutine[Any, Any, Reply], watcher: Watcher) -> Reply:
    """Run a turn and show it; returns, or raises, when all of it has been shown.

    Where it can no longer be shown, because nobody reads what is written, the turn is cancelled.
    """
    following = asyncio.create_task(watcher.follow())
    running = asyncio.create_task(turn)
    try:
        await asyncio.wait({following, running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await _caught_up(session, watcher, following)
    if following.done() and not following.cancelled():
        following.result()
    return running.result()


async def _caught_up(session: SessionHandle, watcher: Watcher, following: "asyncio.Task[None]") -> None:
    """End the reader once it has shown everything, or cannot."""
    reached = asyncio.create_task(watcher.reached((await session.state()).version))
    await asyncio.wait({reached, following}, return_when=asyncio.FIRST_COMPLETED)
    for task in (reached, following):
        task.cancel()
    await asyncio.gather(reached, following, return_exceptions=True)


def _tool_line(line: str) -> None:
    """A line as a terminal would have left it: what was written over is gone."""
    note(("    ", "plain"), (safe(line.rstrip("\r").rpartition("\r")[2]), "quiet"))


def _put(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
