"""From what the rules say of a call to what becomes of it; the order of precedence is the domain's (`decide`)."""

from dataclasses import replace
from functools import partial
from typing import Literal

from turnlog.domain import (
    AuthorizedBy,
    Call,
    Change,
    Considered,
    DeniedBy,
    Evaluation,
    Event,
    Rule,
    RuleBook,
    RuleUsed,
    Session,
    Verdict,
    WithinLog,
    book_stream,
    commands,
    decide,
    in_force,
)

from ..hooks import Allow, Ask, Deny, ProposedCall
from ..own_names import OWN_TOOLS
from ..worker import Worker
from .authorizing import Opinion, opinion_of
from .looking import Look
from .questions import ask_person
from .verdicts import authorize, deny, envelope_of, policy_stamp


async def decide_call(worker: Worker, call: Call, look: Look) -> None:
    """Decide on a call that nobody has decided on. Raises StoreError."""
    said, policy = look.evaluation, look.policy.policy
    opinion = Opinion(Ask()) if said.verdict == "deny" else await _opinion(worker, call, look)
    match decide(policy, _considered(call, look, opinion.verdict)):
        case "deny", "rules":
            deny(worker, call, denial_by_rules(look))
        case "deny", "authorizer" if isinstance(opinion.verdict, Deny):
            _deny(worker, call, look, "authorizer", opinion.verdict.reason)
        case "deny", _:
            _deny(worker, call, look, "policy", f"the policy {policy.name} denies what no rule allows")
        case ("prompt", _) | (_, "two_persons"):
            await ask_person(worker, call, look)
        case _, "rules":
            await _allow_by_rules(worker, call, look)
        case _, ("authorizer" | "read_only" | "policy") as by:
            _allow(worker, call, look, by)


def still_stands(call: Call, look: Look) -> bool:
    """Whether what a call was authorised by, if that was no person or authorizer, would authorise it now."""
    if call.by in ("person", "authorizer"):
        return True
    return decide(look.policy.policy, _considered(call, look, Ask())).verdict == "allow"


def _considered(call: Call, look: Look, word: Allow | Deny | Ask) -> Considered:
    heard: Verdict | None = "deny" if isinstance(word, Deny) else "allow" if isinstance(word, Allow) else None
    tool = look.of.tool
    own, within_log = call.tool in OWN_TOOLS, isinstance(tool, WithinLog) and tool.within_log
    return Considered(call.tool, look.evaluation, tool.spec.read_only, own, heard, within_log)


def denial_by_rules(look: Look) -> commands.tools.Denial:
    """The denial of a call that the rules deny."""
    by, source = _by(look)
    return commands.tools.Denial(by, _because(look), source, look.evaluation, look.policy.digest)


def _by(look: Look) -> tuple[DeniedBy, str | None]:
    """Who decided: remembered rules, or those of the policy; and the first of them."""
    source = look.evaluation.rules[0] if look.evaluation.rules else None
    remembered = {rule.rule_id for rule in look.rules}
    return ("rule" if remembered.intersection(look.evaluation.rules) else "policy"), source


def _because(look: Look) -> str:
    cited = {rule.rule_id: rule.reason for rule in look.rules} | {
        str(rule.id): rule.reason for rule in look.policy.policy.rules
    }
    reason = next((cited[rule_id] for rule_id in look.evaluation.rules if cited.get(rule_id)), "")
    kind = "a remembered rule" if _by(look)[0] == "rule" else f"the policy {look.policy.policy.name}"
    return f"denied by {kind}{f': {reason}' if reason else ''} (asking again will not change it)"


