"""The results on record that a rerun may use: of the same calls, each once, in the order in which they were made."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from turnlog.domain import (
    TASK_TOOL,
    BackgroundTaskStarted,
    EventLog,
    NotFound,
    Recorded,
    Session,
    SessionForked,
    SubagentSpawned,
    TextBlock,
    ToolCallFinished,
    ToolCallStarted,
    text_of,
)

from ..histories import history
from ..own_names import OWN_TOOLS

BROKEN_OFF = "while it was running; what it had done by then stays done"
"""How the result of a call ends that was stopped on its way, which says nothing of what another would give."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RecordedResult:
    """A result on record, and where that is."""

    place: str
    event: ToolCallFinished


@dataclass(slots=True)
class RecordedResults:
    """Results by tool and digest of the arguments, those that were not used yet; with `only` no other calls run."""

    only: bool
    spare: dict[_Key, list[RecordedResult]] = field(default_factory=dict[_Key, list[RecordedResult]])
    used: dict[str, RecordedResult] = field(default_factory=dict[str, RecordedResult])

    def has(self, tool: str, digest: str) -> bool:
        """Whether there is a result left for a call of a tool with arguments of this digest."""
        return bool(self.spare.get((tool, digest)))

    def take(self, tool: str, digest: str) -> RecordedResult | None:
        """The first result left for such a call, which is used up by that."""
        left = self.spare.get((tool, digest))
        if not left:
            return None
        result = left.pop(0)
        self.used[result.place] = result
        return result

    def refuses(self, tool: str, digest: str) -> bool:
        """Whether such a call must not run, for want of a result; what only works on the log itself may."""
        return self.only and tool not in OWN_TOOLS and not self.has(tool, digest)

    @property
    def left(self) -> int:
        """How many results nobody used."""
        return sum(map(len, self.spare.values()))


async def results_for(log: EventLog, session: Session, led_to_it: Sequence[Recorded]) -> RecordedResults | None:
    """The results on record that are left for a session; None where it does nothing again.

    What was used is in the session's own stream, so whoever goes on with it uses nothing twice. A log that took the
    session in from another may not hold the record; then there is nothing to use again. Raises StoreError.
    """
    if session.rerun is None:
        return None
    own = [record for record in led_to_it if record.stream == session.id]
    try:
        redone = await done_again(log, session, own)
    except NotFound:
        redone = ()
    found = results_in(redone, only=session.rerun.recorded_only)
    taken = {record.event.reused for record in own if isinstance(record.event, ToolCallStarted)}
    for key, results in found.spare.items():
        found.used |= {result.place: result for result in results if result.place in taken}
        found.spare[key] = [result for result in results if result.place not in taken]
    return found


async def done_again(log: EventLog, session: Session, own: Sequence[Recorded]) -> Sequence[Recorded]:
    """What is done again in a session: the record it goes by, from where it was forked. Raises StoreError."""
    begun = own[0].event
    if session.rerun is None or not isinstance(begun, SessionForked):
        return ()
    return after(await history(log, session.rerun.of, session.rerun.until), begun.parent, begun.parent_version)


def after(records: Sequence[Recorded], stream: str, version: int) -> Sequence[Recorded]:
    """What came after a place, in a history that leads through it."""
    place = next((at for at, each in enumerate(records) if (each.stream, each.version) == (stream, version)), -1)
    return records[place + 1 :] if place >= 0 else ()


def results_in(records: Sequence[Recorded], *, only: bool = False) -> RecordedResults:
    """The results in a part of a history that may be used again.

    Left out are those of calls that began before, that nobody saw end or that were broken off, and of tools that work
    on the session itself: subagents and background tasks are no part of another session.
    """
    finished = {
        record.event.call_id: RecordedResult(f"{record.stream}@{record.version}", record.event)
        for record in records
        if isinstance(record.event, ToolCallFinished) and not _was_broken_off(record.event)
    }
    bound = {
        record.event.call_id for record in records if isinstance(record.event, BackgroundTaskStarted | SubagentSpawned)
    }
    spare: dict[_Key, list[RecordedResult]] = defaultdict(list)
    for record in records:
        started = record.event
        if not isinstance(started, ToolCallStarted) or started.tool in OWN_TOOLS or started.tool == TASK_TOOL:
            continue
        result = None if started.call_id in bound else finished.pop(started.call_id, None)
        if result is not None:
            spare[started.tool, started.input_digest].append(result)
    return RecordedResults(only, dict(spare))


def _was_broken_off(event: ToolCallFinished) -> bool:
    return event.is_error and any(
        isinstance(part, TextBlock) and text_of(part.text).endswith(BROKEN_OFF) for part in event.content
    )
