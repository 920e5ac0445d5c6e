"""What a session is made of: tools that there are, programs only where its policy lets them run, a policy on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from turnlog.domain import (
    InvalidInput,
    Limits,
    ModelSettings,
    Policy,
    Session,
    Tool,
    commands,
)

from .environment import Environment
from .histories import load
from .own_names import OWN_TOOLS
from .permissions.policies import keep_policy, policy_of
from .turns.own_tools import runtime_tool
from .turns.results import with_reader
from .writing import command


def check_tools(env: Environment, names: Sequence[str], own: Sequence[Tool]) -> None:
    """Raises InvalidInput where a name is taken, or stands for no tool."""
    if len(set(names)) < len(names):
        raise InvalidInput("two tools of one session cannot have the same name")
    mine = {tool.spec.name for tool in own}
    for name in sorted(mine & OWN_TOOLS):
        raise InvalidInput(f"the name {name!r} belongs to a tool of turnlog; give yours another")
    for name in names:
        if name not in mine and runtime_tool(env, name) is None and env.tools(name) is None:
            raise InvalidInput(f"there is no built-in tool {name!r}")


def check_programs(env: Environment, policy: Policy, names: Sequence[str], own: Mapping[str, Tool]) -> None:
    """Raises InvalidInput where a tool runs programs, and the policy does not let it."""
    if policy.bounds.commands:
        return
    tools = ((name, own.get(name) or env.tools(name)) for name in names)
    programs = [name for name, tool in tools if tool is not None and tool.spec.executes]
    if programs:
        many = len(programs) > 1
        raise InvalidInput(
            f"the tool{'s' if many else ''} {', '.join(programs)} run{'' if many else 's'} programs, which the policy "
            f"{policy.name} does not let a session do; give it one that does: Policy(bounds=Bounds(commands=True))"
        )


async def check_own(env: Environment, session: Session, own: Mapping[str, Tool]) -> None:
    """Raises InvalidInput where a tool of the calling program runs programs, and the session's policy does not let it.

    Raises StoreError, CorruptRecord.
    """
    if own:
        policy = (await policy_of(env, session)).policy
        check_programs(env, policy, [name for name in session.tools if name in own], own)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to hold for the turns to come; None leaves it as it is."""

    model: str | None = None
    system: str | None = None
    tools: Sequence[str] | None = None
    settings: ModelSettings | None = None
    limits: Limits | None = None
    policy: Policy | None = None
    memory: bool | None = None


async def configure_session(env: Environment, session_id: str, own: Mapping[str, Tool], wanted: Wanted) -> None:
    """Change a session. `own` are the tools of the calling program. Raises InvalidInput, CommandRefused, StoreError."""
    if wanted.tools is not None or wanted.policy is not None:
        session = await load(env, session_id)
        policy = wanted.policy or (await policy_of(env, session)).policy
        check_programs(env, policy, session.tools if wanted.tools is None else wanted.tools, own)
    configuration = commands.sessions.Configuration(
        None if wanted.model is None else await env.known_model(wanted.model),
        None if wanted.system is None else await env.bodies.keep(wanted.system),
        None if wanted.tools is None else with_reader(wanted.tools),
        wanted.settings,
        wanted.limits,
        None if wanted.policy is None else await keep_policy(env, wanted.policy),
        wanted.memory,
    )
    by = env.stamp()
    await command(env, session_id, lambda session: commands.sessions.configure(session, by, configuration))
