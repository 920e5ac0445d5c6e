"""What other rules would have said of the calls on record: nothing runs, nobody is asked, nothing is written.

Rules are judged by the files that are there now, and by what the log says of each call. Hooks are not asked; the word
of an authorizer counts as it was recorded.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from turnlog.domain import (
    GLOBAL_BOOK,
    AuthorizedBy,
    DeniedBy,
    EventLog,
    JudgedCall,
    Matcher,
    PermissionRule,
    Permissions,
    Recorded,
    Selection,
    Verdict,
    Wanted,
    in_force,
    parse_rule,
)
from turnlog.projections import gist_of

from ..books import BOOKS_OF_PROJECTS
from ..environment import Environment
from ..log_end import end_of
from .recorded_calls import TELLING, RecordedCall, RecordedCalls
from .trials import UNREADABLE, Case, Cases, Trial, judged_call, verdict_on

__all__ = ["BlastRadius", "Difference", "Outcome", "Progress", "Trial", "blast_radius", "whatif", "with_books"]

_PAGE: Final = 1_000
_TELLING: Final = Wanted(kinds=TELLING)
_MOST_PROJECTS: Final = 10_000
_SHOWN: Final = 200  # characters of a call

Progress = Callable[[int, int], None]
"""Told up to which position the log was read, and where it ended when that began."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that would be decided otherwise now. `version` is where in its session it was decided on.

    `call` is the call in one line. `by` and `source` say on whose word it was decided, `why` and `rules` what decides
    now.
    """

    session_id: str
    call_id: str
    version: int
    tool: str
    call: str
    recorded: Verdict
    by: AuthorizedBy | DeniedBy
    source: str | None
    now: Verdict
    why: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many calls were judged anew; how many of them would now be denied, allowed or asked about, and were not.

    `skipped` calls were never judged; of `unreadable` ones something is missing or damaged.
    """

    judged: int
    denied: int
    allowed: int
    prompted: int
    skipped: int
    unreadable: int


async def with_books(env: Environment, trial: Trial) -> Trial:
    """The same together with the rules of all books that are in force now, and those that sessions had of their own.

    Raises StoreError, CorruptRecord.
    """
    streams = await env.log.streams(BOOKS_OF_PROJECTS, limit=_MOST_PROJECTS)
    projects = {stream.removeprefix(BOOKS_OF_PROJECTS): await _standing(env, stream) for stream in streams}
    of_projects = {
        name: (*trial.of_projects.get(name, ()), *projects.get(name, ())) for name in {**trial.of_projects, **projects}
    }
    rules = (*trial.rules, *await _standing(env, GLOBAL_BOOK))
    return replace(trial, rules=rules, of_projects=of_projects, sessions_own=True)


async def _standing(env: Environment, stream: str) -> tuple[PermissionRule, ...]:
    book = await env.books.read(stream)
    return tuple(rule.written for rule in in_force(book.rules, env.now()))


async def whatif(
    env: Environment, trial: Trial, tell: Callable[[Difference], None], progress: Progress = lambda position, end: None
) -> Outcome:
    """Try rules on the calls of the whole log, and tell each difference, in the order of the log.

    Raises StoreError, CorruptRecord.
    """
    calls, cases, counted, end = RecordedCalls(env.log), Cases(env, trial), Counter[str](), await end_of(env.log)
    async for records, position in _pages(env.log, 0):
        found = _since(await _taken(calls, records), trial.since)
        for difference in await _differences(env, cases, found, counted):
            counted[difference.now] += 1
            tell(difference)
        progress(position, end)
    counted["skipped"] += len(_since(calls.left(), trial.since))
    judged, skipped, unreadable = counted["judged"], counted["skipped"], counted["unreadable"]
    return Outcome(judged, counted["deny"], counted["allow"], counted["prompt"], skipped, unreadable)


async def _pages(log: EventLog, after: int) -> AsyncIterator[Selection]:
    while (found := await log.select(_TELLING, after, _PAGE)).position > after:
        yield found
        after = found.position


