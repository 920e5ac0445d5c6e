"""`find_tools`: the model looks for tools it is not shown, and is shown what it found from then on."""

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

from turnlog.domain import FIND_TOOLS, Actor, Tool, ToolContext, ToolOutput, ToolSpec, commands

from ..environment import Environment
from ..histories import load
from ..showing import shown_call
from ..writing import command

_SPEC = ToolSpec(
    name=FIND_TOOLS,
    description="Find further tools by words of what they do. What is found can be called from your next answer on.",
    parameters={
        "type": "object",
        "properties": {"query": {"type": "string", "description": "Words of the tools' names and descriptions."}},
        "required": ["query"],
        "additionalProperties": False,
    },
    effect="idempotent",
)
_MOST = 8
_LISTED = 50


class _Wanted(BaseModel):
    query: str


class FindTools:
    """The tool of one session's worker: `tools` are those at hand, by name."""

    def __init__(self, env: Environment, tools: Mapping[str, Tool]) -> None:
        self._env = env
        self._tools = tools

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return _SPEC

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call with every argument."""
        return shown_call(FIND_TOOLS, arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """What was found, which is on record. Raises NotFound, CommandRefused, StoreError."""
        session = await load(self._env, context.session_id)
        there = [self._tools[name].spec for name in session.toolset.hidden(session.tools) if name in self._tools]
        found = _best(there, _Wanted.model_validate(dict(arguments)).query)
        if not found:
            names = ", ".join(spec.name for spec in there[:_LISTED]) or "none"
            return ToolOutput((f"No tool was found. These can still be found by their names: {names}",))
        by, names_found = self._env.stamp(Actor(kind="agent", id=f"call:{context.call_id}")), _names(found)
        await command(self._env, context.session_id, lambda session: commands.toolset.find(session, by, names_found))
        lines = [f"- {spec.name}: {spec.description}" for spec in found]
        return ToolOutput(("\n".join(["From your next answer on you can call:", *lines]),))


def _names(specs: Sequence[ToolSpec]) -> tuple[str, ...]:
    return tuple(spec.name for spec in specs)


def _best(specs: Sequence[ToolSpec], query: str) -> list[ToolSpec]:
    """The tools in which most words of the query stand, names counting more; in their order where they are equal."""
    words = set(re.findall(r"\w+", query.casefold()))
    scored = [(sum(_score(word, spec) for word in words), spec) for spec in specs]
    best = sorted((each for each in scored if each[0]), key=lambda each: -each[0])
    return [spec for _, spec in best[:_MOST]]


def _score(word: str, spec: ToolSpec) -> int:
    return 3 * (word in spec.name.casefold()) + (word in spec.description.casefold())
