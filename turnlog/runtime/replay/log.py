"""The log that a replayed engine has in place of the real one."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from turnlog.domain import (
    BOOKS,
    GLOBAL_BOOK,
    READ_WHOLE,
    Actor,
    Change,
    Event,
    EventLog,
    Kinds,
    PermissionRule,
    Recorded,
    RuleRemembered,
    RuleUsed,
    Selection,
    ToolCallAuthorized,
    Unread,
    Wanted,
)

from .tape import Tape

T = TypeVar("T")


class ReplayLog:
    """An `EventLog` for one session: what is written is compared with its tape, what is read has gone by on it.

    `rules` are tried beside those that were in force.
    """

    def __init__(self, tape: Tape, log: EventLog, rules: Sequence[PermissionRule] = ()) -> None:
        self._tape = tape
        self._log = log
        self._tried = tuple(_remembered(rule, place, tape.record[0].event.at) for place, rule in enumerate(rules, 1))

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        """The record's events in place of these. Raises VersionConflict, and StoreClosed where the replay is over."""
        (change,) = [change for change in changes if change.stream == self._tape.stream]
        return self._tape.append(change)

    async def read(
        self, stream: str, after: int = 0, until: int | None = None, kinds: Kinds | None = None
    ) -> Sequence[Recorded]:
        """What has gone by of the session; rule books as they were then; other streams as they are."""
        if stream != self._tape.stream and not stream.startswith(BOOKS):
            return await self._log.read(stream, after, until, kinds)
        whole = self._tape.shown if stream == self._tape.stream else await self._book(stream)
        return [record for record in whole[after:until] if kinds is None or type(record.event) in kinds]

    async def _book(self, stream: str) -> Sequence[Recorded]:
        moment = self._tape.now()
        tried = self._tried if stream == GLOBAL_BOOK else ()
        everything = [record.event for record in await self._log.read(stream)]
        then = [event for event in everything if event.at <= moment and not self._is_to_come(event)]
        return [Recorded(stream, version, event) for version, event in enumerate((*tried, *then), 1)]

    def _is_to_come(self, event: Event) -> bool:
        """Whether a rule was used for a call of this session that is yet to be authorised."""
        if not isinstance(event, RuleUsed) or event.session_id != self._tape.stream:
            return False
        shown = (record.event for record in reversed(self._tape.shown))
        return not any(isinstance(one, ToolCallAuthorized) and one.call_id == event.call_id for one in shown)

    async def fold(
        self,
        stream: str,
        step: Callable[[T, Iterable[Recorded]], T],
        state: T,
        after: int = 0,
        until: int | None = None,
        unread: Unread = READ_WHOLE,
    ) -> T:
        """What `step` makes of a state and what `read` gives."""
        return step(state, await self.read(stream, after, until))

    async def latest(self, stream: str, kinds: Kinds, until: int | None = None) -> int:
        """The version of the last of what `read` gives."""
        found = await self.read(stream, until=until, kinds=kinds)
        return found[-1].version if found else 0

    async def read_all(self, after: int = 0, limit: int = 500, unread: Unread = READ_WHOLE) -> Sequence[Recorded]:
        """Nothing: a replay is of one session."""
        return ()

    async def select(self, wanted: Wanted, after: int = 0, limit: int = 500) -> Selection:
        """Nothing: a replay is of one session."""
        return Selection((), after)

    async def streams(self, prefix: str = "", limit: int = 50) -> Sequence[str]:
        """Nothing but the session."""
        return [self._tape.stream] if self._tape.stream.startswith(prefix) else []

    @property
    def appends(self) -> int:
        """How often the record went on."""
        return self._tape.appends

    async def wait(self, appends: int, seconds: float) -> None:
        """Return once the record went on more often than this, or after so many seconds."""
        await self._tape.wait(appends, seconds)


def _remembered(rule: PermissionRule, place: int, at: datetime) -> RuleRemembered:
    return RuleRemembered(
        at=at,
        actor=Actor(kind="system", id="replay"),
        rule_id=rule.id or f"tried/{place}",
        scope="global",
        effect=rule.effect,
        tool=rule.tool,
        matcher=rule.matcher,
        reason=rule.reason,
    )
