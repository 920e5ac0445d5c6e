"""Asking the person at the terminal for permission."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from turnlog.domain import (
    Actor,
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionEndorsed,
    PermissionRequested,
    Scope,
)
from turnlog.runtime import PermissionDecision, PermissionRequest, SessionHandle, allow, deny

from .lines import Lines
from .output import note
from .questions import number_word, whose
from .text import count, indented, safe_line

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import Approvals

    from .options import ApprovalsMode

_SCOPES: Mapping[str, Scope] = MappingProxyType({"r": "process", "s": "session", "p": "project", "g": "global"})
_CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "y": "once",
        "r": "for this run",
        "s": "for this session",
        "p": "for the project",
        "g": "everywhere",
        "e": "edit",
        "n": "no",
    }
)
_REMEMBERED = re.compile(r"([rspg])([1-9][0-9]?)?")
_WORDS = ("yes", "no", "edit")


class Shown:
    """The questions that the reader of the log has come to: nobody is asked in the middle of a sentence."""

    def __init__(self) -> None:
        self._asked: dict[str, PermissionRequested] = {}
        self._agreed: dict[str, list[Actor]] = {}
        self._more = asyncio.Event()

    def add(self, event: PermissionRequested | PermissionEndorsed) -> None:
        """Everything up to this has been shown."""
        if isinstance(event, PermissionEndorsed):
            self._agreed.setdefault(event.request_id, []).append(event.actor)
            return
        self._asked[event.request_id] = event
        self._more.set()

    async def wait(self, request_id: str) -> PermissionRequested:
        """The question, once everything up to it has been shown."""
        while request_id not in self._asked:
            self._more.clear()
            await self._more.wait()
        return self._asked[request_id]

    def agreed(self, request_id: str) -> tuple[Actor, ...]:
        """Who said yes, where others have to agree."""
        return tuple(self._agreed.get(request_id, ()))


class Asker:
    """Asks for permission on this terminal, and answers as anybody elsewhere would: what is refused is told."""

    def __init__(self, log: "Turnlog", session: SessionHandle, shown: Shown, *, has_project: bool) -> None:
        self._log = log
        self._session = session
        self._shown = shown
        self._has_project = has_project
        self._lines = Lines()
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, request: PermissionRequest) -> PermissionDecision:
        """Show the whole call and see to an answer. Returns only where the input ended, and then no."""
        async with self._one_at_a_time:  # subagents that work side by side ask when they want
            answered = await self._answered(request)
        if answered:
            await _until_cancelled()
        return deny("no answer: the input ended")

    async def _answered(self, request: PermissionRequest) -> bool:
        """See to an answer that counts; false where the input ended."""
        shown = await self._shown_for(request)
        asked = await shown.wait(request.request_id)
        self._lines.forget()
        choices, session = self._choices(request, asked), await self._log.open_session(request.session_id)
        self._show(request, asked, shown.agreed(request.request_id), choices)
        while (decision := await self._decision(request, choices)) is not None:
            agreed = len(shown.agreed(request.request_id)) + 1
            try:
                outcome = await session.resolve_permission(request.request_id, decision)
            except (CommandRefused, InvalidInput, NotFound) as error:
                note((safe_line(error.message), "bad"))
                continue
            if outcome == "endorsed":
                said = f"{number_word(agreed)} yes of {number_word(asked.persons or 1)}"
                note((f"{said}; waiting for another person to agree", "ask"))
            return True
        return False

    async def _shown_for(self, request: PermissionRequest) -> Shown:
        """What is known of the question: of a subagent's nothing else is shown, so that nothing comes before it."""
        if request.session_id == self._session.id:
            return self._shown
        of_subagent = Shown()
        for record in (await self._log.show(request.session_id)).history:
            if isinstance(record.event, PermissionRequested | PermissionEndorsed):
                of_subagent.add(record.event)
        return of_subagent

    def _choices(self, request: PermissionRequest, asked: PermissionRequested) -> Mapping[str, str]:
        """What may be answered: a yes that others have to second, or of which too little is known, is for one call."""
        left_out: set[str] = set()
        if asked.persons or asked.unbound:
            left_out |= set(_SCOPES)
        if asked.persons or len(request.calls) > 1:
            left_out.add("e")
        if asked.process != self._log.process:  # another one asked, which may be gone, and rules of a run are its own
            left_out.add("r")
        if not self._has_project:
            left_out.add("p")
        return {key: what for key, what in _CHOICES.items() if key not in left_out}

    def _show(
        self,
        request: PermissionRequest,
        asked: PermissionRequested,
        endorsed_by: Sequence[Actor],
        choices: Mapping[str, str],
    ) -> None:
        note(("permission needed: ", "ask"), f"{safe_line(request.tool)}{whose(request.agent)}")
        note(indented(request.display))
        if request.why:
            note((f"why: {safe_line(request.why)}", "quiet"))
        if len(request.calls) > 1:
            note(f"the answer is for {count(len(request.calls), 'identical call')}")
        if asked.persons:
            agreed = "".join(f"; {safe_line(str(who))} said yes" for who in endorsed_by)
            note(f"{number_word(asked.persons)} persons have to agree{agreed}")
        if asked.barred is not None:
            note(f"{safe_line(str(asked.barred))} began this turn and cannot answer")
        if request.proposals and "s" in choices:
            note(("instead of this exact call may be remembered, as in s1:", "quiet"))
            for number, proposal in enumerate(request.proposals, 1):
                note((f"  {number}  {safe_line(proposal.shown)}", "quiet"))

    async def _decision(self, request: PermissionRequest, choices: Mapping[str, str]) -> PermissionDecision | None:
        """What the person answers, asked again until it is an answer; None at the end of input."""
        offered = "  ".join(f"[{key}] {what}" for key, what in choices.items())
        while (typed := await self._lines.next(f"allow? {offered}: ")) is not None:
            answer = typed.lower()[:1] if typed.lower() in _WORDS else typed.lower()
            if answer[:1] not in choices:
                continue
            if answer == "y":
                return allow()
            if answer == "n":
                return deny(await self._lines.next("why not? (told to the model, may be empty): ") or "")
            decision = await self._edited(request) if answer == "e" else _remembering(request, answer)
            if decision is not None:
                return decision
        return None

    async def _edited(self, request: PermissionRequest) -> PermissionDecision | None:
        """Yes to other arguments; None where they stay as they are."""
        from .editing import edited

        try:
            arguments = await edited(await self._arguments(request), self._lines)
        except InvalidInput as problem:
            note((safe_line(problem.message), "bad"))
            return None
        if arguments is None:
            note("the arguments stay as they are")
            return None
        return allow(arguments=arguments)

    async def _arguments(self, request: PermissionRequest) -> str:
        session = await self._log.open_session(request.session_id)
        for item in reversed(await session.replay()):
            if item.kind == "tool_used" and item.call_id == request.call_id:
                return await self._log.text(item.arguments)
        raise InvalidInput(f"the arguments of call {request.call_id} are not in the log")


