"""What a handle brings to the turns of a session: the model, the tools and the hooks of the calling program."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from turnlog.domain import FIND_TOOLS, Model, Tool

from .background.tasks import note_lost
from .environment import Environment
from .histories import load
from .hooks import Hook
from .turns.engine import Conduct, drive
from .turns.outputs import output_tool
from .turns.own_tools import runtime_tool
from .turns.replies import Reply, typed
from .worker import Worker


@dataclass(frozen=True, slots=True)
class Means:
    """What the log cannot hold. `model` None is the one that the session names; `hooks` are in their order."""

    model: Model | None
    tools: Mapping[str, Tool]
    hooks: Sequence[Hook]


async def worker_for(env: Environment, session_id: str, means: Means) -> Worker:
    """A worker that has read the session. Raises NotFound, InvalidInput, StoreError."""
    session = await load(env, session_id)
    await note_lost(env, session)
    model = means.model
    if model is None:  # the first of a process imports its provider's library
        model = await asyncio.to_thread(env.models, session.model)
    if env.wrapping is not None:
        model = env.wrapping.model(model)
    worker = Worker(env, session_id, model, _toolbox(env, means, session.tools), means.hooks)
    await worker.open()
    return worker


async def run_turn(worker: Worker, conduct: Conduct, output: type[BaseModel] | None) -> Reply:
    """Run the turn that was begun or taken up; with `output` it ends in a value of that type. Raises as `drive`."""
    worker.tools = {**worker.tools, **output_tool(worker.session, output)}
    reply = await drive(worker, conduct)
    return reply if output is None else typed(reply, output)


def _toolbox(env: Environment, means: Means, names: Sequence[str]) -> dict[str, Tool]:
    found = {name: runtime_tool(env, name) or means.tools.get(name) or env.tools(name) for name in names}
    tools = {name: tool for name, tool in found.items() if tool is not None}
    finder = runtime_tool(env, FIND_TOOLS, tools)
    return tools | {FIND_TOOLS: finder} if FIND_TOOLS in tools and finder is not None else tools
