"""`task`: the tool with which a model hands a part of its work to a subagent, and gets its last word."""

from collections.abc import Mapping

from pydantic import BaseModel, JsonValue

from turnlog.domain import TASK_TOOL, CommandRefused, ToolContext, ToolOutput, ToolSpec

from ..showing import shown_call
from .templates import SubagentTemplate

_ABOUT = (
    "Hand a part of the work to a subagent. It begins with nothing but the prompt, so say all it needs to know; it has "
    "your tools, or some of them, and you get its last word. Several calls in one answer run side by side."
)


class _Wanted(BaseModel):
    name: str
    prompt: str
    template: str | None = None
    tools: tuple[str, ...] | None = None


class TaskTool:
    """The tool, for all sessions of a log. What subagents do is judged call by call, so nobody is asked about this."""

    within_log = True

    def __init__(self, templates: Mapping[str, SubagentTemplate]) -> None:
        self._spec = _spec(templates)

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return self._spec

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call with every argument."""
        return shown_call(TASK_TOOL, arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """The subagent's last word. Raises InvalidInput, CommandRefused, StoreError."""
        wanted = _Wanted.model_validate(dict(arguments))
        if context.delegate is None:
            raise CommandRefused("nobody runs subagents here")
        done = await context.delegate.spawn(wanted.name, wanted.prompt, tools=wanted.tools, template=wanted.template)
        text = done.text or ("the subagent failed" if done.is_error else "the subagent ended without a word")
        return ToolOutput((text,), is_error=done.is_error, details={"session_id": done.session_id})


def _spec(templates: Mapping[str, SubagentTemplate]) -> ToolSpec:
    kinds = "".join(f"\n- {template.name}: {template.description}" for template in templates.values())
    properties: dict[str, JsonValue] = {
        "name": {
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
            "description": "A short name for it, such as review.",
        },
        "prompt": {"type": "string", "minLength": 1, "description": "What it is to do, and what to answer."},
        "tools": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Which of your tools it gets; otherwise all.",
        },
    }
    if templates:
        properties["template"] = {"type": "string", "enum": list(templates), "description": "Which kind it is."}
    return ToolSpec(
        name=TASK_TOOL,
        description=f"{_ABOUT} Kinds there are:{kinds}" if kinds else _ABOUT,
        parameters={
            "type": "object",
            "properties": properties,
            "required": ["name", "prompt"],
            "additionalProperties": False,
        },
        effect="idempotent",
    )
