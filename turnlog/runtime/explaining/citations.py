"""What an explanation cites, found again in the log: rules and who made them, policies, and what persons said."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from turnlog.domain import (
    GLOBAL_BOOK,
    Actor,
    BlobDamaged,
    BlobMissing,
    Body,
    CorruptRecord,
    LeaseTaken,
    PermissionEndorsed,
    PermissionRequested,
    PermissionResolved,
    Recorded,
    RuleEffect,
    RuleRemembered,
    RuleRevoked,
    Scope,
    Session,
    SessionConfigured,
    SessionForked,
    SessionStarted,
    process_book,
    project_book,
)
from turnlog.projections import Step, covers

from ..environment import Environment
from ..permissions.policies import PolicyInForce, policy_of


@dataclass(frozen=True, slots=True)
class Revocation:
    """Who took a rule out of force, when and why; `place` is the event that says so."""

    by: Actor
    at: datetime
    reason: str
    place: Step


@dataclass(frozen=True, slots=True)
class CitedRule:
    """A rule as it was made, by `made_by` in the event at `place`; a policy's rule was made with the policy.

    `covers` says what it is about. `request_id` is the question it was an answer to; `revoked` says that it no longer
    holds, which changes nothing about what was decided by it.
    """

    rule_id: str
    scope: Scope | Literal["policy"]
    effect: RuleEffect
    tool: str
    covers: str
    reason: str
    made_by: Actor
    made_at: datetime
    place: Step
    expires_at: datetime | None = None
    uses: int | None = None
    policy: str | None = None
    request_id: str | None = None
    revoked: Revocation | None = None


@dataclass(frozen=True, slots=True)
class CitedPolicy:
    """The policy a call was judged by: its digest as it was recorded with the verdict.

    `place` is the event that set it; None for the standard policy, which no event has to name. Where no policy in the
    log has this digest, or it cannot be read, `name` is None and `problem` says so.
    """

    digest: str
    name: str | None = None
    place: Step | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said. `asked_about` is the call they were shown, and `shown_digest` that of the text they read.

    `remembered` is the rule that came of it, `edited` that they allowed other arguments than those shown.
    """

    by: Actor
    at: datetime
    said: Literal["allowed", "denied", "endorsed"]
    reason: str
    request_id: str
    asked_about: str
    shown_digest: str | None
    place: Step
    remembered: str | None = None
    scope: Scope | None = None
    edited: bool = False


def place_of(record: Recorded) -> Step:
    """Where an event stands."""
    return Step(type(record.event).__name__, record.stream, record.version)


def question_of(records: Iterable[Recorded], request_id: str | None) -> PermissionRequested | None:
    """The question under this id."""
    asked = (record.event for record in records if isinstance(record.event, PermissionRequested))
    return next((event for event in asked if event.request_id == request_id), None)


def words_about(records: Iterable[Recorded], request_id: str | None) -> Iterator[Word]:
    """What persons said to a question, in order."""
    asked = None
    for record in records:
        event = record.event
        match event:
            case PermissionRequested() if event.request_id == request_id:
                asked = event
            case PermissionEndorsed() | PermissionResolved() if event.request_id == request_id:
                yield _word(record, event, asked)
            case _:
                pass


def _word(record: Recorded, event: PermissionEndorsed | PermissionResolved, asked: PermissionRequested | None) -> Word:
    answer = event if isinstance(event, PermissionResolved) else None
    return Word(
        by=event.actor,
        at=event.at,
        said="endorsed" if answer is None else answer.outcome,
        reason=event.reason,
        request_id=event.request_id,
        asked_about=event.call_id,
        shown_digest=None if asked is None else asked.display_digest,
        place=place_of(record),
        remembered=None if answer is None else answer.rule_id,
        scope=None if answer is None else answer.remember,
        edited=answer is not None and bool(answer.edited),
    )


# Rules


