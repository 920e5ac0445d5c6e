"""Asking the person at the terminal for permission."""

import asyncio
import sys
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from turnlog.runtime import PermissionDecision, PermissionRequest, allow, deny

from .output import note
from .text import indented, safe_line

if TYPE_CHECKING:
    from turnlog.runtime.approvals import Approvals

    from .options import ApprovalsMode

_ANSWERS: Mapping[str, PermissionDecision] = MappingProxyType(
    {
        "y": allow(),
        "s": allow(remember="session"),
        "p": allow(remember="project"),
        "g": allow(remember="global"),
    }
)
_CHOICES = {"y": "once", "s": "for this session", "p": "for the project", "g": "everywhere", "n": "no"}
_WORDS = ("yes", "no")


class Shown:
    """The questions that the reader of the log has come to: nobody is asked in the middle of a sentence."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._more = asyncio.Event()

    def add(self, request_id: str) -> None:
        """Everything up to this question has been shown."""
        self._ids.add(request_id)
        self._more.set()

    async def wait(self, request_id: str) -> None:
        """Return once that is so."""
        while request_id not in self._ids:
            self._more.clear()
            await self._more.wait()


class Terminal:
    """Lines from stdin, read beside the event loop so that Ctrl-C and answers from elsewhere are never kept waiting."""

    def __init__(self, shown: Shown, *, has_project: bool) -> None:
        self._shown = shown
        self._choices = {key: what for key, what in _CHOICES.items() if key != "p" or has_project}
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._started = False

    async def ask(self, request: PermissionRequest) -> PermissionDecision:
        """Show the whole call and take the person's answer to it."""
        await self._shown.wait(request.request_id)
        self._forget_what_was_typed()
        note(("permission needed: ", "ask"), safe_line(request.tool))
        note(indented(request.display))
        offered = "  ".join(f"[{key}] {what}" for key, what in self._choices.items())
        while True:
            answer = await self._line(f"allow? {offered}: ")
            if answer is None:
                return deny("no answer: the input ended")
            choice = answer.lower()[:1] if answer.lower() in _WORDS else answer.lower()
            if choice == "n":
                return deny(await self._line("why not? (told to the model, may be empty): ") or "")
            if choice in self._choices:
                return _ANSWERS[choice]

    def _forget_what_was_typed(self) -> None:
        """An answer typed before the question was shown is no answer to it."""
        while not self._lines.empty():
            self._lines.get_nowait()

    async def _line(self, prompt: str) -> str | None:
        """The next line, without the space around it; None at the end of input."""
        if not self._started:
            self._started = True
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        sys.stderr.write(prompt)
        sys.stderr.flush()
        try:
            line = await self._lines.get()
        except asyncio.CancelledError:  # answered elsewhere, or Ctrl-C: what follows begins a line of its own
            note()
            raise
        if line is None:
            self._lines.put_nowait(None)
            return None
        return line.strip()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            line = sys.stdin.readline()
            try:
                loop.call_soon_threadsafe(self._lines.put_nowait, line or None)
            except RuntimeError:  # the loop is closed, nobody asks any more
                return
            if not line:
                return


async def _refuse(request: PermissionRequest) -> PermissionDecision:
    return deny("nobody is there to ask")


def approvals(mode: "ApprovalsMode", shown: Shown, *, has_project: bool) -> "Approvals":
    """What a turn does when a person has to answer."""
    match mode:
        case "ask":
            return Terminal(shown, has_project=has_project).ask
        case "deny":
            return _refuse
        case _:
            return mode


def mode_here(wanted: "ApprovalsMode | None", *, as_json: bool) -> "ApprovalsMode":
    """What was wanted, or else to ask where a person sits at both ends."""
    if wanted is not None:
        return wanted
    return "ask" if sys.stdin.isatty() and sys.stdout.isatty() and not as_json else "suspend"
