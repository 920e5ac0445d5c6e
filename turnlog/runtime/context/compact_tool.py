"""`compact`: the model asks that its own conversation be compacted before its next answer."""

from collections.abc import Mapping

from pydantic import BaseModel, JsonValue

from turnlog.domain import Actor, CommandRefused, ToolContext, ToolOutput, ToolSpec, clean, commands

from ..environment import Environment
from ..own_names import COMPACT
from ..showing import shown_call
from ..writing import command

_SPEC = ToolSpec(
    name=COMPACT,
    description="Have the earlier part of this conversation replaced by a summary before your next answer, because "
    "most of it is no longer needed. The latest messages stay as they are.",
    parameters={
        "type": "object",
        "properties": {
            "instructions": {"type": "string", "default": "", "description": "What the summary has to keep."},
        },
        "additionalProperties": False,
    },
    effect="idempotent",
)


class _Wanted(BaseModel):
    instructions: str = ""


class CompactTool:
    """The tool, for all sessions of a log: the context of a call says which session is meant."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return _SPEC

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call with every argument."""
        return shown_call(COMPACT, arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Record the wish; the turn heeds it before its next request. Raises StoreError."""
        said = clean(_Wanted.model_validate(dict(arguments)).instructions)
        by = self._env.stamp(Actor(kind="agent", id=f"call:{context.call_id}"))
        try:
            await command(self._env, context.session_id, lambda session: commands.context.request(session, by, said))
        except CommandRefused as refused:
            return ToolOutput((refused.message,), is_error=True)
        return ToolOutput(("The conversation will be compacted before your next answer.",))
