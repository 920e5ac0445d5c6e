"""Beginning a subagent: its session and the word of it in its parent's stream, in one append."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnlog.domain import (
    TASK_TOOL,
    Actor,
    Change,
    InvalidInput,
    Limits,
    Model,
    Session,
    SpawnedBy,
    Stamp,
    SubagentSpawned,
    clean,
    commands,
    fold_events,
    tightest,
)

from ..again import again
from ..digests import text_digest
from ..environment import Environment
from ..histories import load
from ..turns.inputs import keep_input
from ..turns.results import with_reader
from .templates import SubagentTemplate


@dataclass(frozen=True, slots=True)
class NewSubagent:
    """What a subagent is to be; None leaves a thing as its template has it, or its parent."""

    name: str
    prompt: str
    tools: Sequence[str] | None = None
    model: str | Model | None = None
    limits: Limits | None = None
    template: str | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of what it is told."""
        return text_digest(clean(self.prompt))


async def spawn(
    env: Environment,
    parent_id: str,
    new: NewSubagent,
    errand: commands.subagents.Errand | None = None,
    child: str | None = None,
) -> str:
    """Begin a subagent, whose turn nobody runs yet; its session's id, a new one where `child` names none.

    Raises NotFound, InvalidInput, CommandRefused, SessionLost, ModelError, VersionConflict, StoreError.
    """
    new_id = child or env.ids.session()
    return await again(env.settings.command_attempts, lambda: _attempt(env, parent_id, new_id, new, errand))


async def _attempt(
    env: Environment, parent_id: str, child: str, new: NewSubagent, errand: commands.subagents.Errand | None
) -> str:
    parent = await load(env, parent_id)
    by: Stamp = env.stamp() if errand is None else env.stamp(Actor(kind="agent", id=parent.path))
    path = await _path(env, parent, new.name)
    wanted = commands.subagents.Spawn(child, new.name, path, new.digest, new.template, errand)
    bounds = commands.subagents.Bounds(env.settings.subagents_at_once, env.settings.subagent_depth)
    told = commands.subagents.spawn(parent, by, wanted, bounds)
    opening = await _opening(env, parent, new, path, errand)
    await env.log.append(Change(parent.id, parent.version, told), await beginning(env, child, by, opening, new.prompt))
    return child


async def beginning(env: Environment, child: str, by: Stamp, opening: commands.sessions.Opening, prompt: str) -> Change:
    """A session, and its first turn, which nobody runs yet. Raises InvalidInput, CommandRefused, StoreError."""
    started = commands.sessions.start(Session(child), by, opening)
    asked = commands.turns.Asked(await keep_input(env.bodies, prompt))
    begun = commands.turns.start(fold_events(Session(child), started), by, env.ids.new("turn"), asked)
    return Change(child, 0, (*started, *begun))


async def _path(env: Environment, parent: Session, name: str) -> str:
    """Where it stands; a name that came before gets a number."""
    taken = {record.event.path for record in await env.log.read(parent.id) if isinstance(record.event, SubagentSpawned)}
    path, number = f"{parent.path}/{name}", 1
    while path in taken:
        number += 1
        path = f"{parent.path}/{name}-{number}"
    return path


async def _opening(
    env: Environment, parent: Session, new: NewSubagent, path: str, errand: commands.subagents.Errand | None
) -> commands.sessions.Opening:
    template = template_of(env, new.template)
    model = new.model or (template.model if template else None)
    system = None if template is None else template.system
    turn_id = parent.turn.turn_id if errand is not None and parent.turn is not None else None
    return commands.sessions.Opening(
        title=title_of(path, new.prompt),
        model=await model_of(env, parent, model),
        project=parent.project,
        workspace=parent.workspace,
        system=parent.system if system is None else await env.bodies.keep(system),
        tools=with_reader(_tools(env, parent, new, template)),
        settings=parent.settings,
        limits=tightest(new.limits, None if template is None else template.limits),
        policy=parent.policy,
        spawned_by=SpawnedBy(
            session=parent.id,
            path=path,
            turn_id=turn_id,
            call_id=None if errand is None else errand.call_id,
            template=new.template,
        ),
    )


def title_of(path: str, about: str) -> str:
    """The title of a session that works for another one."""
    return f"{path}: {' '.join(clean(about).split())[:60]}"


async def model_of(env: Environment, parent: Session, wanted: str | Model | None) -> str:
    """The name of its model: the one that is wanted, or else its parent's. Raises ModelError."""
    if wanted is None or isinstance(wanted, str):
        return parent.model if wanted in (None, "", parent.model) else await env.known_model(wanted)
    return wanted.name


def refuse_more(who: str, superior: str, has: Session, more: Sequence[str]) -> None:
    """Nobody who works for a session has tools that it does not have itself. Raises InvalidInput."""
    if more:
        raise InvalidInput(
            f"a {who} has no tools that its {superior} does not have, such as {', '.join(more)}; "
            f"{has.path} has: {', '.join(has.tools) or 'none'}"
        )


def template_of(env: Environment, name: str | None) -> SubagentTemplate | None:
    """The template under a name. Raises InvalidInput."""
    if name is None:
        return None
    if name not in env.subagents:
        raise InvalidInput(f"there is no subagent template {name!a}; there are: {', '.join(env.subagents) or 'none'}")
    return env.subagents[name]


def _tools(env: Environment, parent: Session, new: NewSubagent, template: SubagentTemplate | None) -> tuple[str, ...]:
    """The names of its tools: some of its parent's, and nobody else's. Raises InvalidInput."""
    wanted = new.tools if new.tools is not None else template.tools if template is not None else None
    if wanted is None:
        deepest = parent.depth + 1 >= env.settings.subagent_depth
        return tuple(name for name in parent.tools if not (deepest and name == TASK_TOOL))
    refuse_more("subagent", "parent", parent, [name for name in wanted if name not in parent.tools])
    return tuple(wanted)