async def _taken(calls: RecordedCalls, records: Iterable[Recorded]) -> list[RecordedCall]:
    return [call for record in records for call in await calls.take(record)]


def _since(calls: Iterable[RecordedCall], moment: datetime | None) -> list[RecordedCall]:
    return [call for call in calls if moment is None or call.at >= moment]


async def _differences(
    env: Environment, cases: Cases, calls: Sequence[RecordedCall], counted: Counter[str]
) -> list[Difference]:
    decided = [(call, call.decided) for call in calls if call.decided is not None]
    readable = [case for pair in decided if (case := await cases.of(*pair)) is not None]
    counted["skipped"] += len(calls) - len(decided)
    counted["unreadable"] += len(decided) - len(readable)
    counted["judged"] += len(readable)
    return await asyncio.to_thread(_judged, env.permissions, readable)


def _judged(permissions: Permissions, cases: Sequence[Case]) -> list[Difference]:
    found = (_difference(permissions, case) for case in cases)
    return [difference for difference in found if difference is not None]


def _difference(permissions: Permissions, case: Case) -> Difference | None:
    said = permissions.judge(case.rules, case.judged)
    now, why = verdict_on(case, said)
    if now == case.decided.verdict:
        return None
    return Difference(
        session_id=case.call.session_id,
        call_id=case.call.call_id,
        version=case.decided.version,
        tool=case.call.tool,
        call=gist_of(json.dumps(dict(case.judged.arguments)), _SHOWN),
        recorded=case.decided.verdict,
        by=case.decided.by,
        source=case.decided.source,
        now=now,
        why=why,
        rules=said.rules,
    )


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Of so many recorded `calls` of a tool, how many each of some matchers would have allowed, in their order.

    `complete` is false where older events were left out.
    """

    calls: int
    covered: tuple[int, ...]
    complete: bool


async def blast_radius(
    env: Environment, tool: str, matchers: Sequence[Matcher], most_events: int = 10_000
) -> BlastRadius:
    """What rules with these matchers would have allowed among the latest events.

    Of an exact rule it is only known of calls that a person was asked about.
    Raises InvalidInput for a matcher that no rule can allow by, StoreError, CorruptRecord.
    """
    rules = [parse_rule({"tool": tool, "effect": "allow", "matcher": matcher}) for matcher in matchers]
    after = await _beginning(env.log, max(most_events, 1))
    calls, covered, seen = RecordedCalls(env.log), Counter[int](), 0
    async for records, _ in _pages(env.log, after):
        judged = await _readable(env, await _taken(calls, records), tool)
        seen += len(judged)
        covered.update(await asyncio.to_thread(_covering, env.permissions, rules, judged))
    judged = await _readable(env, calls.left(), tool)
    covered.update(await asyncio.to_thread(_covering, env.permissions, rules, judged))
    return BlastRadius(seen + len(judged), tuple(covered[place] for place in range(len(rules))), after == 0)


async def _readable(env: Environment, calls: Iterable[RecordedCall], tool: str) -> list[JudgedCall]:
    found: list[JudgedCall] = []
    for call in calls:
        if call.tool == tool:
            with suppress(*UNREADABLE):
                found.append(await judged_call(env.bodies, call, call.exact))
    return found


def _covering(permissions: Permissions, rules: Sequence[PermissionRule], calls: Iterable[JudgedCall]) -> list[int]:
    """The place of a rule once for each call it allows."""
    return [
        place
        for call in calls
        for place, rule in enumerate(rules)
        if permissions.judge((rule,), call).verdict == "allow"
    ]


async def _beginning(log: EventLog, most: int) -> int:
    """A position with at most so many events behind it, and not many fewer; 0 where the whole log has no more."""
    low, high = 0, most
    if not await log.read_all(high, 1):
        return 0
    while await log.read_all(high, 1):
        low, high = high, 2 * high
    while high - low > most // 16 + 1:
        middle = (low + high) // 2
        if await log.read_all(middle, 1):
            low = middle
        else:
            high = middle
    return max(high - most, 0)
