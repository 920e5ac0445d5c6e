"""Why a call was allowed, denied, or is not yet decided: read from the log, with the event that says so.

What the log does not tell is not made up: of verdicts from before evaluations were recorded, what their events say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from turnlog.domain import (
    BUILT_IN,
    AuthorizedBy,
    Body,
    DeniedBy,
    Evaluation,
    Event,
    InvalidInput,
    ModelResponded,
    NotFound,
    Recorded,
    RuleUsed,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
)
from turnlog.projections import (
    TIMELINE,
    TOOL_CALLS,
    CallRow,
    CallStatus,
    Line,
    Step,
    gist_of,
    line,
    project,
)

from ..environment import Environment
from ..histories import history
from .attempts import Attempt, Doubt, doubts_of, runs_of
from .because import because_of
from .citations import (
    CitedPolicy,
    CitedRule,
    Word,
    books_for,
    cited_policy,
    place_of,
    policy_rule,
    question_of,
    remembered_rule,
    words_about,
)
from .deciding import deciding, digest_in, said_by

_LINE = 100
WhyVerdict = Literal["allowed", "denied", "waiting", "not judged"]


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to why a call may or may not run.

    `shown` is the call in one line, `arguments` the whole of those it is to run with, which `amended_by` changed from
    the model's. `by` says who decided, `source` which one of them, `because` the whole in a sentence, and `cited_by` is
    the event that says so. `digest` is that of what was decided on. `rules` and `words` are what it rests on; of the
    rules in `lost` the log no longer tells more than the id. `evaluation` is what the rules said, None where that was
    not recorded. `runs` are its attempts, each with the word it ran on; `doubts` are
    those of them whose outcome nobody knew; `steps` all events about the call, in order.
    """

    session_id: str
    turn_id: str
    call_id: str
    tool: str
    shown: str
    arguments: str
    amended_by: str | None
    status: CallStatus
    verdict: WhyVerdict
    by: AuthorizedBy | DeniedBy | None
    source: str | None
    because: str
    digest: str | None
    cited_by: Step
    rules: tuple[CitedRule, ...]
    lost: tuple[str, ...]
    words: tuple[Word, ...]
    policy: CitedPolicy | None
    evaluation: Evaluation | None
    runs: tuple[Attempt, ...]
    doubts: tuple[Doubt, ...]
    steps: tuple[Line, ...]


async def why(env: Environment, session_id: str, call_id: str) -> Why:
    """Why a call of a session, or of those it was forked from, stands as it does; a beginning of its id is enough.

    Raises NotFound, InvalidInput, StoreError, CorruptRecord.
    """
    records = await history(env.log, session_id)
    row = _row(project(TOOL_CALLS, records).rows, session_id, call_id)
    by_place = {(record.stream, record.version): record for record in records}
    facts = [by_place[step.stream, step.version] for step in row.steps]
    return await _Explanation(env, session_id, records, row, facts).why()


def _row(rows: dict[str, CallRow], session_id: str, call_id: str) -> CallRow:
    if call_id in rows:
        return rows[call_id]
    found = [row for known, row in rows.items() if call_id and known.startswith(call_id)]
    if not found:
        raise NotFound(
            f"session {session_id} has no call {call_id!r}; `turnlog log {session_id} --json` names its calls"
        )
    if len(found) > 1:
        shown = ", ".join(row.call_id for row in found[:5])
        raise InvalidInput(f"{call_id!r} could be any of {shown}{'…' if len(found) > 5 else ''}; write more of it")
    return found[0]


