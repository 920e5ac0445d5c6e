"""Why a call stands as it does, in one sentence that says no more than the log does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from turnlog.domain import (
    AuthorizedBy,
    DeniedBy,
    Evaluation,
    Event,
    ModelResponded,
    PermissionExpired,
    PermissionStale,
    PermissionWithdrawn,
    SessionForked,
    ToolCallDenied,
)

from .citations import Word


@dataclass(frozen=True, slots=True)
class Said:
    """What an event says of a call: the verdict, by whom, and the question it answers."""

    verdict: Literal["allowed", "denied", "waiting", "not judged"]
    by: AuthorizedBy | DeniedBy | None = None
    source: str | None = None
    request_id: str | None = None


def because_of(event: Event, said: Said, tool: str, evaluation: Evaluation | None, words: Sequence[Word]) -> str:
    """The sentence for the event that decides."""
    match said.verdict:
        case "allowed":
            return _allowed(said, tool, evaluation, words)
        case "denied":
            return _denied(event, said, evaluation, words)
        case "waiting":
            return _waiting(evaluation, words)
        case "not judged":
            return _not_judged(event)


def _allowed(said: Said, tool: str, evaluation: Evaluation | None, words: Sequence[Word]) -> str:
    why = "" if evaluation is None else evaluation.why
    match said.by:
        case "read_only":
            return f"{tool} only reads, which needs nobody's word"
        case "rule":
            return _with(f"the rule {said.source} allows it", why)
        case "policy":
            if evaluation is not None and said.source in evaluation.rules:
                return _with(f"the rule {said.source} of the policy allows it", why)
            return _with(f"the policy {said.source} allows what no rule decides", why)
        case "authorizer":
            return _with(f"the authorizer {said.source} allowed it, whom nothing overruled", why)
        case _:
            return _of_persons("allowed", words) or f"a person allowed it in answer to request {said.source}"


def _denied(event: Event, said: Said, evaluation: Evaluation | None, words: Sequence[Word]) -> str:
    told = event.reason if isinstance(event, ToolCallDenied) else ""
    match said.by:
        case "rule":
            return _with(f"the rule {said.source} denies it", evaluation.why if evaluation else told)
        case "policy":
            if evaluation is not None and said.source in evaluation.rules:
                return _with(f"the rule {said.source} of the policy denies it", evaluation.why)
            return told or f"the policy {said.source} denies it"
        case "authorizer" | "hook":
            return _with(f"the {said.by} {said.source} denied it", told)
        case "person":
            return _of_persons("denied", words) or _with("a person denied it", told)
        case "expiry":
            return _with("nobody answered in time", f"request {said.source}" if said.source else "")
        case "invalid":
            return _with("it could not be run as it was written", told)
        case _:
            return _with("the turn ended before it ran", told)


def _waiting(evaluation: Evaluation | None, words: Sequence[Word]) -> str:
    endorsed = ", ".join(str(word.by) for word in words if word.said == "endorsed")
    who = f"{endorsed} allowed it, and others have to agree" if endorsed else "a person has to answer"
    return _with(who, "" if evaluation is None else evaluation.why)


def _not_judged(event: Event) -> str:
    match event:
        case ModelResponded():
            return "nobody has judged it yet"
        case PermissionStale():
            return f"what was authorised is not what would run ({', '.join(event.changed)}), so it is judged again"
        case PermissionExpired():
            return "the question or its answer grew too old, so it is judged again"
        case PermissionWithdrawn():
            return _with("the question about it was taken back", event.reason)
        case SessionForked():
            return f"this session was forked off {event.parent} before anybody decided; that goes on only there"
        case _:
            return f"the turn ended before anybody decided ({type(event).__name__})"


def _of_persons(outcome: Literal["allowed", "denied"], words: Sequence[Word]) -> str:
    """Who said it, and what the last of them said; empty where nobody's word is in the log."""
    agreeing = ("allowed", "endorsed") if outcome == "allowed" else ("denied",)
    those = [word for word in words if word.said in agreeing]
    if not those:
        return ""
    edited = " with other arguments" if those[-1].edited else ""
    return _with(f"{' and '.join(str(word.by) for word in those)} {outcome} it{edited}", those[-1].reason)


def _with(sentence: str, detail: str) -> str:
    return f"{sentence}: {detail}" if detail else sentence
