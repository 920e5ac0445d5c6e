"""Taking a session back: a fork takes its place, and what that does not undo is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from turnlog.domain import (
    BackgroundTaskStarted,
    Effect,
    InvalidInput,
    PermissionResolved,
    Recorded,
    Scope,
    Session,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    clean,
    commands,
)
from turnlog.projections import TIMELINE, TouchedFile, project

from ..again import again
from ..delegation.subagents import end_all
from ..environment import Environment
from ..histories import history, load
from ..teams.teammates import shut_down
from ..writing import changes
from .addresses import At
from .forks import NewFork, fork_of
from .places import version_of
from .touched import touched


@dataclass(frozen=True, slots=True)
class StandingCall:
    """A call that may have had an effect; `record` is where it began. `outcome` is the latest that is known of it."""

    call_id: str
    tool: str
    about: str
    effect: Effect
    outcome: str
    record: Recorded


@dataclass(frozen=True, slots=True)
class StandingRule:
    """A rule that was remembered beyond the session, by the answer in `record`."""

    rule_id: str
    scope: Scope
    record: Recorded


@dataclass(frozen=True, slots=True)
class Standing:
    """What came of a session after a version, and stays when the session is taken back to it.

    `files` are those that tools of turnlog changed; `calls` are all others that were not only reading.
    """

    files: tuple[TouchedFile, ...]
    calls: tuple[StandingCall, ...]
    rules: tuple[StandingRule, ...]

    def __bool__(self) -> bool:
        return bool(self.files or self.calls or self.rules)


@dataclass(frozen=True, slots=True)
class Rewound:
    """A session that was taken back to a version, the one that goes on in its place, and what was not undone."""

    session_id: str
    version: int
    successor: str
    standing: Standing


async def standing_after(env: Environment, session_id: str, at: At) -> tuple[int, Standing]:
    """The version a point stands for, and what taking the session back to it would not undo.

    Raises NotFound, InvalidInput, StoreError.
    """
    version = await version_of(env.log, session_id, at)
    records = await history(env.log, session_id)
    version = records[-1].version if version is None else version
    return version, standing(records, session_id, version)


async def rewind(env: Environment, session_id: str, at: At, new: NewFork, reason: str = "") -> Rewound:
    """Have a fork take the place of a session, which accepts no further turn; one in progress is cancelled.

    Both are appended in one transaction. Its team is let go before, and its subagents are ended after.
    Raises NotFound, CommandRefused, InvalidInput, ModelError, StoreError.
    """
    version = await version_of(env.log, session_id, at)
    parent = await load(env, session_id, version)

    now = await load(env, session_id)
    if parent.version == now.version:
        raise InvalidInput(f"session {session_id} stands at @{now.version} already; name an earlier version")
    for member in now.present:  # a lead ends after its team
        await shut_down(env, session_id, member.name, "its lead is rewound")

    async def give_way() -> tuple[Session, str]:
        now = await load(env, session_id)
        titled = replace(new, title=now.title if new.title is None else new.title)
        child = await fork_of(env, replace(parent, tags=now.tags), titled)  # title and tags are those of today
        given_way = commands.sessions.give_way(now, env.stamp(), child.stream, clean(reason))
        await env.log.append(child, *await changes(env, now, given_way))
        return now, child.stream

    now, successor = await again(env.settings.command_attempts, give_way)
    await end_all(env, now, "the session it worked for was rewound")
    records = await history(env.log, session_id)
    return Rewound(session_id, parent.version, successor, standing(records, session_id, parent.version))


def standing(history: Sequence[Recorded], session_id: str, version: int) -> Standing:
    """What came of a session's own events after a version."""
    since = [record for record in history if record.stream == session_id and record.version > version]
    files = touched(since)
    told = {
        record.event.call_id for record in since if isinstance(record.event, ToolCallFinished) and touched([record])
    }
    return Standing(files, tuple(_calls(history, since, told)), tuple(_rules(since)))


def _calls(history: Sequence[Recorded], since: Sequence[Recorded], told: set[str]) -> list[StandingCall]:
    known = project(TIMELINE, history).known
    calls: dict[str, StandingCall] = {}
    for record in since:
        event = record.event
        match event:
            case ToolCallStarted() if event.effect != "pure" and event.call_id not in told:
                about = known[event.call_id].gist if event.call_id in known else ""
                calls[event.call_id] = StandingCall(event.call_id, event.tool, about, event.effect, "runs", record)
            case BackgroundTaskStarted() if event.call_id in calls:
                calls[event.call_id] = replace(calls[event.call_id], tool=f"{event.tool} (background {event.task_id})")
            case ToolCallFinished() | ToolOutcomeUnknown() | ToolOutcomeResolved() if event.call_id in calls:
                calls[event.call_id] = replace(calls[event.call_id], outcome=_outcome(event))
            case _:
                pass
    return list(calls.values())


def _outcome(event: ToolCallFinished | ToolOutcomeUnknown | ToolOutcomeResolved) -> str:
    match event:
        case ToolCallFinished():
            return "failed" if event.is_error else "finished"
        case ToolOutcomeUnknown():
            return "outcome unknown"
        case ToolOutcomeResolved():
            return {
                "did": "it did happen",
                "did_not": "it did not happen",
                "retry": "runs",
                "failed": "outcome unknown",
            }[event.resolution]


def _rules(since: Sequence[Recorded]) -> list[StandingRule]:
    return [
        StandingRule(event.rule_id, event.remember, record)
        for record in since
        if isinstance(event := record.event, PermissionResolved)
        and event.rule_id is not None
        and event.remember not in (None, "session")
    ]