class _Explanation:
    """A call, all that led to it, and what of that decides."""

    def __init__(
        self, env: Environment, session_id: str, records: list[Recorded], row: CallRow, facts: list[Recorded]
    ) -> None:
        self._env = env
        self._session_id = session_id
        self._records = records
        self._row = row
        self._facts = facts
        self._deciding = deciding(facts)
        self._said = said_by(self._deciding.event)

    async def why(self) -> Why:
        """All of it. Raises StoreError, CorruptRecord."""
        row, said, event = self._row, self._said, self._deciding.event
        evaluation = self._evaluation()
        words = tuple(words_about(self._records, said.request_id))
        books = await books_for(self._env, self._records)
        policy, rules, lost = await self._citations(evaluation, books)
        arguments = await self._env.bodies.readable(self._arguments())
        return Why(
            session_id=self._session_id,
            turn_id=row.turn_id,
            call_id=row.call_id,
            tool=row.tool,
            shown=gist_of(arguments, _LINE),
            arguments=arguments,
            amended_by=row.amended_by,
            status=row.status,
            verdict=said.verdict,
            by=said.by,
            source=said.source,
            because=because_of(event, said, row.tool, evaluation, words),
            digest=digest_in(event),
            cited_by=place_of(self._deciding),
            rules=rules,
            lost=lost,
            words=words,
            policy=policy,
            evaluation=evaluation,
            runs=tuple(runs_of(self._facts)),
            doubts=tuple(doubts_of(self._facts)),
            steps=self._steps(books),
        )

    def _arguments(self) -> Body:
        """Those it is to run with."""
        if self._row.amended_arguments is not None:
            return self._row.amended_arguments
        proposed = self._facts[0].event
        blocks = proposed.blocks if isinstance(proposed, ModelResponded) else ()
        calls = (block for block in blocks if isinstance(block, ToolCallBlock))
        return next((block.arguments for block in calls if block.call_id == self._row.call_id), "")

    def _evaluation(self) -> Evaluation | None:
        """That of the question a person was asked, which says why; else that of the verdict."""
        event = self._deciding.event
        asked = question_of(self._records, self._said.request_id)
        if asked is not None and asked.evaluation is not None:
            return asked.evaluation
        return event.evaluation if isinstance(event, ToolCallAuthorized | ToolCallDenied) else None

    def _policy_digest(self) -> str | None:
        event = self._deciding.event
        if isinstance(event, ToolCallAuthorized | ToolCallDenied) and event.policy is not None:
            return event.policy
        asked = question_of(self._records, self._said.request_id)
        return None if asked is None else asked.policy

    async def _citations(
        self, evaluation: Evaluation | None, books: Sequence[Recorded]
    ) -> tuple[CitedPolicy | None, tuple[CitedRule, ...], tuple[str, ...]]:
        """The policy, the rules the verdict rests on, and the ids of those that are nowhere to be found."""
        digest, by_then = self._policy_digest(), self._until_decided()
        policy, recorded = (None, None) if digest is None else await cited_policy(self._env, by_then, digest)
        wanted = dict.fromkeys(() if evaluation is None else evaluation.rules)
        if self._said.by == "rule" and self._said.source is not None:
            wanted[self._said.source] = None
        everywhere = [*self._records, *books]
        found = {rule_id: policy_rule(recorded, rule_id) or remembered_rule(everywhere, rule_id) for rule_id in wanted}
        rules = tuple(rule for rule in found.values() if rule is not None)
        missing = (rule_id for rule_id, rule in found.items() if rule is None)
        return policy, rules, tuple(rule_id for rule_id in missing if not rule_id.startswith(BUILT_IN))

    def _until_decided(self) -> list[Recorded]:
        return self._records[: self._records.index(self._deciding) + 1]

    def _steps(self, books: Iterable[Recorded]) -> tuple[Line, ...]:
        """The events of the call as the timeline tells them, the uses of rules right behind what they allowed."""
        told = {(each.stream, each.version): each for each in project(TIMELINE, self._records).lines}
        steps: list[Line] = []
        uses = [record for record in (*self._records, *books) if _is_use(record.event, self._row.call_id)]
        for fact in self._facts:
            steps.append(told[fact.stream, fact.version])
            if isinstance(fact.event, ToolCallAuthorized):
                steps += [line(use) for use in uses if use.event.at == fact.event.at]
        return tuple(steps)


def _is_use(event: Event, call_id: str) -> bool:
    return isinstance(event, RuleUsed) and event.call_id == call_id
