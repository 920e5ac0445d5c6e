"""Commands about the session as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..content import Body
from ..errors import CommandRefused, InvalidInput
from ..events import (
    Event,
    NoticeRaised,
    Rerun,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
    SpawnedBy,
    Stamp,
    TurnState,
)
from ..session import Session
from ..settings import Limits, ModelSettings
from ..tags import few_enough, retagged, tags_of
from . import context, guards, turns


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session begins. `tools` are names; `workspace` is an absolute path."""

    title: str
    model: str
    project: str | None = None
    workspace: str | None = None
    system: Body | None = None
    tools: tuple[str, ...] = ()
    settings: ModelSettings | None = None
    limits: Limits | None = None
    policy: Body | None = None
    tags: tuple[str, ...] = ()
    memory: bool = False
    spawned_by: SpawnedBy | None = None


def start(session: Session, by: Stamp, opening: Opening) -> tuple[Event, ...]:
    """Begin the session. Raises CommandRefused, InvalidInput."""
    if session.version:
        raise CommandRefused(f"session {session.id} already exists; open it instead")
    return (
        SessionStarted(
            **by,
            title=_title(opening.title),
            model=_model(opening.model),
            project=_project(opening.project),
            workspace=opening.workspace,
            system=opening.system,
            tools=opening.tools,
            settings=opening.settings,
            limits=opening.limits,
            policy=opening.policy,
            tags=few_enough(tags_of(opening.tags)),
            memory=opening.memory or None,
            spawned_by=opening.spawned_by,
        ),
    )


@dataclass(frozen=True, slots=True)
class Fork:
    """How a fork differs from its parent; None leaves the parent's title or model."""

    title: str | None = None
    model: str | None = None
    keeps_grants: bool = False
    rerun: Rerun | None = None


def fork(parent: Session, by: Stamp, fork: Fork) -> tuple[Event, ...]:
    """The first event of a new stream that goes on from `parent` at its version. Raises NotFound, InvalidInput."""
    guards.started(parent)
    return (
        SessionForked(
            **by,
            parent=parent.id,
            parent_version=parent.version,
            title=_title(fork.title if fork.title is not None else f"{parent.title} (fork)"),
            model=_model(fork.model) if fork.model is not None else parent.model,
            project=parent.project,
            completed_turns=parent.completed_turns,
            turn=_turn_left(parent),
            keeps_grants=fork.keeps_grants,
            tags=parent.tags,
            rerun=fork.rerun,
        ),
    )


def rename(session: Session, by: Stamp, title: str) -> tuple[Event, ...]:
    """Change the title; nothing happens where it already is this one. Raises NotFound, CommandRefused, InvalidInput."""
    guards.not_closed(session)
    title = _title(title)
    return () if title == session.title else (SessionRenamed(**by, title=title),)


def tag(session: Session, by: Stamp, add: Sequence[str] = (), remove: Sequence[str] = ()) -> tuple[Event, ...]:
    """Put tags on the session, or take them off; nothing happens where it has them, or has them not.

    Closed sessions are tagged as well: people do so when they look back. Raises NotFound, InvalidInput.
    """
    guards.started(session)
    added, removed = tags_of(add), tags_of(remove)
    both = set(added) & set(removed)
    if both:
        raise InvalidInput(f"the tag {min(both)!r} cannot be added and removed at once")
    few_enough(retagged(session.tags, added, removed))
    added = tuple(each for each in added if each not in session.tags)
    removed = tuple(each for each in removed if each in session.tags)
    return (SessionTagged(**by, added=added, removed=removed),) if added or removed else ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings for the turns to come; None leaves a setting as it is."""

    model: str | None = None
    system: Body | None = None
    tools: tuple[str, ...] | None = None
    settings: ModelSettings | None = None
    limits: Limits | None = None
    policy: Body | None = None
    memory: bool | None = None


def configure(session: Session, by: Stamp, wanted: Configuration) -> tuple[Event, ...]:
    """Change settings between turns; nothing happens where none differs. Raises NotFound, CommandRefused."""
    guards.not_closed(session)
    if session.turn is not None and session.turn.state in ("open", "suspended"):
        raise CommandRefused(f"session {session.id} has a turn in progress; resume or cancel it first")
    changed = SessionConfigured(
        **by,
        model=None if wanted.model is None or wanted.model == session.model else _model(wanted.model),
        system=None if wanted.system == session.system else wanted.system,
        tools=None if wanted.tools == session.tools else wanted.tools,
        settings=None if wanted.settings == session.settings else wanted.settings,
        limits=None if wanted.limits == session.limits else wanted.limits,
        policy=None if wanted.policy == session.policy else wanted.policy,
        memory=None if wanted.memory == session.memory else wanted.memory,
    )
    return (changed,) if changed != SessionConfigured(**by) else ()


def close(session: Session, by: Stamp, reason: str = "") -> tuple[Event, ...]:
    """Accept no further turn. Raises NotFound, CommandRefused."""
    guards.not_closed(session)
    if session.turn is not None and session.turn.state in ("open", "suspended"):
        raise CommandRefused(f"session {session.id} has a turn in progress; cancel it first")
    if session.subagents.active:
        raise CommandRefused(f"session {session.id} has subagents at work; wait for them, or cancel them first")
    if session.present:
        names = ", ".join(member.name for member in session.present)
        raise CommandRefused(f"session {session.id} leads {names}; let them leave first (team_shutdown)")
    return (*context.abandon(session, by, "the session was closed"), SessionClosed(**by, reason=reason))


def give_way(session: Session, by: Stamp, successor: str, reason: str = "") -> tuple[Event, ...]:
    """Accept no further turn, since `successor` goes on in this session's place; a turn in progress is cancelled.

    Raises NotFound, CommandRefused.
    """
    guards.not_closed(session)
    in_progress = session.turn is not None and session.turn.state in ("open", "suspended")
    cancelled = turns.cancel(session, by, "the session was rewound") if in_progress else ()
    left = context.abandon(session, by, "the session was rewound")
    return (*cancelled, *left, SessionClosed(**by, reason=reason, successor=successor))


def notice(session: Session, by: Stamp, message: str) -> tuple[Event, ...]:
    """Tell people something. Raises NotFound."""
    guards.started(session)
    return (NoticeRaised(**by, severity="warning", message=message),)


def _turn_left(parent: Session) -> TurnState | None:
    """How the parent's latest turn stands in a fork: one in progress is not in progress there."""
    if parent.turn is None:
        return None
    return "forked" if parent.turn.state in ("open", "suspended") else parent.turn.state


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise InvalidInput("a session needs a title that is not blank")
    return title


def _model(model: str) -> str:
    provider, colon, name = model.partition(":")
    if not (provider and colon and name) or model != model.strip():
        raise InvalidInput(f"{model!r} names no model; write provider:model, such as anthropic:claude-sonnet-4-5")
    return model


def _project(project: str | None) -> str | None:
    if project is not None and not project.strip():
        raise InvalidInput("a project name must not be blank; leave it out where there is none")
    if project is not None and not project.isprintable():
        raise InvalidInput(f"a project name must be printable, which {project!r} is not")
    return project
