"""Beginning a session where another one stood."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from turnlog.domain import Change, Model, Rerun, Session, Tool, clean, commands, evolve

from ..configuring import check_programs, check_tools
from ..environment import Environment
from ..histories import load
from ..permissions.policies import policy_of
from ..turns.results import with_reader
from .addresses import At
from .places import version_of


@dataclass(frozen=True, slots=True)
class NewFork:
    """How a fork is to differ from its parent; None leaves it as the parent was.

    Tools are your own, or the names of built-in ones. What the parent was allowed is dropped unless `keep_grants`.
    `rerun` is what the fork does again, if anything.
    """

    title: str | None = None
    model: str | Model | None = None
    system: str | None = None
    tools: Sequence[str | Tool] | None = None
    keep_grants: bool = False
    rerun: Rerun | None = None

    @property
    def own_tools(self) -> tuple[Tool, ...]:
        """Those of its tools that are not built in."""
        return tuple(tool for tool in self.tools or () if not isinstance(tool, str))

    @property
    def own_model(self) -> Model | None:
        """Its model, where that is not only named."""
        return None if isinstance(self.model, str) else self.model


async def fork_session(env: Environment, parent: str, at: At, new: NewFork) -> str:
    """Begin a stream that goes on from another one; its id.

    Raises NotFound, InvalidInput, ModelError, StoreError.
    """
    change = await fork_of(env, await load(env, parent, await version_of(env.log, parent, at)), new)
    await env.log.append(change)
    return change.stream


async def fork_of(env: Environment, parent: Session, new: NewFork) -> Change:
    """The first events of a stream that goes on from a session as it stood; nothing is appended yet.

    Raises InvalidInput, ModelError, StoreError.
    """
    by = env.stamp()
    fork = commands.sessions.Fork(
        None if new.title is None else clean(new.title), await _model_name(env, new), new.keep_grants, new.rerun
    )
    begun = commands.sessions.fork(parent, by, fork)
    child = replace(parent, id=env.ids.session())
    for event in begun:
        child = evolve(child, event)
    configured = commands.sessions.configure(child, by, await _configuration(env, child, new))
    return Change(child.id, 0, (*begun, *configured))


async def _model_name(env: Environment, new: NewFork) -> str | None:
    if isinstance(new.model, str):
        return await env.known_model(new.model)
    return None if new.model is None else new.model.name


async def _configuration(env: Environment, child: Session, new: NewFork) -> commands.sessions.Configuration:
    system = None if new.system is None else await env.bodies.keep(new.system)
    if new.tools is None:
        return commands.sessions.Configuration(system=system)
    names = tuple(tool if isinstance(tool, str) else tool.spec.name for tool in new.tools)
    check_tools(env, names, new.own_tools)
    policy = (await policy_of(env, child)).policy
    check_programs(env, policy, names, {tool.spec.name: tool for tool in new.own_tools})
    return commands.sessions.Configuration(system=system, tools=with_reader(names))
