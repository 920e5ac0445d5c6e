"""Teams: beginning teammates, seeing how they stand, letting them leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from turnlog.domain import (
    LEAD,
    TEAM_TOOLS,
    TEAMMATE_TOOLS,
    Actor,
    Change,
    CommandRefused,
    Limits,
    Member,
    Model,
    Session,
    SpawnedBy,
    Stamp,
    Status,
    clean,
    commands,
)

from ..again import again
from ..delegation.spawning import beginning, model_of, refuse_more, title_of
from ..environment import Environment
from ..histories import load
from ..turns.results import with_reader
from ..writing import changes
from .mail_delivery import unread_mail
from .mailing import roster_of

_IDENTITY = (
    "You are {name}, a teammate of a team of agents{role}. It is led by `{lead}`. What others say reaches you as "
    "messages, and nobody but a person who looks at the log reads your last words: whatever the others need to know, "
    "send it with team_send or team_respond. When there is nothing left to do, stop; the next message wakes you."
)


@dataclass(frozen=True, slots=True)
class NewTeammate:
    """What a teammate is to be; None leaves a thing as the lead has it."""

    name: str
    prompt: str
    role: str = ""
    tools: Sequence[str] | None = None
    model: str | Model | None = None
    system: str | None = None
    limits: Limits | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Teammate:
    """A teammate as it stands: its session, the `status` of that (or `left`), how much it has to read."""

    name: str
    role: str
    session_id: str
    model: str
    status: Status | Literal["left"]
    unread: int


async def spawn_teammate(env: Environment, lead_id: str, new: NewTeammate) -> str:
    """Begin a teammate with its first turn, which any worker runs; its session's id. Once for a call.

    Raises NotFound, CommandRefused, InvalidInput, ModelError, VersionConflict, StoreError.
    """
    child = env.ids.session()

    async def attempt() -> str:
        lead = await load(env, lead_id)
        if (before := _of_call(lead, new)) is not None:
            return before.session
        by = _stamp(env, lead, new.call_id)
        path = _path(lead, new.name)
        joining = commands.teams.Joining(new.name, child, path, clean(new.role), new.call_id)
        joined = commands.teams.join(lead, by, joining, env.settings.teammates)
        begun = await beginning(env, child, by, await _opening(env, lead, new, path), new.prompt)
        await env.log.append(Change(lead.id, lead.version, joined), begun)
        return child

    return await again(env.settings.command_attempts, attempt)


def _of_call(lead: Session, new: NewTeammate) -> Member | None:
    """The teammate that this very call began before."""
    if new.call_id is None:
        return None
    return next((member for member in lead.team if member.call_id == new.call_id), None)


def _path(lead: Session, name: str) -> str:
    """Where it stands; a name that came before gets a number."""
    before = sum(member.name == name for member in lead.team)
    return f"{lead.path}/@{name}{f'-{before + 1}' if before else ''}"


async def _opening(env: Environment, lead: Session, new: NewTeammate, path: str) -> commands.sessions.Opening:
    return commands.sessions.Opening(
        title=title_of(path, new.role or new.prompt),
        model=await model_of(env, lead, new.model),
        project=lead.project,
        workspace=lead.workspace,
        system=await env.bodies.keep(await _system(env, lead, new)),
        tools=with_reader(_tools(lead, new)),
        settings=lead.settings,
        limits=new.limits,
        policy=lead.policy,
        spawned_by=SpawnedBy(session=lead.id, path=path, call_id=new.call_id, teammate=new.name),
    )


async def _system(env: Environment, lead: Session, new: NewTeammate) -> str:
    said = new.system
    if said is None and lead.system is not None:
        said = await env.bodies.text(lead.system)
    identity = _IDENTITY.format(name=new.name, lead=LEAD, role=f": {clean(new.role)}" if new.role else "")
    return f"{clean(said)}\n\n{identity}" if said else identity


def _tools(lead: Session, new: NewTeammate) -> tuple[str, ...]:
    """The names of its tools: some of its lead's, and those to speak with its team. Raises InvalidInput."""
    wanted = lead.tools if new.tools is None else tuple(new.tools)
    refuse_more("teammate", "lead", lead, [name for name in wanted if name not in (*lead.tools, *TEAMMATE_TOOLS)])
    return (*(name for name in wanted if name not in TEAM_TOOLS), *TEAMMATE_TOOLS)


def _stamp(env: Environment, lead: Session, call_id: str | None) -> Stamp:
    return env.stamp() if call_id is None else env.stamp(Actor(kind="agent", id=lead.path))


async def list_teammates(env: Environment, session_id: str) -> tuple[Teammate, ...]:
    """All teammates there ever were, in the order they joined. Raises NotFound, StoreError."""
    lead = (await roster_of(env, session_id)).lead
    return tuple([await _teammate(env, member) for member in lead.team])


async def _teammate(env: Environment, member: Member) -> Teammate:
    session = await load(env, member.session)
    status = "left" if member.left else session.status
    unread = len(await unread_mail(env, session))
    return Teammate(member.name, member.role, member.session, session.model, status, unread)


async def shut_down(env: Environment, lead_id: str, name: str, reason: str = "", call_id: str | None = None) -> None:
    """Have a teammate end: no further message reaches it, a turn in progress goes on to its end, and that was all.

    Raises NotFound, CommandRefused, VersionConflict, StoreError.
    """

    async def attempt() -> None:
        lead = await load(env, lead_id)
        if lead.spawned_by is not None:
            raise CommandRefused(f"{lead.path} does not lead its team; only the lead lets somebody leave")
        by, said = _stamp(env, lead, call_id), clean(reason)
        left = commands.teams.leave(lead, by, name, said)
        member = await load(env, commands.teams.present(lead, name).session)
        dismissed = commands.teams.dismiss(member, by, said)
        await env.log.append(Change(lead.id, lead.version, left), *await changes(env, member, dismissed))

    await again(env.settings.command_attempts, attempt)