def _remembering(request: PermissionRequest, answer: str) -> PermissionDecision | None:
    """Yes, and a rule: a letter for how far it reaches, perhaps the number of a proposal; None for anything else."""
    found = _REMEMBERED.fullmatch(answer)
    if found is None:
        return None
    number = int(found[2]) if found[2] else None
    if number is not None and number > len(request.proposals):
        note(f"there is no rule {number} to remember")
        return None
    return allow(remember=_SCOPES[found[1]], proposal=number)


async def _until_cancelled() -> NoReturn:
    """Wait for the turn to see the answer in the log, which ends the question."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody completes that")


async def _refuse(request: PermissionRequest) -> PermissionDecision:
    return deny("nobody is there to ask")


def approvals(
    mode: "ApprovalsMode", log: "Turnlog", session: SessionHandle, shown: Shown, *, has_project: bool
) -> "Approvals":
    """What a turn does when a person has to answer."""
    match mode:
        case "ask":
            return Asker(log, session, shown, has_project=has_project).ask
        case "deny":
            return _refuse
        case _:
            return mode


def mode_here(wanted: "ApprovalsMode | None", *, as_json: bool) -> "ApprovalsMode":
    """What was wanted, or else to ask where a person sits at both ends."""
    if wanted is not None:
        return wanted
    return "ask" if sys.stdin.isatty() and sys.stdout.isatty() and not as_json else "suspend"