async def _opinion(worker: Worker, call: Call, look: Look) -> Opinion:
    """What the authorizer says; it is not bothered with what turnlog does for itself."""
    turn = worker.session.turn
    if turn is None or worker.env.authorizer is None or call.tool in OWN_TOOLS:
        return Opinion(Ask())
    proposed = ProposedCall(
        session_id=worker.session.id,
        turn_id=turn.turn_id,
        call_id=call.call_id,
        tool=look.of.tool.spec,
        arguments=dict(look.of.arguments),
        workspace=look.of.workspace,
    )
    await worker.flush()  # it may take its time, and what is decided by now would be lost with this process
    opinion = await worker.during(opinion_of(worker.env, proposed))
    if opinion.failure is not None:
        worker.decide(partial(commands.sessions.notice, by=worker.stamp(), message=opinion.failure))
    return opinion


def _name_of(worker: Worker, look: Look, by: str) -> str | None:
    """What decided, by name: the authorizer, or the policy; reading needs nobody's word."""
    if by == "authorizer" and worker.env.authorizer is not None:
        return worker.env.authorizer.name
    return look.policy.policy.name if by == "policy" else None


def _deny(worker: Worker, call: Call, look: Look, by: Literal["authorizer", "policy"], reason: str) -> None:
    name = _name_of(worker, look, by)
    deny(worker, call, commands.tools.Denial(by, reason, name, look.evaluation, look.policy.digest))


def _grant(worker: Worker, call: Call, look: Look, by: AuthorizedBy, source: str | None) -> commands.tools.Grant:
    digest = envelope_of(worker, call, look, call.attempt + 1).digest
    return commands.tools.Grant(digest, by, source, _worth_recording(look.evaluation, by), look.policy.digest)


def _worth_recording(said: Evaluation, by: AuthorizedBy) -> Evaluation | None:
    """Nothing is recorded of reading that no rule speaks of, which is most of what is done."""
    return None if by == "read_only" and not said.rules else said


def _allow(worker: Worker, call: Call, look: Look, by: Literal["authorizer", "read_only", "policy"]) -> None:
    authorize(worker, call, _grant(worker, call, look, by, _name_of(worker, look, by)))


async def _allow_by_rules(worker: Worker, call: Call, look: Look) -> None:
    by, source = _by(look)
    remembered = by == "rule"
    grant = _grant(worker, call, look, "rule" if remembered else "policy", source)
    used = [rule for rule in look.rules if rule.rule_id in look.evaluation.rules and rule.uses is not None]
    if used:
        await _use(worker, call, grant, used)
    else:
        authorize(worker, call, grant)


async def _use(worker: Worker, call: Call, grant: commands.tools.Grant, used: list[Rule]) -> None:
    """Let a call run and count that, in one transaction; where somebody was faster, the call is judged again.

    Raises SessionLost, StoreError.
    """
    env, session_id = worker.env, worker.session.id
    counted = replace(grant, uses=tuple((rule.rule_id, rule.scope) for rule in used), process=env.worker)
    await worker.flush()
    books: dict[str, RuleBook] = {}
    for rule in used:
        if rule.scope != "session":
            stream = book_stream(rule.scope, session_id, worker.session.project, env.worker)
            books[stream] = await env.books.read(stream)
    rules = (*worker.session.rules, *(rule for book in books.values() for rule in book.rules))
    standing = {rule.rule_id for rule in in_force(rules, env.now())}
    if any(rule.rule_id not in standing for rule in used):
        return  # used up or revoked in the meantime: what the rules say now is looked at again
    by, epoch = policy_stamp(worker), worker.epoch

    def decided(session: Session) -> tuple[Event, ...]:
        return commands.tools.authorize(session, by, epoch, call.call_id, counted)

    beside = [event for event in decided(worker.session) if not _is_own(event)]
    worker.decide(lambda session: tuple(event for event in decided(session) if _is_own(event)))
    await worker.flush_with([_change(stream, book, beside) for stream, book in books.items()])


def _change(stream: str, book: RuleBook, uses: list[Event]) -> Change:
    """The uses of the rules of one book."""
    own = tuple(event for event in uses if isinstance(event, RuleUsed) and book.find(event.rule_id) is not None)
    return Change(stream, book.version, own)


def _is_own(event: Event) -> bool:
    """Whether an event belongs to the session's stream."""
    return not isinstance(event, RuleUsed) or event.scope == "session"
