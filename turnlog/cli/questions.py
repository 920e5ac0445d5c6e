"""Questions to people, as they are shown: what would run, why it is asked, who may answer, what may be remembered."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .output import write
from .text import count, indented, moment, safe_line

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.projections import Approval
    from turnlog.runtime.explaining.whatif import BlastRadius

_NUMBERS = ("no", "one", "two", "three", "four")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is shown. `text` is the call; where not all of it can be shown, `lost` says why."""

    approval: "Approval"
    text: str
    lost: str | None = None


async def question_of(log: "Turnlog", approval: "Approval") -> Question:
    """The question with what there is of its text. Raises StoreError where the database is away."""
    from turnlog.domain import BlobDamaged, BlobMissing, text_of

    try:
        return Question(approval, await log.text(approval.display))
    except (BlobMissing, BlobDamaged) as error:
        return Question(approval, text_of(approval.display), error.message)


def document(question: Question) -> dict[str, object]:
    """The question as a JSON document."""
    approval = question.approval
    return {
        "request": approval.request_id,
        "session": approval.session_id,
        "turn": approval.turn_id,
        "call": approval.call_id,
        "tool": approval.tool,
        "agent": approval.agent,
        "display": question.text if question.lost is None else f"{question.text}\n[{question.lost}]",
        "whole": question.lost is None,
        "digest": approval.digest,
        "asked_at": approval.asked_at.isoformat(),
        "expires_at": approval.expires_at.isoformat(),
        "calls": list(approval.calls),
        "why": why(approval),
        "persons": approval.persons,
        "endorsed_by": [str(person) for person in approval.endorsed_by],
        "barred": None if approval.barred is None else str(approval.barred),
        "proposals": [
            {"number": number, "shown": proposal.shown, "matcher": proposal.matcher.model_dump(mode="json")}
            for number, proposal in enumerate(approval.proposals, 1)
        ],
    }


def show(question: Question) -> None:
    """Show a question among others."""
    approval = question.approval
    write(
        (approval.request_id, "ask"),
        f"  {safe_line(approval.tool)}{whose(approval.agent)}  session {approval.session_id}",
    )
    write((f"asked {moment(approval.asked_at)}, expires {moment(approval.expires_at)}", "quiet"))
    write(indented(question.text))
    if question.lost is not None:
        write((f"this is not all of it: {safe_line(question.lost)}", "bad"))
    if approval.endorsed_by:
        write((_who(approval), "ask"))


def show_in_full(question: Question, radius: "BlastRadius") -> None:
    """Show everything about a question; `radius` is of the exact call, then of each proposal."""
    approval = question.approval
    show(question)
    if question.lost is not None:
        write(("it cannot be approved as long as it cannot be shown whole", "bad"))
    if said := why(approval):
        write(f"why it is asked: {safe_line(said)}")
    write(f"who may answer:  {_who(approval)}")
    if len(approval.calls) > 1:
        write(f"what it settles: {count(len(approval.calls), 'identical call')}")
    if approval.persons > 1 or approval.unbound:
        why_not = "that takes a yes of one person" if approval.persons > 1 else safe_line("; ".join(approval.unbound))
        write(f"what may be remembered: nothing but a no ({why_not})")
    else:
        _remembered(approval, radius)


def whose(agent: str | None) -> str:
    """For which subagent it is asked, where it is one."""
    return "" if agent is None else f"  for {safe_line(agent)}"


def why(approval: "Approval") -> str:
    """Why a person is asked; nothing in logs that do not say so."""
    return approval.evaluation.why if approval.evaluation else ""


def remembered(approval: "Approval", number: int | None, *, allowed: bool) -> str:
    """What an answer with the proposal of this number (None: the exact call) is remembered for, in safe words."""
    import shlex

    from turnlog.domain import ArgvPrefix

    if number is None:
        return "the exact call"
    proposal = approval.proposals[number - 1]
    if not allowed and isinstance(proposal.matcher, ArgvPrefix):
        return f"whatever begins with {safe_line(shlex.join(proposal.matcher.argv_prefix))}"
    return safe_line(proposal.shown)


def number_word(number: int) -> str:
    """A small number as a word."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _who(approval: "Approval") -> str:
    persons = "anybody" if approval.persons == 1 else f"{number_word(approval.persons)} persons who agree"
    barred = "" if approval.barred is None else f", but not {safe_line(str(approval.barred))}, who began the turn"
    agreed = ", ".join(safe_line(str(person)) for person in approval.endorsed_by)
    return f"{persons}{barred}{f'; {agreed} said yes, another person has to agree' if agreed else ''}"


def _remembered(approval: "Approval", radius: "BlastRadius") -> None:
    write("what may be remembered, with --remember process, session, project or global:")
    of = f"of {count(radius.calls, 'recorded call')}{'' if radius.complete else ', the latest ones'}"
    for number, matched in enumerate(radius.covered):
        option = f"--rule {number}" if number else ""
        text = remembered(approval, number or None, allowed=True)
        write(f"    {option:<8}  {text}  ", (f"(covers {matched} {of})", "quiet"))
