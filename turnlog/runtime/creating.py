"""Beginning a session, and opening one that there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from turnlog.domain import (
    FIND_TOOLS,
    STANDARD,
    Change,
    Draft,
    InvalidInput,
    Limits,
    Model,
    ModelSettings,
    Policy,
    Session,
    Tool,
    ToolSearch,
    clean,
    commands,
)

from .configuring import check_own, check_programs, check_tools
from .environment import Environment
from .histories import load
from .hooks import Hook, in_order
from .permissions.policies import keep_policy
from .session import SessionHandle
from .turns.results import with_reader


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session is to be; see `Turnlog.create_session`."""

    title: str
    model: str | Model
    tools: Sequence[str | Tool] = ()
    system: str | None = None
    project: str | None = None
    workspace: str | Path | None = None
    settings: ModelSettings | None = None
    limits: Limits | None = None
    hooks: Sequence[Hook] = ()
    policy: Policy | None = None
    tags: Sequence[str] = ()
    memory: bool = False
    profiles: Mapping[str, Sequence[str]] | None = None
    profile: str | None = None
    deferred: Sequence[str] = ()
    tool_search: ToolSearch = "find_tools"


async def create_session(env: Environment, new: NewSession) -> SessionHandle:
    """Begin a session. Raises InvalidInput, ModelError, StoreError."""
    own = [tool for tool in new.tools if not isinstance(tool, str)]
    names = tuple(tool if isinstance(tool, str) else tool.spec.name for tool in new.tools)
    policy = new.policy or env.policy
    check_tools(env, names, own)
    check_programs(env, policy, names, {tool.spec.name: tool for tool in own})
    in_order((*env.hooks, *new.hooks))
    # A session of a model that cannot be is not worth beginning.
    name = await env.known_model(new.model) if isinstance(new.model, str) else new.model.name
    opening = commands.sessions.Opening(
        title=clean(new.title),
        model=name,
        project=None if new.project is None else clean(new.project),
        workspace=None if new.workspace is None else str(_directory(Path(new.workspace))),
        system=None if new.system is None else await env.bodies.keep(new.system),
        tools=with_reader((*names, FIND_TOOLS) if new.deferred and FIND_TOOLS not in names else names),
        settings=new.settings,
        limits=new.limits,
        policy=None if policy == STANDARD else await keep_policy(env, policy),
        tags=tuple(map(clean, new.tags)),
        memory=new.memory,
    )
    session_id = env.ids.session()
    draft, by = Draft(Session(session_id)), env.stamp()
    draft.decide(lambda session: commands.sessions.start(session, by, opening))
    if new.profiles or new.profile is not None or new.deferred:
        profiles = {name: tuple(tools) for name, tools in (new.profiles or {}).items()}
        deferred = tuple(new.deferred)
        draft.decide(lambda session: commands.toolset.arrange(session, by, profiles, new.profile, deferred))
    draft.decide(lambda session: commands.toolset.choose_search(session, by, new.tool_search))
    await env.log.append(Change(session_id, 0, draft.events))
    made = None if isinstance(new.model, str) else new.model
    return SessionHandle(env, session_id, model=made, tools=own, hooks=new.hooks)


async def open_session(
    env: Environment, session_id: str, model: Model | None, tools: Sequence[Tool], hooks: Sequence[Hook]
) -> SessionHandle:
    """The session with this id. Raises NotFound, InvalidInput, StoreError."""
    session = await load(env, session_id)
    await check_own(env, session, {tool.spec.name: tool for tool in tools})
    return SessionHandle(env, session_id, model=model, tools=tools, hooks=hooks)


def _directory(path: Path) -> Path:
    resolved = path.resolve()
    if not resolved.is_dir():
        raise InvalidInput(f"the workspace {path} is not a directory")
    return resolved