async def books_for(env: Environment, records: Sequence[Recorded]) -> list[Recorded]:
    """Everything in the rule books that can speak of a session with this history. Raises StoreError, CorruptRecord."""
    return [record for stream in _books(records) for record in await env.log.read(stream)]


def _books(records: Iterable[Recorded]) -> dict[str, None]:
    """The streams of the books: everybody's, those of its projects, those of the processes that ran it."""
    streams = {GLOBAL_BOOK: None}
    for record in records:
        match record.event:
            case SessionStarted(project=str(project)) | SessionForked(project=str(project)):
                streams[project_book(project)] = None
            case PermissionRequested(process=str(process)):
                streams[process_book(process)] = None
            case LeaseTaken(worker=worker):  # the name of the process, and which of its runs
                streams[process_book(worker.rpartition("/")[0] or worker)] = None
            case _:
                pass
    return streams


def remembered_rule(records: Iterable[Recorded], rule_id: str) -> CitedRule | None:
    """The rule under this id as it was made, revoked or not; None where none of these events made it."""
    made: Recorded | None = None
    event: RuleRemembered | None = None
    revoked: Revocation | None = None
    for record in records:
        match record.event:
            case RuleRemembered() as remembered if remembered.rule_id == rule_id:
                made, event, revoked = record, remembered, None
            case RuleRevoked() as end if end.rule_id == rule_id:
                revoked = Revocation(end.actor, end.at, end.reason, place_of(record))
            case _:
                pass
    return None if made is None or event is None else _cited(made, event, revoked)


def _cited(made: Recorded, event: RuleRemembered, revoked: Revocation | None) -> CitedRule:
    return CitedRule(
        rule_id=event.rule_id,
        scope=event.scope,
        effect=event.effect,
        tool=event.tool,
        covers=covers(event.matcher),
        reason=event.reason,
        made_by=event.actor,
        made_at=event.at,
        place=place_of(made),
        expires_at=event.expires_at,
        uses=event.uses,
        request_id=event.request_id,
        revoked=revoked,
    )


# Policies


@dataclass(frozen=True, slots=True)
class RecordedPolicy:
    """A policy, and the event that made it the session's; None for the standard one, which needs none."""

    found: PolicyInForce
    made: Recorded | None


async def cited_policy(
    env: Environment, records: Sequence[Recorded], wanted: str
) -> tuple[CitedPolicy, RecordedPolicy | None]:
    """The policy with this digest among those the session had by then, the latest first. Raises StoreError."""
    problem = "no policy of the session has this digest"
    for made, body in _policies(records):
        try:
            found = await policy_of(env, Session(made.stream if made else "", policy=body))
        except (BlobMissing, BlobDamaged, CorruptRecord) as error:
            problem = f"a policy of the session cannot be read: {error.message}"
            continue
        if found.digest == wanted:
            place = None if made is None else place_of(made)
            return CitedPolicy(wanted, found.policy.name, place), RecordedPolicy(found, made)
    return CitedPolicy(wanted, problem=problem), None


def _policies(records: Sequence[Recorded]) -> Iterator[tuple[Recorded | None, Body | None]]:
    for record in reversed(records):
        event = record.event
        if isinstance(event, SessionStarted | SessionConfigured) and event.policy is not None:
            yield record, event.policy
    yield None, None


def policy_rule(recorded: RecordedPolicy | None, rule_id: str) -> CitedRule | None:
    """The rule under this id of a policy; None where the policy has none."""
    if recorded is None or recorded.made is None:
        return None
    policy, made = recorded.found.policy, recorded.made
    written = next((rule for rule in policy.rules if rule.id == rule_id), None)
    if written is None:
        return None
    return CitedRule(
        rule_id=rule_id,
        scope="policy",
        effect=written.effect,
        tool=written.tool,
        covers=covers(written.matcher),
        reason=written.reason,
        made_by=made.event.actor,
        made_at=made.event.at,
        place=place_of(made),
        policy=policy.name,
    )
