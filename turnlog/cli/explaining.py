"""why: who allowed or denied a call, on what grounds, and where the log says so."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .outcomes import SETTLED
from .output import write, write_document
from .paging import NoPager, paged
from .text import indented, moment, safe_line

if TYPE_CHECKING:
    from turnlog.domain import Evaluation, Finding
    from turnlog.front import Turnlog
    from turnlog.projections import Line, Step
    from turnlog.runtime.explaining.attempts import Doubt
    from turnlog.runtime.explaining.citations import CitedPolicy, CitedRule, Word
    from turnlog.runtime.explaining.why import Why

_TONES = {"allowed": "good", "denied": "bad", "waiting": "ask", "not judged": "quiet"}
_SAID = {"allowed": "good", "denied": "bad", "endorsed": "ask"}
_LABEL = 10  # characters


def why(
    session: Annotated[str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session.")],
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call, or the beginning of its id.")],
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show why a call was allowed or denied, or what it waits for: who said so, by which rules, and where that stands.

    Example: turnlog why 019b8d36 call_5f0c
    """

    async def work(log: "Turnlog") -> None:
        from .records import plain

        handle = await log.open_session(await log.find_session(session))
        found = await handle.why(call)
        if as_json:
            write_document(plain(found))
        else:
            _write(found)

    with paged(off=as_json or no_pager):
        with_log(database, work)


def _write(found: "Why") -> None:
    write((found.verdict, _TONES[found.verdict]), "  ", (_apart(found.tool, found.shown), "title"))
    write((f"{found.call_id}  {found.status}  turn {found.turn_id}", "quiet"))
    write(indented(found.arguments))
    if found.amended_by is not None:
        write((f"    changed by {safe_line(found.amended_by)}", "quiet"))
    write()
    _fact("because", (safe_line(found.because), _TONES[found.verdict]))
    if found.by is not None:
        _fact("by", safe_line(" ".join(part for part in (found.by, found.source) if part)))
    _fact("recorded", _place(found.cited_by, found.session_id))
    if found.digest is not None:
        _fact("digest", (found.digest, "quiet"))
    for word in found.words:
        _word(word, found.session_id)
    for doubt in found.doubts:
        _doubt(doubt, found.session_id)
    for rule in found.rules:
        _rule(rule, found.session_id)
    for rule_id in found.lost:
        _fact("rule", (f"{safe_line(rule_id)} is not in the log that can be read here", "bad"))
    _policy(found.policy, found.session_id)
    _evaluation(found.evaluation)
    write()
    for step in found.steps:
        _step(step, found.session_id)


def _fact(label: str, *parts: str | tuple[str, str]) -> None:
    write((f"{label:<{_LABEL}}", "quiet"), *parts)


def _more(text: str) -> None:
    """A further line about the fact above."""
    write((f"{'':<{_LABEL}}{text}", "quiet"))


def _apart(*parts: str) -> str:
    """Parts of a line, each safe to show."""
    return "  ".join(safe_line(part) for part in parts)


def _place(place: "Step", session_id: str) -> str:
    """Where an event stands; the session itself need not be named."""
    return f"@{place.version} {place.event}{_of(place.stream, session_id)}"


def _of(stream: str, session_id: str) -> str:
    return "" if stream == session_id else f" of {safe_line(stream)}"


def _word(word: "Word", session_id: str) -> None:
    edited = " other arguments" if word.edited else ""
    _fact(
        "person",
        f"{safe_line(str(word.by))} ",
        (f"{word.said}{edited}", _SAID[word.said]),
        f"  {moment(word.at)}  {_place(word.place, session_id)}",
    )
    if word.reason:
        _more(f"because: {safe_line(word.reason)}")
    shown = "" if word.shown_digest is None else f"  shown sha256 {safe_line(word.shown_digest)}"
    _more(f"in answer to {word.request_id} about {word.asked_about}{shown}")
    if word.remembered is not None:
        _more(f"remembered as {word.remembered} for the {word.scope} scope")


def _doubt(doubt: "Doubt", session_id: str) -> None:
    """An outcome nobody knew, and what was made of it."""
    _fact(
        "outcome",
        (f"unknown, of attempt {doubt.attempt}", "bad"),
        f"  {moment(doubt.since)}  {_place(doubt.lost, session_id)}",
    )
    _more(f"because: {safe_line(doubt.reason)}")
    if doubt.resolution is None or doubt.by is None or doubt.at is None or doubt.settled is None:
        _more("nobody has said what became of it; `turnlog resolve` does")
        return
    who, said = safe_line(str(doubt.by)), SETTLED[doubt.resolution]
    _more(f"{who} says: {said}  {moment(doubt.at)}  {_place(doubt.settled, session_id)}")
    if doubt.because:
        _more(f"because: {safe_line(doubt.because)}")


def _rule(rule: "CitedRule", session_id: str) -> None:
    _fact("rule", _apart(rule.rule_id, rule.scope, f"{rule.effect} {rule.tool}", rule.covers))
    if rule.reason:
        _more(f"because: {safe_line(rule.reason)}")
    of = "" if rule.policy is None else f" with the policy {safe_line(rule.policy)}"
    _more(f"made by {safe_line(str(rule.made_by))}{of}  {moment(rule.made_at)}  {_place(rule.place, session_id)}")
    if rule.uses is not None or rule.expires_at is not None:
        until = "" if rule.expires_at is None else f" until {moment(rule.expires_at)}"
        _more(f"it was to hold{'' if rule.uses is None else f' {rule.uses} times'}{until}")
    if rule.revoked is not None:
        end = rule.revoked
        why_ = f": {safe_line(end.reason)}" if end.reason else ""
        _more(f"revoked by {safe_line(str(end.by))}  {moment(end.at)}  {_place(end.place, session_id)}{why_}")


def _policy(policy: "CitedPolicy | None", session_id: str) -> None:
    if policy is None:
        return
    name = (safe_line(policy.problem), "bad") if policy.name is None else safe_line(policy.name)
    place = "" if policy.place is None else f"  {_place(policy.place, session_id)}"
    _fact("policy", name, (f"  sha256 {safe_line(policy.digest)}{place}", "quiet"))


def _evaluation(evaluation: "Evaluation | None") -> None:
    if evaluation is None:
        return
    _fact("rules say", f"{evaluation.verdict}: {safe_line(evaluation.why)}")
    for words in evaluation.commands or ():
        import shlex

        _fact("command", safe_line(shlex.join(words)))
    for finding in evaluation.findings or ():
        _fact("finding", _finding(finding))


def _finding(finding: "Finding") -> str:
    says = "matches" if finding.refusal is None else f"does not match: {finding.refusal}"
    return _apart(finding.part, f"{finding.rule} {says}" if finding.rule else str(finding.refusal))


def _step(step: "Line", session_id: str) -> None:
    place = f"@{step.version}{_of(step.stream, session_id)}"
    write((f"{place:<{_LABEL}}{moment(step.at)}  ", "quiet"), (step.summary, step.tone))
